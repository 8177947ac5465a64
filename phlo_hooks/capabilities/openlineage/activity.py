"""What an event says of an OpenLineage run: which one it is, and in which state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from phlo_hooks.capabilities.openlineage.run_ids import (
    attempt_run_id,
    backfill_run_id,
    dagster_run_id,
    event_run_id,
)
from phlo_hooks.event_parts import OBSERVATION
from phlo_hooks.events import (
    AssetEvent,
    BackfillEvent,
    HookEvent,
    LineageEvent,
    QualityResultEvent,
    RunEvent,
    TelemetryEvent,
)


class Kind(str, Enum):
    """What ran, in the words of the `jobType` facet."""

    JOB = "JOB"
    ASSET = "ASSET"
    CHECK = "CHECK"
    BACKFILL = "BACKFILL"
    LINEAGE = "LINEAGE"


class State(str, Enum):
    """The states of a run that OpenLineage has."""

    START = "START"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"
    OTHER = "OTHER"


_ENDS = {
    "success": State.COMPLETE,
    "no_data": State.COMPLETE,
    "failure": State.FAIL,
    "canceled": State.ABORT,
    # Its step ran and did not yield it: it has not failed, and there is nothing new.
    "skipped": State.ABORT,
}
_RUNS = {
    "run.start": State.START,
    "run.success": State.COMPLETE,
    "run.failure": State.FAIL,
    "run.canceled": State.ABORT,
}


@dataclass(frozen=True)
class Activity:
    """A run of OpenLineage, and the state that an event brought it into.

    Args:
        started: when it began, where the event says so.
    """

    kind: Kind
    run_id: str
    state: State
    event: HookEvent
    started: datetime | None = None

    @property
    def asset_key(self) -> str | None:
        """The asset that it is about."""
        return self.event.correlation.asset_key

    @property
    def began(self) -> datetime:
        """When it began, as far as anybody knows; never after it ended."""
        return min(self.started or self.event.timestamp, self.event.timestamp)


def activity_of(event: HookEvent) -> Activity | None:
    """The run that an event is about; None for one that is about none."""
    if isinstance(event, RunEvent):
        return _run(event)
    if isinstance(event, AssetEvent):
        return _asset(event)
    if isinstance(event, QualityResultEvent):
        state = State.FAIL if event.event_type == "quality.error" else State.COMPLETE
        return Activity(Kind.CHECK, _attempt(Kind.CHECK, event), state, event, event.started_at)
    if isinstance(event, BackfillEvent):
        return _backfill(event)
    if isinstance(event, LineageEvent) and is_told(event):
        return Activity(Kind.LINEAGE, event_run_id(Kind.LINEAGE, event.event_id), State.COMPLETE, event)
    return None


def _run(event: RunEvent) -> Activity | None:
    state = _RUNS.get(event.event_type)
    if state is None or event.run_id is None:
        return None
    return Activity(Kind.JOB, dagster_run_id(event.run_id), state, event)


def _asset(event: AssetEvent) -> Activity | None:
    run_id = _attempt(Kind.ASSET, event)
    if event.event_type.endswith(".start"):
        return Activity(Kind.ASSET, run_id, State.START, event)
    if event.status == "skipped" and event.started_at is None:
        # Its step never began: there was no attempt.
        return None
    state = _ENDS.get(event.status or "success")
    return Activity(Kind.ASSET, run_id, state, event, event.started_at) if state else None


def _backfill(event: BackfillEvent) -> Activity | None:
    begins = event.event_type == "backfill.start"
    state = State.START if begins else _ENDS.get(event.status or "success")
    run_id = backfill_run_id(event.backfill_id)
    return Activity(Kind.BACKFILL, run_id, state, event) if state else None


def _attempt(kind: Kind, event: HookEvent) -> str:
    if event.run_id is None:
        return event_run_id(kind, event.event_id)
    return attempt_run_id(kind, event.correlation)


def is_told(event: HookEvent) -> bool:
    """Whether OpenLineage hears of an event of this kind at all.

    Of measurements, what Dagster observed; of lineage, what no end of a materialization says as well.
    """
    if isinstance(event, TelemetryEvent):
        return event.name == OBSERVATION
    return not (isinstance(event, LineageEvent) and event.producer == "dagster")
