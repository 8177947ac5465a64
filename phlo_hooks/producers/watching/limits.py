"""How long a run may take before somebody is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from phlo_hooks.durations import duration
from phlo_hooks.errors import ConfigurationError

# On a job or a run, ours first; Dagster's own says after how many seconds it ends the run.
LONG_RUNNING_TAG, MAX_RUNTIME_TAG = "phlo/long_running", "dagster/max_runtime"
NEVER = "never"


@dataclass(frozen=True)
class Limits:
    """What holds for runs that say nothing themselves; None for never.

    Args:
        long_running: from the start of a run.
        stuck_queued: from when a run was created, while it waits in the queue.
        stuck_starting: from when a run was launched, until its process begins.
    """

    long_running: timedelta | None = timedelta(hours=24)
    stuck_queued: timedelta | None = timedelta(minutes=30)
    stuck_starting: timedelta | None = timedelta(minutes=10)

    @classmethod
    def stated(cls, *settings: tuple[str | None, str]) -> Limits:
        """From the values and the names of the three settings, in the order of the arguments.

        Raises:
            ConfigurationError: one is no duration.
        """
        return cls(*(None if value is None else duration(value, name) for value, name in settings))

    def of_run(self, tags: Mapping[str, str]) -> timedelta | None:
        """How long a run with these tags may execute; None for as long as it likes.

        Raises:
            ConfigurationError: a tag is no duration.
        """
        for tag in (LONG_RUNNING_TAG, MAX_RUNTIME_TAG):
            if tag in tags:
                return stated(tags[tag], f"tag {tag}")
        return self.long_running


def stated(value: str, what: str) -> timedelta | None:
    """The limit that a tag states; None where it says `never`."""
    return None if value == NEVER else duration(value, what)


def check_tags(tags: Mapping[str, str], job: str) -> None:
    """Refuse a job's own limit that is none, when the definitions load.

    Raises:
        ConfigurationError: it is no duration.
    """
    if LONG_RUNNING_TAG in tags:
        stated(tags[LONG_RUNNING_TAG], f"tag {LONG_RUNNING_TAG} of job {job!r}")


def setting(value: object, name: str) -> str | None:
    """A field of the resource, in the form in which it is kept.

    Raises:
        ConfigurationError: it is no duration.
    """
    if value is None:
        return None
    if not isinstance(value, (str, int, float, timedelta)):
        raise ConfigurationError(f"{name} is {value!r}: write 2h, a number of seconds, or None for never")
    text = value.total_seconds() if isinstance(value, timedelta) else value
    duration(text, name)
    return str(text)
