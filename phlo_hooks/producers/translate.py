"""From what Dagster recorded to typed events. Pure functions: same records, same events, same ids.

The step hook translates one attempt as it ends; the tail sensor translates whole runs, and so also says what
a killed process could not. Both go through `translate_attempt`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from phlo_hooks.events import (
    ErrorInfo,
    FailedStep,
    HookCorrelation,
    HookEvent,
    RunEvent,
)
from phlo_hooks.identity import derive_event_id
from phlo_hooks.producers import asset_events, quality_events
from phlo_hooks.producers.blame import blame, is_dbt_failure, step_error
from phlo_hooks.producers.catalog import HEALTH_ASSET, Catalog, key_text
from phlo_hooks.producers.failures import error_of, is_interruption
from phlo_hooks.producers.runlog import Planned, Recorded, RunFacts, RunLog, StepAttempt, T

PRODUCER = "dagster"
_RUN_EVENTS: dict[T, tuple[str, Any]] = {
    T.RUN_ENQUEUED: ("run.queued", None),
    T.RUN_START: ("run.start", "started"),
    T.RUN_SUCCESS: ("run.success", "success"),
    T.RUN_FAILURE: ("run.failure", "failure"),
    T.RUN_CANCELED: ("run.canceled", "canceled"),
}


@dataclass
class Place:
    """Where an attempt's events belong; counts those alike, so that each has an id of its own."""

    run: RunFacts
    catalog: Catalog
    step_key: str | None = None
    attempt: int | None = None
    started_at: datetime | None = None
    seen: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def envelope(
        self,
        event_type: str,
        when: datetime,
        *,
        asset_key: str | None = None,
        partition_key: str | None = None,
        check_name: str | None = None,
        subject: str = "",
        ordinal: int | None = None,
    ) -> dict[str, Any]:
        """The fields all events share, with the id of the next event at these coordinates."""
        correlation = HookCorrelation.model_construct(
            **self.run_fields(),
            step_key=self.step_key,
            attempt=self.attempt,
            asset_key=asset_key,
            partition_key=partition_key,
            check_name=check_name,
        )
        subjects = (subject,) if subject else ()
        if ordinal is None:
            ordinal = self._next(event_type, asset_key, partition_key, check_name, subject)
        return {
            "event_id": derive_event_id(event_type, correlation, *subjects, ordinal=ordinal),
            "event_type": event_type,
            "timestamp": when,
            "producer": PRODUCER,
            "correlation": correlation,
        }

    def makes(self, planned: Planned) -> bool:
        """Whether the step makes the asset; of an observable source Dagster plans it, and only looks."""
        facts = self.catalog.assets.get(planned.asset_key)
        return facts is None or facts.executable

    def run_fields(self) -> dict[str, Any]:
        """What the run says of where an event belongs."""
        run = self.run
        return {
            # Dagster says "" of what was reported from outside a run.
            "run_id": run.run_id or None,
            "job_name": run.job_name or None,
            "backfill_id": run.backfill_id,
            "parent_run_id": run.parent_run_id,
            "correlation_id": run.root_run_id or run.run_id or None,
        }

    def _next(self, *coordinates: str | None) -> int:
        key = tuple(part or "" for part in coordinates)
        self.seen[key] += 1
        return self.seen[key] - 1


def translate_run(log: RunLog, catalog: Catalog) -> list[HookEvent]:
    """Every event of a run: as far as it has come, or, once it has ended, all that will ever be."""
    events: list[HookEvent] = list(run_events(log, catalog))
    for attempt in log.attempts:
        events += translate_attempt(log.run, attempt, catalog, run_end=log.end_of(attempt))
    return events


def translate_attempt(
    run: RunFacts, attempt: StepAttempt, catalog: Catalog, *, run_end: Recorded | None = None
) -> list[HookEvent]:
    """The events of one attempt of one step.

    Args:
        run: the run it belongs to.
        attempt: its records, and what it planned.
        catalog: what the definitions say of the assets.
        run_end: the record of the run's end, when it has ended, or of the failure in the asset's own graph
            that kept the step from beginning: what was planned and is not there by then has failed, or was
            skipped.
    """
    began = attempt.started.timestamp if attempt.started else None
    place = Place(run, catalog, attempt.step_key, attempt.attempt, began)
    events = list(_starts(place, attempt))
    for record in attempt.records:
        events += _record_events(place, record)
    events += _missing(place, attempt, run_end)
    return events


def translate_runless(records: Iterable[Recorded], catalog: Catalog) -> list[HookEvent]:
    """The events of what was reported to Dagster from outside a run."""
    place = Place(RunFacts(run_id="", job_name=""), catalog)
    events: list[HookEvent] = []
    for record in records:
        events += _record_events(place, record)
    return events


def run_events(log: RunLog, catalog: Catalog) -> Iterator[RunEvent]:
    """The run's own life cycle."""
    place = Place(log.run, catalog)
    started = next((record for record in log.records if record.type is T.RUN_START), None)
    for record in log.records:
        if record.type in _RUN_EVENTS:
            yield _run_event(place, log, record, started)


