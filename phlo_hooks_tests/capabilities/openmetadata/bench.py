"""A resource without Dagster: assets on a shelf, and a memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from phlo_hooks.assets import AssetInfo, NoAssets
from phlo_hooks.capabilities import OpenMetadataResource
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.capabilities.openmetadata.tables.writer import TableWriter
from phlo_hooks.events import Column, DefinitionsEvent, HookCorrelation, HookEvent, IngestionEvent
from phlo_hooks.memory import MemoryState, memory_host

from .server import OpenMetadataServer

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
FQN = "lake.shop.raw.orders"
COLUMNS = (
    Column(name="id", type="BIGINT", nullable=False),
    Column(name="note", type="VARCHAR(20)", description="What was said."),
)


class Shelf(NoAssets):
    """An `AssetGraph` of these assets."""

    def __init__(self, *assets: AssetInfo) -> None:
        self._assets = {each.key: each for each in assets}

    def keys(self) -> tuple[str, ...]:
        return tuple(sorted(self._assets))

    def asset(self, key: str) -> AssetInfo | None:
        return self._assets.get(key)


def orders(**changes: Any) -> AssetInfo:
    """A table in DuckDB."""
    known = {
        "key": "raw/orders",
        "table_name": "raw.orders",
        "storage_kind": "duckdb",
        "columns": COLUMNS,
        "description": "All orders.",
        "group": "raw",
    }
    return AssetInfo(**{**known, **changes})


class Bench:
    """A resource that writes to a server; `asset` and fields may be changed between two deliveries."""

    def __init__(self, server: OpenMetadataServer, *assets: AssetInfo, **fields: Any) -> None:
        self.server, self.assets = server, assets or (orders(),)
        known = {"url": server.url, "token": server.token, "services": {"duckdb": "lake.shop"}}
        self.resource = OpenMetadataResource(**{**known, **fields})
        self.state, self.shared = MemoryState(), MemoryState()

    def host(self, **options: Any) -> Any:
        graph = Shelf(*self.assets)
        return memory_host(self.state, assets=graph, shared=self.shared, location="shop", **options)

    def setup(self, *, dry: bool = False) -> Setup:
        return self.resource.setup(self.host(), dry=dry)

    def deliver(self, *events: HookEvent, hook: str = "tables") -> None:
        """As the relay would."""
        (handler,) = (each.handler for each in self.resource.hooks_on(self.host()) if each.hook_name == hook)
        for event in events:
            handler(event)

    def sync(self, *, dry: bool = False) -> Setup:
        setup = self.setup(dry=dry)
        TableWriter(setup).sync()
        return setup

    def table(self, fqn: str = FQN) -> dict[str, Any]:
        found = self.server.entity("table", fqn)
        assert found is not None
        return found


def ended(key: str = "raw/orders", at: float = 0, **fields: Any) -> IngestionEvent:
    """The end of a materialization."""
    return IngestionEvent(
        event_type="ingestion.end",
        asset_key=key,
        timestamp=NOON + timedelta(seconds=at),
        correlation=HookCorrelation(run_id="r", asset_key=key),
        **{"status": "success", **fields},
    )


def changed(fingerprint: str = "1") -> DefinitionsEvent:
    """The definitions are others."""
    return DefinitionsEvent(event_type="definitions.changed", location="shop", fingerprint=fingerprint)


def paths(server: OpenMetadataServer) -> list[str]:
    """What was written, and where: `PUT /tables`."""
    return [f"{each.method} /{each.path}" for each in server.writes]


def names(entities: Iterable[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in entities]
