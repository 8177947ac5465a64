"""What Dagster recorded of a run, in the shape in which it is translated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import Any, NamedTuple

import dagster as dg
from dagster import DagsterEvent, DagsterEventType, DagsterRun, EventLogEntry

from phlo_hooks.producers.catalog import key_text, own_tags
from phlo_hooks.producers.run_retries import RunRetries

T = DagsterEventType

# All that translation looks at; the log holds many times as much that it need not read.
RELEVANT = {
    T.ASSET_MATERIALIZATION_PLANNED,
    T.ASSET_CHECK_EVALUATION_PLANNED,
    T.STEP_START,
    T.STEP_RESTARTED,
    T.STEP_UP_FOR_RETRY,
    T.STEP_SUCCESS,
    T.STEP_FAILURE,
    T.STEP_SKIPPED,
    T.ASSET_MATERIALIZATION,
    T.ASSET_OBSERVATION,
    T.ASSET_CHECK_EVALUATION,
    T.FRESHNESS_STATE_CHANGE,
    T.RUN_ENQUEUED,
    T.RUN_START,
    T.RUN_SUCCESS,
    T.RUN_FAILURE,
    T.RUN_CANCELED,
}
RUN_ENDS = {T.RUN_SUCCESS, T.RUN_FAILURE, T.RUN_CANCELED}
STEP_ENDS = {T.STEP_SUCCESS, T.STEP_FAILURE, T.STEP_SKIPPED, T.STEP_UP_FOR_RETRY}
PLANS = {T.ASSET_MATERIALIZATION_PLANNED, T.ASSET_CHECK_EVALUATION_PLANNED}
_STARTS = {T.STEP_START, T.STEP_RESTARTED}


@dataclass(frozen=True)
class Recorded:
    """One Dagster event and when it was recorded. The step hook is not told when, and says now."""

    event: DagsterEvent
    timestamp: datetime
    storage_id: int = 0

    @cached_property
    def type(self) -> DagsterEventType:
        """What kind of Dagster event it is; asked dozens of times, and Dagster looks it up each time."""
        return self.event.event_type

    @property
    def asset_keys(self) -> frozenset[str]:
        """The asset it is about, if any; Dagster itself does not say it of a check."""
        data: Any = self.event.event_specific_data
        key = self.event.asset_key or getattr(data, "asset_key", None)
        return frozenset({key_text(key)} if key else ())


class Planned(NamedTuple):
    """What a step is to materialize, or the check it is to evaluate."""

    asset_key: str
    partition_key: str | None = None
    check_name: str | None = None


@dataclass(frozen=True)
class RunFacts:
    """A run, as Dagster's run storage has it."""

    run_id: str
    job_name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parent_run_id: str | None = None
    root_run_id: str | None = None
    location: str | None = None
    retries: RunRetries | None = None

    @classmethod
    def of(cls, run: DagsterRun, retries: RunRetries | None = None) -> RunFacts:
        """The facts of a `DagsterRun`, on an instance with these settings."""
        origin = run.remote_job_origin
        return cls(
            run_id=run.run_id,
            job_name=run.job_name,
            tags=run.tags,
            parent_run_id=run.parent_run_id,
            root_run_id=run.root_run_id,
            location=origin.location_name if origin else None,
            retries=retries,
        )

    @property
    def own_tags(self) -> dict[str, str]:
        """The tags a user set."""
        return own_tags(self.tags)

    @property
    def partition_key(self) -> str | None:
        """The one partition the run is about."""
        return self.tags.get("dagster/partition")

    @property
    def backfill_id(self) -> str | None:
        """The backfill that launched it."""
        return self.tags.get("dagster/backfill")

    @property
    def retry_number(self) -> int:
        """0 for the first run of a chain of retries."""
        return int(self.tags.get("dagster/retry_number", 0))

    @property
    def will_retry(self) -> bool | None:
        """Whether Dagster said that it launches the run once more; None where it said nothing."""
        value = self.tags.get("dagster/will_retry")
        return None if value is None else value == "true"

    def may_retry(self, *, step_failed: bool) -> bool | None:
        """Whether Dagster may launch it once more if it fails; None where nobody knows the settings."""
        return None if self.retries is None else self.retries.may_follow(self.tags, step_failed=step_failed)

    @property
    def launched_by(self) -> str:
        """`schedule:x`, `sensor:x`, `backfill:x`, `automation`, `user:x` or `manual`."""
        for tag, name in _LAUNCHERS:
            if tag in self.tags:
                return f"{name}:{self.tags[tag]}" if name != "automation" else name
        return "manual"


_LAUNCHERS = (
    ("dagster/schedule_name", "schedule"),
    ("dagster/backfill", "backfill"),
    ("dagster/auto_materialize", "automation"),
    ("dagster/from_automation_condition", "automation"),
    ("dagster/sensor_name", "sensor"),
    ("user", "user"),
)


@dataclass(frozen=True)
class StepAttempt:
    """One attempt of one step: what it planned, and what came of it so far."""

    step_key: str
    attempt: int
    records: tuple[Recorded, ...] = ()
    planned: tuple[Planned, ...] = ()

    def first(self, *types: DagsterEventType) -> Recorded | None:
        """The first record of one of these types."""
        return next((record for record in self.records if record.type in types), None)

    @cached_property
    def started(self) -> Recorded | None:
        """The record of its start."""
        return self.first(*_STARTS)

    @cached_property
    def ended(self) -> Recorded | None:
        """The record of its end; None while it runs, and for ever when its process was killed."""
        return self.first(*STEP_ENDS)