def _run_event(place: Place, log: RunLog, record: Recorded, started: Recorded | None) -> RunEvent:
    event_type, status = _RUN_EVENTS[record.type]
    run, failed = log.run, record.type is T.RUN_FAILURE
    ended = record is log.ended
    steps = tuple(_failed_steps(log)) if failed else ()
    return RunEvent(
        **place.envelope(event_type, record.timestamp, partition_key=run.partition_key),
        status=status,
        tags=run.own_tags,
        duration=(record.timestamp - started.timestamp).total_seconds() if ended and started else None,
        failed_steps=steps,
        error=error_of(record) if failed and not log.failures else None,
        will_retry=run.will_retry if failed else None,
        retry_number=run.retry_number,
        launched_by=run.launched_by,
        job_name=run.job_name,
    )


def _failed_steps(log: RunLog) -> Iterator[FailedStep]:
    """Those that said so, and those whose process died with the run."""
    for record in log.failures:
        yield FailedStep(step_key=record.event.step_key or "", error=step_error(record))
    for attempt in log.attempts:
        if log.ended is not None and attempt.started and not attempt.ended:
            yield FailedStep(step_key=attempt.step_key, error=_death(attempt, log.ended))


def _starts(place: Place, attempt: StepAttempt) -> Iterator[HookEvent]:
    started = attempt.started
    if started is None:
        return
    for planned in attempt.planned:
        if planned.check_name is None and place.makes(planned):
            yield asset_events.start(place, planned, started.timestamp)


def _record_events(place: Place, record: Recorded) -> Iterator[HookEvent]:
    # How the bus itself is doing is no event: telling of trouble must not make more.
    if key_text(HEALTH_ASSET) in record.asset_keys:
        return
    if record.type is T.ASSET_MATERIALIZATION:
        yield from asset_events.materialized(place, record)
    elif record.type is T.ASSET_OBSERVATION:
        yield quality_events.observed(place, record)
    elif record.type is T.ASSET_CHECK_EVALUATION:
        yield quality_events.evaluated(place, record)
    elif record.type is T.FRESHNESS_STATE_CHANGE:
        yield from quality_events.freshness(place, record)


def _missing(place: Place, attempt: StepAttempt, run_end: Recorded | None) -> Iterator[HookEvent]:
    """What was planned and did not come about: open-source Dagster records no event for it."""
    end = attempt.ended or run_end
    if end is None:
        return
    outcome = _outcome(attempt, end)
    there = _came_about(attempt.records)
    absent = [planned for planned in attempt.planned if not _is_there(planned, there)]
    own = _own_outcomes(place.catalog, absent, end, outcome)
    for planned in absent:
        if planned.check_name is None and place.makes(planned):
            yield asset_events.missing(place, planned, end, own[planned.asset_key])
        elif outcome.crashed and planned.asset_key not in own and not is_dbt_failure(end):
            # The check of an asset that this very step did not bring about had nothing to look at.
            yield quality_events.crashed(place, planned, end, outcome)


def _is_there(planned: Planned, there: set[Any]) -> bool:
    return (planned.asset_key if planned.check_name is None else planned) in there


def _own_outcomes(
    catalog: Catalog, absent: Iterable[Planned], end: Recorded, outcome: AttemptOutcome
) -> dict[str, AttemptOutcome]:
    """Each asset's own outcome: where one made others fail, those were skipped."""
    assets = {each.asset_key: catalog.asset(each.asset_key) for each in absent if not each.check_name}
    errors = blame(end, assets) if outcome.status == "failure" else None
    if errors is None:
        return dict.fromkeys(assets, outcome)
    skipped = AttemptOutcome("skipped", will_retry=outcome.will_retry)
    return {key: replace(outcome, error=errors[key]) if key in errors else skipped for key in assets}


@dataclass(frozen=True)
class AttemptOutcome:
    """How an attempt ended, for what it planned and did not deliver."""

    status: str
    error: ErrorInfo | None = None
    will_retry: bool | None = None

    @property
    def crashed(self) -> bool:
        """Whether it ended for good in a way it should not have."""
        return self.status in ("failure", "canceled") and not self.will_retry


def _outcome(attempt: StepAttempt, end: Recorded) -> AttemptOutcome:
    if end.type is T.STEP_UP_FOR_RETRY:
        return AttemptOutcome("failure", error_of(end), will_retry=True)
    if end.type is T.STEP_FAILURE:
        status = "canceled" if is_interruption(end) else "failure"
        return AttemptOutcome(status, step_error(end), will_retry=False)
    if attempt.ended is not None or attempt.started is None:
        # An output that a successful step did not yield, or a step that never began.
        return AttemptOutcome("skipped")
    status = "canceled" if end.type is T.RUN_CANCELED else "failure"
    return AttemptOutcome(status, _death(attempt, end), will_retry=False)


def _death(attempt: StepAttempt, end: Recorded) -> ErrorInfo:
    """A step that began and never ended: its process was killed, and left no error of its own."""
    said = error_of(end)
    reason = f": {said.message}" if said else ""
    return ErrorInfo(
        message=f"step {attempt.step_key!r} began and recorded no end{reason}",
        error_class="StepProcessDied",
    )


def _came_about(records: Iterable[Recorded]) -> set[Any]:
    there: set[Any] = set()
    for record in records:
        if record.type is T.ASSET_MATERIALIZATION and record.event.asset_key:
            there.add(key_text(record.event.asset_key))
        elif record.type is T.ASSET_CHECK_EVALUATION:
            data: Any = record.event.event_specific_data
            there.add(Planned(key_text(data.asset_key), None, data.check_name))
    return there
