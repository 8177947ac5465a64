"""A layer that keeps a record of its refreshes, and a bench to play events on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from phlo_hooks.assets import AssetGraph, AssetInfo, NoAssets, PartitionInfo, TimeWindow
from phlo_hooks.events import (
    BackfillEvent,
    HookEvent,
    PublishEvent,
    QualityResultEvent,
    RunEvent,
    SemanticEvent,
)
from phlo_hooks.memory import MemoryState, memory_host
from phlo_hooks.registration import HookRegistration
from phlo_hooks.semantics import Metric, Progress, SemanticModel, Work
from phlo_hooks.semantics.hooks import semantic_hooks
from phlo_hooks.semantics.settings import RefreshSettings

START = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


@dataclass
class RecordingLayer:
    """A semantic layer in memory: a refresh takes as many looks as `looks`, and goes wrong as `errors` say."""

    feeds: Mapping[str, tuple[str, ...]]
    looks: int = 0
    errors: list[Any] = field(default_factory=list)
    begun: list[Work] = field(default_factory=list)
    looked: list[Any] = field(default_factory=list)

    def list_models(self) -> Sequence[SemanticModel]:
        return [SemanticModel(name) for name in sorted({m for models in self.feeds.values() for m in models})]

    def get_model(self, name: str) -> SemanticModel:
        return SemanticModel(name)

    def list_metrics(self) -> Sequence[Metric]:
        return []

    def refresh(self, event: HookEvent) -> Progress:
        return Progress("done")

    def models_by_asset(self, assets: AssetGraph) -> Mapping[str, tuple[str, ...]]:
        return self.feeds

    def begin(self, work: Work) -> Progress:
        self.begun.append(work)
        return self._answer(self.looks)

    def look(self, work: Work, jobs: Any) -> Progress:
        self.looked.append(jobs)
        return self._answer(jobs - 1)

    def _answer(self, left: int) -> Progress:
        if self.errors and (error := self.errors.pop(0)) is not None:
            if isinstance(error, Exception):
                raise error
            return Progress("failed", error=error)
        return Progress("running", left) if left > 0 else Progress("done", details={"looks": self.looks})


class DailyAssets(NoAssets):
    """Published assets in daily partitions; all of them there, but for those in `missing`."""

    def __init__(self, *keys: str, missing: set[tuple[str, str | None]] | None = None) -> None:
        self._keys = keys
        self.missing = missing or set()

    def asset(self, key: str) -> AssetInfo | None:
        return AssetInfo(key, stage="publish") if key in self._keys else None

    def partition(self, key: str, partition_key: str) -> PartitionInfo | None:
        start = datetime.fromisoformat(partition_key).replace(tzinfo=timezone.utc)
        window = TimeWindow(start, start + timedelta(days=1), "UTC")
        return PartitionInfo(partition_key, {"partition": partition_key}, window)

    def is_there(self, key: str, partition_key: str | None = None) -> bool | None:
        return (key, partition_key) not in self.missing


class Bench:
    """Plays events to the hooks of a layer, and the steps that they lead to when their time has come."""

    def __init__(self, layer: RecordingLayer, assets: AssetGraph | None = None, **settings: Any) -> None:
        self.layer, self.now = layer, START
        self.state = MemoryState(clock=lambda: self.now, emit=self._emitted)
        self.due: list[SemanticEvent] = []
        self.told: list[SemanticEvent] = []
        host = memory_host(self.state, clock=lambda: self.now, assets=assets or DailyAssets(*layer.feeds))
        hooks = semantic_hooks(layer, host, RefreshSettings(**settings), timeout=10)
        self.hooks: dict[str, HookRegistration] = {hook.hook_name: hook for hook in hooks}

    def _emitted(self, event: HookEvent) -> None:
        assert isinstance(event, SemanticEvent)
        (self.due if event.event_type == "semantic.due" else self.told).append(event)

    def play(self, *events: HookEvent) -> Bench:
        hook = self.hooks["publications"]
        for event in events:
            if hook.filters is None or hook.filters.matches(event):
                hook.handler(event)  # type: ignore[operator]  # a function here
        return self

    def wait(self, seconds: float = 0) -> Bench:
        """Let time pass, and every step come that is due by then."""
        until = self.now + timedelta(seconds=seconds)
        while steps := [event for event in self.due if event.due is not None and event.due <= until]:
            event = min(steps, key=lambda each: each.due or START)
            self.now = max(self.now, event.due or START)
            # Not before: one that raises comes again.
            self.hooks["refresh"].handler(event)  # type: ignore[operator]
            self.due.remove(event)
        self.now = until
        return self

    def work(self) -> list[list[tuple[str, Any]]]:
        """What was begun: of each refresh the models, with first and last day."""
        return [[(each.model, _days(each.date_range)) for each in work.models] for work in self.layer.begun]


def _days(found: Any) -> Any:
    return found and (found.start.date().isoformat(), found.end.date().isoformat())


def published(
    asset: str, run: str | None = "run-1", partition: str | None = None, **fields: Any
) -> PublishEvent:
    """The end of a publication."""
    where = {
        "run_id": run,
        "asset_key": asset,
        "partition_key": partition,
        "backfill_id": fields.pop("backfill", None),
    }
    fields = {"status": "success", "data_version": "v1", "timestamp": START, **fields}
    return PublishEvent(
        event_type="publish.end", asset_key=asset, partition_key=partition, correlation=where, **fields
    )


def checked(asset: str, passed: bool | None, run: str = "run-1", **fields: Any) -> QualityResultEvent:
    """The result of a blocking check."""
    where = {"run_id": run, "asset_key": asset, "check_name": "c"}
    fields = {
        "event_type": "quality.result",
        "blocking": True,
        "severity": "ERROR",
        "timestamp": START,
        **fields,
    }
    return QualityResultEvent(asset_key=asset, check_name="c", passed=passed, correlation=where, **fields)


def ended(run: str = "run-1", how: str = "success") -> RunEvent:
    """The end of a run."""
    return RunEvent(event_type=f"run.{how}", correlation={"run_id": run})


def backfill_ended(backfill_id: str) -> BackfillEvent:
    """The end of a backfill."""
    return BackfillEvent(event_type="backfill.end", backfill_id=backfill_id)
