"""The tail sensor: collects, delivers, and shows in the run what it did, in every tick."""

from __future__ import annotations

import time

import dagster as dg

from phlo_hooks.delivery.relay import Relay, RelayReport
from phlo_hooks.errors import StoreError
from phlo_hooks.producers import run_view
from phlo_hooks.producers.dagster_private import location_of
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.tail import CollectReport

SENSOR_NAME = "phlo_hooks_tail"

# Dagster ends a tick after 60 s and forgets what it did; half of that leaves room for a slow last call.
TICK_BUDGET = 30.0
# The daemon looks at sensors every few seconds; an alert ought not wait for much longer than that.
INTERVAL_SECONDS = 10
_COLLECT_SHARE = 0.5
_WATCH_SHARE = 0.15


def make_tail_sensor(
    runtime: Runtime, *, name: str = SENSOR_NAME, budget: float = TICK_BUDGET
) -> dg.SensorDefinition:
    """The sensor that records what a run's processes could not, and delivers what waits.

    Args:
        runtime: of the definitions it belongs to.
        name: the sensor's name.
        budget: seconds that one tick may take.
    """

    def evaluate(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(_tick(context, runtime, budget))

    return dg.SensorDefinition(
        name=name,
        evaluation_fn=evaluate,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Hook Bus: records what happened as events and delivers them to the hooks.",
    )


def _tick(context: dg.SensorEvaluationContext, runtime: Runtime, budget: float) -> str:
    try:
        said = tick(context.instance, runtime, location_of(context), budget)
    except StoreError as exc:
        # Nothing is lost: no cursor moved. A failed tick would only hide the reason in a traceback.
        context.log.error("%s; the next tick tries again", exc)
        return str(exc)
    context.log.info(said)
    return said


def tick(
    instance: dg.DagsterInstance,
    runtime: Runtime,
    scope: str,
    budget: float = TICK_BUDGET,
    relay: Relay | None = None,
) -> str:
    """Collect, deliver, show and tidy up, within `budget` seconds; say what was done.

    Args:
        instance: the Dagster instance.
        runtime: of the definitions.
        scope: their code location.
        budget: seconds; a call of a hook that has begun may take a little longer.
        relay: delivers; by default one with a single call of each hook at a time.

    Raises:
        StoreError: the store is down, or of another release.
    """
    deadline = time.monotonic() + budget
    collected = _collect(instance, runtime, scope, budget)
    relayed = (relay or runtime.relay(instance, scope)).run(budget=_left(deadline))
    _look_after(instance, runtime, deadline)
    return f"{collected}; {summary(relayed)}"


def look(
    instance: dg.DagsterInstance, runtime: Runtime, scope: str, budget: float = TICK_BUDGET
) -> CollectReport:
    """As `tick`, without delivering: for a relay that delivers beside it.

    Raises:
        StoreError: the store is down, or of another release.
    """
    deadline = time.monotonic() + budget
    collected = _collect(instance, runtime, scope, budget)
    _look_after(instance, runtime, deadline)
    return collected


def _collect(instance: dg.DagsterInstance, runtime: Runtime, scope: str, budget: float) -> CollectReport:
    """What runs logged, and what no run's log tells."""
    report = runtime.tail(instance, scope).collect(budget * _COLLECT_SHARE)
    watched = runtime.watch(instance, scope, budget * _WATCH_SHARE)
    report.events += watched.events
    report.new += watched.new
    report.complete = report.complete and watched.complete
    return report


def _look_after(instance: dg.DagsterInstance, runtime: Runtime, deadline: float) -> None:
    run_view.show(instance, runtime.store(instance), budget=_left(deadline))
    runtime.look_after(instance, _left(deadline))


def _left(deadline: float) -> float:
    return max(1.0, deadline - time.monotonic())


def summary(relayed: RelayReport) -> str:
    """What the relay did, in the words of the states."""
    counts = {
        "delivered": relayed.delivered,
        "to be retried": relayed.retried,
        "dead": relayed.dead,
        "suppressed": relayed.suppressed,
        "under way": relayed.under_way,
        "still due": relayed.remaining,
    }
    # A relay at work may add to them meanwhile.
    told_errors = list(relayed.errors.items())
    told = [f"{count} {what}" for what, count in counts.items() if count or what == "delivered"]
    failing = [f"{hook}: {error.splitlines()[0]}" for hook, error in told_errors if error]
    return "; ".join([", ".join(told), *failing])
