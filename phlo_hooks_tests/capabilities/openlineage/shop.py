"""A small shop: definitions, events and a place to run, without Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from phlo_hooks.assets import AssetInfo, CheckInfo, JobInfo, NoAssets, PartitionInfo
from phlo_hooks.capabilities.openlineage.compose import Composer
from phlo_hooks.capabilities.openlineage.datasets import DatasetNaming
from phlo_hooks.capabilities.openlineage.ledger import Ledger
from phlo_hooks.capabilities.openlineage.namespaces import NamespaceTemplate
from phlo_hooks.capabilities.openlineage.settings import Settings
from phlo_hooks.events import HookCorrelation, HookEvent, IngestionEvent, RunEvent, TransformEvent
from phlo_hooks.memory import MemoryState
from phlo_hooks_tests.capabilities.openlineage.spec import check as check_spec

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
RUN = "3f0b8c6e-58a6-4e0f-9d36-5ad4bb7d3c11"
ROOT = "9d1f0a0e-0e0f-4c6e-8a55-6c0d1f6b2a77"


class Shelf(NoAssets):
    """An `AssetGraph` of these assets and checks."""

    def __init__(self, *things: AssetInfo | CheckInfo) -> None:
        self._assets = {each.key: each for each in things if isinstance(each, AssetInfo)}
        self._checks = {(each.asset_key, each.name): each for each in things if isinstance(each, CheckInfo)}

    def keys(self) -> tuple[str, ...]:
        return tuple(sorted(self._assets))

    def asset(self, key: str) -> AssetInfo | None:
        return self._assets.get(key)

    def checks(self) -> tuple[CheckInfo, ...]:
        return tuple(self._checks.values())

    def check(self, asset_key: str, name: str) -> CheckInfo | None:
        return self._checks.get((asset_key, name))

    def partition(self, key: str, partition_key: str) -> PartitionInfo | None:
        return PartitionInfo(partition_key, {"date": partition_key})

    def upstream_partitions(self, key: str, partition_key: str, upstream: str) -> tuple[str, ...]:
        return (partition_key,)

    def jobs(self) -> tuple[JobInfo, ...]:
        return ()


SHELF = Shelf(
    AssetInfo("source", group="outside", executable=False, description="somebody else's"),
    AssetInfo("raw/orders", group="raw", owners=("team:data",), upstream=("source",)),
    AssetInfo(
        "report",
        stage="transform",
        group="marts",
        tags={"tier": "gold"},
        description="What was sold.",
        upstream=("raw/orders", "source"),
    ),
    CheckInfo("report", "fresh", description="of today", upstream=("raw/orders",)),
)


class Shop:
    """Plays events through a composer, with a memory, and keeps what would have been sent."""

    def __init__(
        self,
        shelf: Shelf = SHELF,
        *,
        job_namespace: str = "dagster",
        dataset_namespace: str = "dagster",
        data_sources: Mapping[str, str] = {},
        exclude: tuple[str, ...] = (),
        location: str = "shop",
        shared: MemoryState | None = None,
        **settings: Any,
    ) -> None:
        jobs = NamespaceTemplate(job_namespace, "job_namespace")
        datasets = NamespaceTemplate(dataset_namespace, "dataset_namespace")
        self.settings = Settings(
            jobs,
            DatasetNaming(datasets, data_sources, location),
            location,
            lambda key: key not in exclude,
            tag_keys=jobs.tag_keys | datasets.tag_keys,
            is_asset=lambda key: shelf.asset(key) is not None,
            **settings,
        )
        self.state = MemoryState(clock=lambda: NOON)
        self.ledger = Ledger(self.state, lambda: NOON, shared)
        self.composer = Composer(self.settings, shelf)
        self.sent: list[dict[str, Any]] = []

    def play(self, *events: HookEvent) -> list[dict[str, Any]]:
        """What these come to, one after the other; each is held against the specification."""
        from openlineage.client.serde import Serde

        came = []
        for event in events:
            page = self.composer.page(event, self.ledger)
            for message in self.composer.messages(event, page):
                sent = Serde.to_dict(message.event)
                check_spec(sent)
                came.append(sent)
                message.note(page)
            self.ledger.close(page)
        self.sent += came
        return came


def where(key: str | None = "report", **changes: Any) -> HookCorrelation:
    known = {"run_id": RUN, "job_name": "nightly", "correlation_id": RUN}
    step = {"step_key": key.replace("/", "__"), "attempt": 1, "asset_key": key} if key else {}
    return HookCorrelation(**{**known, **step, **changes})


def run(state: str = "start", at: float = 0, tags: Mapping[str, str] = {}, **changes: Any) -> RunEvent:
    more = {name: changes.pop(name) for name in list(changes) if name in RunEvent.model_fields}
    return RunEvent(
        event_type=f"run.{state}",
        timestamp=NOON + timedelta(seconds=at),
        producer="dagster",
        tags=dict(tags),
        correlation=where(None, **changes),
        **more,
    )


def start(key: str = "report", at: float = 1, **changes: Any) -> HookEvent:
    return asset(key, "start", at, status="started", **changes)


def end(key: str = "report", at: float = 5, status: str = "success", began: float | None = 1, **changes: Any):
    started = None if began is None else NOON + timedelta(seconds=began)
    return asset(key, "end", at, status=status, started_at=started, **changes)


def asset(key: str, phase: str, at: float, **changes: Any) -> HookEvent:
    cls = TransformEvent if key == "report" else IngestionEvent
    stage = "transform" if key == "report" else "ingestion"
    more = {name: changes.pop(name) for name in list(changes) if name in cls.model_fields}
    more = {**more, "tags": {**more.get("tags", {}), **(SHELF.asset(key).tags if SHELF.asset(key) else {})}}
    return cls(
        event_type=f"{stage}.{phase}",
        timestamp=NOON + timedelta(seconds=at),
        producer="dagster",
        correlation=where(key, **changes),
        **more,
    )


def states(sent: list[dict[str, Any]]) -> list[str]:
    return [each.get("eventType", "DATASET") for each in sent]


def names(datasets: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in datasets]
