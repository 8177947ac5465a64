"""Which tables, and which columns, a table was computed from."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.edge_tables import EdgeTables, columns_of
from phlo_hooks.capabilities.openmetadata.edges import Details, Edge, Wrote, merged, pairs_of, without
from phlo_hooks.capabilities.openmetadata.kept import digest, memory_of
from phlo_hooks.capabilities.openmetadata.lineage_ledger import LineageLedger, Written
from phlo_hooks.capabilities.openmetadata.pipeline_entities import PipelineEntities
from phlo_hooks.capabilities.openmetadata.pipeline_plans import Plans
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.capabilities.openmetadata.upstreams import Pairs, Said, Source, Sources, Upstreams
from phlo_hooks.event_parts import ColumnEdge
from phlo_hooks.events import AssetEvent, DefinitionsEvent, HookEvent, LineageEvent

logger = logging.getLogger("phlo_hooks.openmetadata")

# What comes with each materialization says no more than its end does.
_BUS = "dagster"


class LineageWriter:
    """Writes it, once a table is there: when an asset has succeeded, or the definitions have changed.

    What people and other tools wrote of an edge stays. A failed or skipped asset writes nothing, nor does one
    that names no upstream. What is no longer so stays too, unless `remove_stale_edges` is set, and then only
    what was written here is removed.

    Args:
        setup: what the parts of the resource share.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._client = setup.client
        self._ledger = LineageLedger(memory_of(setup))
        self._upstreams = Upstreams(setup, self._ledger.said)
        self._plans = Plans(setup)
        self._pipelines = PipelineEntities(setup)
        self._told: set[str] = set()

    def handle(self, event: HookEvent) -> None:
        """Deliver one event.

        Raises:
            DeliveryError: the server could not be reached, or refuses.
        """
        if isinstance(event, DefinitionsEvent):
            self.sync()
        elif isinstance(event, LineageEvent) and event.producer != _BUS:
            self._of_user(event)
        elif isinstance(event, AssetEvent) and event.asset_key and _succeeded(event):
            self._ledger.note(event.asset_key, Said(columns=event.column_lineage))
            self._write(event.asset_key, EdgeTables(self._setup), getattr(event, "sql", None))

    def sync(self) -> None:
        """Bring everything up to date that the definitions say, and events have said.

        Raises:
            DeliveryError: the server could not be reached, or refuses.
        """
        tables, keys = EdgeTables(self._setup), self._setup.assets.keys()
        for key in keys:
            self._write(key, tables)
        # Without definitions, nobody knows what is no longer so.
        if self._setup.remove_stale_edges and keys:
            for written in list(self._ledger.all_written()):
                if self._setup.assets.asset(written.asset_key) is None:
                    self._remove(written, frozenset())

    def _of_user(self, event: LineageEvent) -> None:
        by_asset: dict[str, list[str]] = {}
        for upstream, key in event.edges:
            by_asset.setdefault(key, []).append(upstream)
        own = event.asset_key or next(iter(by_asset), None)
        if own is not None and event.column_edges:
            by_asset.setdefault(own, [])
        for key, upstream in by_asset.items():
            columns: tuple[ColumnEdge, ...] = event.column_edges if key == own else ()
            self._ledger.note(key, Said(tuple(upstream), columns))
            self._write(key, EdgeTables(self._setup))

    def _write(self, key: str, tables: EdgeTables, sql: str | None = None) -> None:
        mapped = self._setup.mapped(key)
        if mapped.status == "unresolved":
            self._say(f"asset {key}: no lineage is written: {mapped.advice}")
        if mapped.fqn is None:
            return
        sources = self._upstreams.of(key)
        for each in sources.unresolved:
            self._say(f"asset {key}: no lineage from {each.asset_key}: {each.advice}")
        table = tables.table(key, mapped.fqn) if sources.found else None
        if table is not None:
            for source in sources.found:
                self._write_edge(key, mapped.fqn, table, source, tables, sql)
        if self._setup.remove_stale_edges:
            self._remove_stale(key, mapped.fqn, sources)

    def _write_edge(
        self, key: str, fqn: str, table: Entity, source: Source, tables: EdgeTables, sql: str | None
    ) -> None:
        upstream = tables.table(source.asset_key, source.fqn)
        if upstream is None:
            return
        written = self._ledger.written(key)
        wrote = written.edges.get(source.fqn, Wrote()) if written.fqn == fqn else Wrote()
        there = self._there(upstream["id"], table["id"])
        edge = self._edge(key, table, upstream, source.columns, sql, wrote)
        gone = wrote.columns - edge.columns if self._setup.remove_stale_edges else frozenset()
        details = merged(there, edge, gone, wrote, self._setup.pipeline_service)
        if details is not None:
            self._put(upstream["id"], table["id"], details, f"lineage {source.fqn} to {fqn}, for asset {key}")
        self._ledger.wrote(key, fqn, source.fqn, _now_ours(there, details, edge, gone, wrote))

    def _edge(
        self, key: str, table: Entity, upstream: Entity, columns: Pairs, sql: str | None, wrote: Wrote
    ) -> Edge:
        """A run knows the statement better than the definitions, whose is only for an edge without any."""
        info = self._setup.assets.asset(key)
        stated = info.sql if info and wrote.sql is None else None
        return Edge(self._paired(key, table, upstream, columns), self._pipeline(key), sql or stated)

    def _paired(self, key: str, table: Entity, upstream: Entity, columns: Pairs) -> Pairs:
        """The columns that both tables have, by their full names: others the server refuses, or drops."""
        above, below = columns_of(upstream), columns_of(table)
        for first, last in sorted(columns):
            if above.get(first) is None or below.get(last) is None:
                self._say(f"asset {key}: no lineage of {last} from {first}: OpenMetadata has no such column")
        pairs = ((above.get(first), below.get(last)) for first, last in columns)
        return frozenset((first, last) for first, last in pairs if first and last)

    def _pipeline(self, key: str) -> Mapping[str, Any] | None:
        plan = self._plans.computing(key) if self._setup.pipelines else None
        entity = self._pipelines.written(plan) if plan else None
        return {"id": entity["id"], "type": "pipeline"} if entity else None

    def _there(self, upstream: str, table: str) -> Details | None:
        found = self._client.read(f"/lineage/getLineageEdge/{upstream}/{table}")
        return None if found is None else found.get("edge") or {}

    def _put(self, upstream: str, table: str, details: Details, about: str) -> None:
        ends = {name: {"id": id_, "type": "table"} for name, id_ in (("fromEntity", upstream), ("toEntity", table))}
        self._client.write("PUT", "/lineage", {"edge": {**ends, "lineageDetails": details}}, about)

    def _remove_stale(self, key: str, fqn: str, sources: Sources) -> None:
        """What cannot be resolved may be one of those that seem to be gone: then nothing is."""
        if sources.unresolved or self._setup.assets.asset(key) is None:
            return
        written = self._ledger.written(key)
        keep = frozenset(source.fqn for source in sources.found) if written.fqn == fqn else frozenset()
        self._remove(written, keep)

    def _remove(self, written: Written, keep: frozenset[str]) -> None:
        for upstream in sorted(written.edges.keys() - keep):
            self._remove_edge(written, upstream)

    def _remove_edge(self, written: Written, upstream: str) -> None:
        tables = EdgeTables(self._setup)
        ends = [tables.found(upstream), tables.found(written.fqn)]
        about = f"lineage {upstream} to {written.fqn}, for asset {written.asset_key}"
        if all(ends):
            first, last = (end["id"] for end in ends if end)
            there = self._there(first, last)
            rest = None if there is None else without(there, written.edges[upstream], self._setup.pipeline_service)
            if there is not None and rest is None:
                self._client.write("DELETE", f"/lineage/table/{first}/table/{last}", None, about)
            elif there is not None and rest is not None:
                self._put(first, last, rest, about)
        self._ledger.wrote(written.asset_key, written.fqn, upstream, None)

    def _say(self, text: str) -> None:
        """Once from each process: each event of the asset would say it again."""
        if text not in self._told:
            self._told.add(text)
            logger.warning(text)
