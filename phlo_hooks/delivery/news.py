"""What the bus tells of itself: hooks that are left alone or called again, and dead letters."""

from __future__ import annotations

from phlo_hooks.delivery.circuit import Circuit, CircuitState
from phlo_hooks.delivery.records import Claim, Settlement
from phlo_hooks.events import HookCorrelation, HookStatusEvent


def circuit_changed(
    hook: str, old: Circuit, new: Circuit, about: HookCorrelation | None = None
) -> HookStatusEvent:
    """That a hook's circuit has changed its state; `about` is where the delivery belongs that led to it."""
    return HookStatusEvent(
        event_type=_event_type(old, new),
        hook=hook,
        state=new.state.value,
        failures=new.failures,
        change=new.changes,
        reason=new.reason,
        correlation=_of_run(about),
    )


def dead_letter(claim: Claim, result: Settlement) -> HookStatusEvent:
    """That a delivery was given up."""
    return HookStatusEvent(
        event_type="hook.dead_letter",
        hook=claim.hook,
        about_event_id=claim.event.event_id,
        change=claim.replays,
        attempts=claim.attempts - (not result.counted),
        reason=(result.error or "").partition("\n")[0],
        correlation=_of_run(claim.event.correlation),
    )


def _event_type(old: Circuit, new: Circuit) -> str:
    """A failed probe is part of one outage: who is told of `hook.disabled` is told once."""
    if new.state is CircuitState.CLOSED:
        return "hook.enabled"
    if CircuitState.HALF_OPEN in (old.state, new.state) and new.state is not CircuitState.DISABLED:
        return "hook.probe"
    return "hook.disabled"


def _of_run(about: HookCorrelation | None) -> HookCorrelation:
    """The run that news of a hook belong to; not the step, which ended well."""
    return HookCorrelation(run_id=about.run_id, job_name=about.job_name) if about else HookCorrelation()