@dataclass(frozen=True)
class RunLog:
    """All that is known of a run. What is found in its records is looked for once: there may be 100,000."""

    run: RunFacts
    records: tuple[Recorded, ...]

    @cached_property
    def ended(self) -> Recorded | None:
        """The record of the run's end."""
        return next((record for record in self.records if record.type in RUN_ENDS), None)

    @cached_property
    def failures(self) -> tuple[Recorded, ...]:
        """The records of the steps that failed for good."""
        return tuple(record for record in self.records if record.type is T.STEP_FAILURE)

    def end_of(self, attempt: StepAttempt) -> Recorded | None:
        """What ended an attempt that did not say so itself: the run's end, when that has come.

        The last step of a graph asset never begins when an earlier one failed: then it is that failure.
        """
        graph, nested, _ = attempt.step_key.partition(".")
        if self.ended is None or attempt.started or not nested:
            return self.ended
        own = (each for each in self.failures if (each.event.step_key or "").startswith(f"{graph}."))
        return next(own, self.ended)

    @cached_property
    def planned(self) -> dict[str, tuple[Planned, ...]]:
        """What was planned, by step key."""
        return planned_by_step(record.event for record in self.records)

    @property
    def planned_assets(self) -> frozenset[str]:
        """The assets that it was to materialize, or to check."""
        return frozenset(each.asset_key for planned in self.planned.values() for each in planned)

    @cached_property
    def attempts(self) -> list[StepAttempt]:
        """Every attempt of every step, in the order in which they began; last, the steps that never did."""
        groups = _by_attempt(self.records)
        planned = self.planned
        attempts = [
            StepAttempt(step, number, tuple(records), planned.get(step, ()))
            for (step, number), records in groups.items()
        ]
        seen = {step for step, _ in groups}
        return attempts + [StepAttempt(s, 1, (), plans) for s, plans in planned.items() if s not in seen]

    @property
    def ended_attempts(self) -> list[StepAttempt]:
        """The attempts that are over, in the order in which they ended; last, those that never said so."""
        order = {id(record): place for place, record in enumerate(self.records)}
        last = len(self.records)
        over = [each for each in self.attempts if each.ended or (self.ended and each.started)]
        return sorted(over, key=lambda each: order[id(each.ended)] if each.ended else last)


def recorded(entry: EventLogEntry, storage_id: int = 0) -> Recorded | None:
    """A log entry as translation reads it; None for a plain log line."""
    if entry.dagster_event is None:
        return None
    when = datetime.fromtimestamp(entry.timestamp, tz=timezone.utc)
    return Recorded(entry.dagster_event, when, storage_id)


def planned_by_step(events: Iterable[DagsterEvent]) -> dict[str, tuple[Planned, ...]]:
    """What a run planned, by step key."""
    plans: dict[str, list[Planned]] = {}
    for event in events:
        if event.event_type in PLANS:
            plans.setdefault(event.step_key or "", []).extend(_planned(event.event_specific_data))
    return {step: tuple(planned) for step, planned in plans.items()}


def previous_attempts(events: Iterable[DagsterEvent], step_key: str) -> int:
    """How many attempts of a step ended in a retry."""
    return sum(e.event_type is T.STEP_UP_FOR_RETRY and e.step_key == step_key for e in events)


# Pages, so that one enormous run does not pass through the storage layer in one piece.
_PAGE = 5_000


class RecordReader:
    """The relevant records of a run after `cursor`, oldest first. `cursor` then says how far it has read."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str, cursor: str | None = None) -> None:
        self.cursor = cursor
        self._instance = instance
        self._run_id = run_id

    def __iter__(self) -> Iterator[Recorded]:
        more = True
        while more:
            page = self._instance.get_records_for_run(
                self._run_id, cursor=self.cursor, of_type=RELEVANT, limit=_PAGE
            )
            found = (recorded(each.event_log_entry, each.storage_id) for each in page.records)
            yield from (record for record in found if record is not None)
            self.cursor, more = page.cursor, page.has_more


def _planned(data: Any) -> Iterator[Planned]:
    key, check = key_text(data.asset_key), getattr(data, "check_name", None)
    # A check is evaluated once, however many partitions it looks at.
    subset = None if check else getattr(data, "partitions_subset", None)
    for partition in _partition_keys(subset) or (getattr(data, "partition", None),):
        yield Planned(key, partition, check)


def _partition_keys(subset: Any) -> Sequence[str]:
    """The keys that a backfill in one run plans at once, where Dagster is told to write it so
    (DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS); by default it writes one event for each.
    """
    if subset is None:
        return ()
    try:
        return sorted(subset.get_partition_keys())
    except Exception:  # noqa: BLE001
        # It is as long ago as the log: of definitions that Dagster can no longer read, the asset is left.
        return ()


def _by_attempt(records: Sequence[Recorded]) -> dict[tuple[str, int], list[Recorded]]:
    groups: dict[tuple[str, int], list[Recorded]] = {}
    number: dict[str, int] = {}
    for record in records:
        step = record.event.step_key
        if step is None or record.type in PLANS:
            continue
        attempt = number.setdefault(step, 1)
        groups.setdefault((step, attempt), []).append(record)
        if record.type is T.STEP_UP_FOR_RETRY:
            number[step] = attempt + 1
    return groups
