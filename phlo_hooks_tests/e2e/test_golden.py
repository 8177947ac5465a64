"""The same runs, told by the step hook, by the tail, and by both, from each storage: one set of events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest

from phlo_hooks.events import HookEvent
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import golden, lake
from phlo_hooks_tests.e2e.conftest import STORAGES, NewInstance

pytestmark = pytest.mark.e2e

JOBS = [pytest.param(job, id=job) for job in golden.RUN_IDS]


@dataclass(frozen=True)
class Sights:
    """What was recorded of the same jobs: before any tick, after one, and without a step hook."""

    hook_only: list[HookEvent]
    both: list[HookEvent]
    tail_only: list[HookEvent]


@pytest.fixture(scope="module", params=STORAGES)
def sights(request: pytest.FixtureRequest, new_instance: NewInstance) -> Iterator[Sights]:
    """All jobs run twice: on the bus as it is by default, and with the tail alone."""
    with new_instance(request.param) as instance, new_instance(request.param) as other:
        hooked, tail_only = lake.hooked(), lake.hooked(step_hooks=False)
        run_everything(instance, hooked)
        before = recorded(instance, hooked)
        tick(instance, runtime_of(hooked), "")
        run_everything(other, tail_only)
        tick(other, runtime_of(tail_only), "")
        yield Sights(before, recorded(instance, hooked), recorded(other, tail_only))


def runtime_of(defs: dg.Definitions):
    return defs.resources["hooks"].runtime


def recorded(instance: dg.DagsterInstance, defs: dg.Definitions) -> list[HookEvent]:
    return [record.event for record in runtime_of(defs).store(instance).events()]


def run_everything(instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
    for job, run_id in golden.RUN_IDS.items():
        partition = "2024-01" if job == "month" else None
        definition = defs.resolve_job_def(job)
        definition.execute_in_process(
            instance=instance, run_id=run_id, partition_key=partition, raise_on_error=False
        )
    for event in (
        dg.AssetMaterialization("customers", partition="2024-01"),
        dg.AssetCheckEvaluation(dg.AssetKey(["raw", "orders"]), "has_rows", passed=False),
        dg.AssetObservation(["raw", "orders"]),
    ):
        instance.report_runless_asset_event(event)


def of_job(events: list[HookEvent], job: str) -> list[HookEvent]:
    return [event for event in events if event.run_id == golden.RUN_IDS[job]]


def outside(events: list[HookEvent]) -> list[HookEvent]:
    return [event for event in events if not event.run_id]


@pytest.mark.parametrize("job", JOBS)
def test_step_hook_alone(sights: Sights, job: str) -> None:
    """It sees all that a step brings, and nothing of what no step can know."""
    assert golden.rows(of_job(sights.hook_only, job)) == sorted(golden.STEPS[job])


@pytest.mark.parametrize("job", JOBS)
def test_tail_alone(sights: Sights, job: str) -> None:
    """The complete set, from Dagster's log."""
    assert golden.rows(of_job(sights.tail_only, job)) == sorted((*golden.STEPS[job], *golden.RUNS[job]))


@pytest.mark.parametrize("job", JOBS)
def test_both(sights: Sights, job: str) -> None:
    """What both see is one event."""
    assert golden.rows(of_job(sights.both, job)) == sorted((*golden.STEPS[job], *golden.RUNS[job]))


@pytest.mark.parametrize("job", JOBS)
def test_ids_are_coordinates(sights: Sights, job: str) -> None:
    """Each id can be computed from the row: the same whoever saw it, on every storage."""
    everything = (*golden.STEPS[job], *golden.RUNS[job])
    expected = {golden.expected_id(golden.RUN_IDS[job], row) for row in everything}
    assert {event.event_id for event in of_job(sights.tail_only, job)} == expected
    assert {event.event_id for event in of_job(sights.both, job)} == expected
    assert {event.event_id for event in of_job(sights.hook_only, job)} <= expected


def test_reported_from_outside(sights: Sights) -> None:
    """Only the tail sees what no run did."""
    assert outside(sights.hook_only) == []
    assert golden.rows(outside(sights.both)) == sorted(golden.OUTSIDE)
    assert golden.rows(outside(sights.tail_only)) == sorted(golden.OUTSIDE)


def test_both_sights_say_the_same(sights: Sights) -> None:
    """Not just the same id: whoever came first, the event has the same content."""
    by_hook = {event.event_id: content(event) for event in sights.hook_only}
    by_tail = {event.event_id: content(event) for event in sights.tail_only}
    assert by_hook == {event_id: by_tail[event_id] for event_id in by_hook}


def content(event: HookEvent) -> dict[str, object]:
    """All but the moment: a step hook is not told when its events happened."""
    return event.model_dump(exclude={"timestamp", "started_at"})
