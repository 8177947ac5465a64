"""The runs that execute in this process, so that code inside a step finds its session by the run's id."""

from __future__ import annotations

from weakref import WeakValueDictionary

from phlo_hooks.producers.session import RunSession

# Only an index: whoever runs the step (the `hooks` resource) owns the session and lets it go.
_LIVE: WeakValueDictionary[str, RunSession] = WeakValueDictionary()


def live_session(run_id: str) -> RunSession | None:
    """The session of a run that executes here; None when its definitions did not go through `with_hooks`."""
    return _LIVE.get(run_id)


def announce(session: RunSession) -> None:
    """Make a session known to code inside its steps."""
    _LIVE[session.run.run_id] = session
