"""Which run an event is about, and in which state: one id per attempt, whoever reports it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from phlo_hooks.capabilities.openlineage.activity import Kind, State, activity_of
from phlo_hooks.events import (
    BackfillEvent,
    HookCorrelation,
    IngestionEvent,
    LineageEvent,
    QualityResultEvent,
    RunEvent,
    TelemetryEvent,
    TransformEvent,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
RUN = str(uuid4())
WHERE = {"run_id": RUN, "job_name": "nightly", "step_key": "orders", "attempt": 1, "asset_key": "orders"}


def where(**changes) -> HookCorrelation:
    return HookCorrelation(**{**WHERE, **changes})


def end(status: str = "success", began: bool = True, **changes) -> IngestionEvent:
    started = NOON - timedelta(seconds=5) if began else None
    return IngestionEvent(
        event_type="ingestion.end",
        timestamp=NOON,
        status=status,
        started_at=started,
        correlation=where(**changes),
    )


def start(**changes) -> IngestionEvent:
    return IngestionEvent(
        event_type="ingestion.start", timestamp=NOON, status="started", correlation=where(**changes)
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("success", State.COMPLETE),
        ("no_data", State.COMPLETE),
        ("failure", State.FAIL),
        ("canceled", State.ABORT),
        ("skipped", State.ABORT),
    ],
)
def test_end_of_an_asset(status, state):
    """An output that a step did not yield is aborted: it has neither failed nor something new."""
    found = activity_of(end(status))
    assert (Kind.ASSET, state) == (found.kind, found.state)


def test_never_begun_is_no_run():
    """What was skipped because its upstream failed was never attempted."""
    assert activity_of(end("skipped", began=False)) is None


def test_failed_without_beginning():
    """The last step of a graph asset may fail by an earlier one: that is a failure all the same."""
    found = activity_of(end("failure", began=False))
    assert (State.FAIL, NOON) == (found.state, found.began)


def test_start_and_end_are_one_run():
    """And their id is a UUID, as the specification wants it."""
    assert activity_of(start()).run_id == activity_of(end()).run_id
    UUID(activity_of(start()).run_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"attempt": 2},
        {"run_id": str(uuid4())},
        {"partition_key": "2026-03-01"},
        {"step_key": "orders_2"},
        {"asset_key": "customers"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_coordinates_are_other_runs(changes):
    """A retry, a re-execution, another partition."""
    assert activity_of(start(**changes)).run_id != activity_of(start()).run_id


def test_a_run_keeps_its_id():
    """Dagster's own id is what people search for."""
    event = RunEvent(event_type="run.start", status="started", correlation=HookCorrelation(run_id=RUN))
    assert RUN == activity_of(event).run_id


def test_a_run_id_that_is_no_uuid():
    """Tests and old deployments have some; the specification does not allow them."""
    event = RunEvent(event_type="run.start", status="started", correlation=HookCorrelation(run_id="nightly"))
    assert UUID(activity_of(event).run_id).version == 5


@pytest.mark.parametrize("event_type", ["run.queued", "run.long_running", "run.stuck"])
def test_states_between(event_type):
    """Are none of OpenLineage's."""
    assert activity_of(RunEvent(event_type=event_type, correlation=HookCorrelation(run_id=RUN))) is None


@pytest.mark.parametrize(
    ("event_type", "state"),
    [
        ("run.start", State.START),
        ("run.success", State.COMPLETE),
        ("run.failure", State.FAIL),
        ("run.canceled", State.ABORT),
    ],
)
def test_states_of_a_run(event_type, state):
    event = RunEvent(event_type=event_type, correlation=HookCorrelation(run_id=RUN))
    assert (Kind.JOB, state) == (activity_of(event).kind, activity_of(event).state)


@pytest.mark.parametrize(
    ("event_type", "passed", "state"),
    [
        ("quality.result", True, State.COMPLETE),
        ("quality.result", False, State.COMPLETE),
        ("quality.error", None, State.FAIL),
    ],
)
def test_a_check(event_type, passed, state):
    """One that finds bad data has done its work; one that crashes has not."""
    event = QualityResultEvent(
        event_type=event_type, check_name="fresh", passed=passed, correlation=where(check_name="fresh")
    )
    found = activity_of(event)
    assert (Kind.CHECK, state) == (found.kind, found.state)
    assert found.run_id != activity_of(start()).run_id


@pytest.mark.parametrize(
    ("event_type", "status", "state"),
    [
        ("backfill.start", "started", State.START),
        ("backfill.end", "success", State.COMPLETE),
        ("backfill.end", "failure", State.FAIL),
        ("backfill.end", "canceled", State.ABORT),
    ],
)
def test_a_backfill(event_type, status, state):
    found = activity_of(BackfillEvent(event_type=event_type, backfill_id="b1", status=status))
    assert (Kind.BACKFILL, state) == (found.kind, found.state)


def test_runless_materializations_are_runs_of_their_own():
    """Each has an id that comes from its own: nothing else tells two of them apart."""
    one, other = (
        TransformEvent(
            event_type="transform.end", asset_key="orders", status="success", event_id=str(uuid4())
        )
        for _ in range(2)
    )
    assert activity_of(one).run_id == activity_of(one).run_id != activity_of(other).run_id


def test_lineage_of_a_materialization_is_in_its_run():
    """Only what a user emits is told alone."""
    edges = {"edges": (("orders", "report"),), "asset_key": "report"}
    assert activity_of(LineageEvent(producer="dagster", **edges)) is None
    assert Kind.LINEAGE is activity_of(LineageEvent(**edges)).kind


def test_measurements_are_no_runs():
    assert activity_of(TelemetryEvent(event_type="telemetry.metric", name="rows", value=3)) is None


def test_a_clock_that_goes_back():
    """An end is never before its start."""
    event = end().model_copy(update={"started_at": NOON + timedelta(seconds=1)})
    assert NOON == activity_of(event).began
