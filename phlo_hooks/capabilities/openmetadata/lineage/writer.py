"""Which tables, and which columns, a table was computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.kept import memory_of
from phlo_hooks.capabilities.openmetadata.lineage.edge_client import EdgeClient
from phlo_hooks.capabilities.openmetadata.lineage.edge_pipelines import EdgePipelines
from phlo_hooks.capabilities.openmetadata.lineage.edge_tables import EdgeTables, TableColumns
from phlo_hooks.capabilities.openmetadata.lineage.edges import Edge, Wrote, after_writing, merged
from phlo_hooks.capabilities.openmetadata.lineage.ledger import LineageLedger
from phlo_hooks.capabilities.openmetadata.lineage.stale_edges import StaleEdges
from phlo_hooks.capabilities.openmetadata.lineage.upstreams import Pairs, Said, Source, Upstreams
from phlo_hooks.capabilities.openmetadata.mapping import MappedAsset
from phlo_hooks.capabilities.openmetadata.notices import Notices
from phlo_hooks.capabilities.openmetadata.pipelines.plans import Plans
from phlo_hooks.capabilities.openmetadata.rounds import RefusedError, Rounds, refusals
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.errors import PermanentError
from phlo_hooks.event_parts import ColumnEdge
from phlo_hooks.events import AssetEvent, DefinitionsEvent, HookEvent, LineageEvent

# Lineage that comes with each materialization, and says no more than its end does.
_BUS = "dagster"


@dataclass(frozen=True)
class Ends:
    """What edges refer to, each asked for once in an event, or in one round through all assets."""

    tables: EdgeTables
    pipelines: EdgePipelines


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
        self._state = memory_of(setup)
        self._ledger = LineageLedger(self._state)
        self._notices = Notices(self._state)
        self._upstreams = Upstreams(setup, self._ledger.said)
        self._stale = StaleEdges(setup, self._ledger)
        self._plans = Plans(setup)

    def handle(self, event: HookEvent) -> None:
        """Deliver one event.

        Raises:
            PermanentError: the server refuses an edge; the message names the asset.
            DeliveryError: anything else; another attempt may work.
        """
        if isinstance(event, DefinitionsEvent):
            ends, rounds = self._ends(), Rounds("lineage", self._state)
            rounds.go(event.event_id, self._setup.assets.keys(), lambda key: self._write(key, ends))
            self._stale.of_gone_assets()
        elif isinstance(event, LineageEvent) and event.producer != _BUS:
            self._of_user(event)
        elif isinstance(event, AssetEvent) and event.asset_key and _succeeded(event):
            sql = getattr(event, "sql", None)
            self._ledger.note(event.asset_key, Said(columns=event.column_lineage, sql=bool(sql)))
            self._write(event.asset_key, self._ends(), sql)

    def sync(self) -> None:
        """Bring everything up to date that the definitions say, and events have said.

        Raises:
            PermanentError: some edges were refused; all others are written.
            DeliveryError: the server could not be reached.
        """
        ends = self._ends()
        keys = self._setup.assets.keys()
        refused = [each for key in keys for each in refusals(key, lambda key: self._write(key, ends))]
        self._stale.of_gone_assets()
        if refused:
            raise RefusedError(refused)

    def _of_user(self, event: LineageEvent) -> None:
        """Its columns are those of the asset that it is about, or else of the first that has edges."""
        own = event.asset_key or next((key for _, key in event.edges), None)
        keys = dict.fromkeys(
            [*(key for _, key in event.edges), *([own] if own and event.column_edges else [])]
        )
        for key in keys:
            upstream = tuple(above for above, below in event.edges if below == key)
            columns: tuple[ColumnEdge, ...] = event.column_edges if key == own else ()
            self._ledger.note(key, Said(upstream, columns))
            self._write(key, self._ends())

    def _ends(self) -> Ends:
        return Ends(EdgeTables(self._setup), EdgePipelines(self._setup, self._plans))

    def _write(self, key: str, ends: Ends, sql: str | None = None) -> None:
        mapped = self._setup.mapped(key)
        if mapped.status == "unresolved":
            self._notices.once(f"asset {key}: no lineage is written: {mapped.advice}")
        if mapped.fqn is None:
            return
        sources = self._upstreams.of(key)
        for each in sources.unresolved:
            self._notices.once(f"asset {key}: no lineage from {each.asset_key}: {each.advice}")
        self._stale.of(key, mapped.fqn, sources)
        table = self._own_table(mapped, sources.found, ends.tables)
        if table is None:
            return
        refused: list[PermanentError] = []
        for source in sources.found:
            try:
                self._write_source(mapped, table, source, ends, sql)
            except PermanentError as exc:
                refused.append(exc)
        if refused:
            # The others are written.
            raise refused[0]

    def _own_table(
        self, mapped: MappedAsset, sources: tuple[Source, ...], tables: EdgeTables
    ) -> Entity | None:
        if not sources:
            return None
        key, fqn = mapped.asset_key, mapped.fqn or ""
        table = tables.table(key, fqn, {column for source in sources for _, column in source.columns})
        if table is None:
            self._notices.once(f"asset {key}: no lineage is written: OpenMetadata has no table {fqn}")
        return table

    def _write_source(
        self, mapped: MappedAsset, table: Entity, source: Source, ends: Ends, sql: str | None
    ) -> None:
        key = mapped.asset_key
        upstream = ends.tables.table(source.asset_key, source.fqn, {column for column, _ in source.columns})
        if upstream is None:
            self._notices.once(f"asset {key}: no lineage from {source.fqn}: OpenMetadata has no such table")
            return
        edge = Edge(pipeline=ends.pipelines.of(key), sql=sql or self._stated(key))
        self._write_edge(mapped, source, EdgeClient(self._setup.client, upstream, table, key), edge)

    def _write_edge(self, mapped: MappedAsset, source: Source, client: EdgeClient, edge: Edge) -> None:
        key, fqn = mapped.asset_key, mapped.fqn or ""
        written = self._ledger.written(key)
        wrote = written.edges.get(source.fqn, Wrote()) if written.fqn == fqn else Wrote()
        edge = replace(edge, columns=self._paired(key, client.upstream, client.table, source.columns))
        # Where nobody says any columns, nobody says either that there are none.
        knows = self._setup.remove_stale_edges and source.columns
        gone = wrote.columns - edge.columns if knows else frozenset()
        there = client.read()
        details = merged(there, edge, gone, wrote, self._setup.pipeline_service)
        if details is not None:
            client.put(details)
        self._ledger.wrote(key, fqn, source.fqn, after_writing(there, details, edge, gone, wrote))

    def _stated(self, key: str) -> str | None:
        """The statement in the definitions; none where runs tell theirs, which know it better."""
        info = self._setup.assets.asset(key)
        return info.sql if info and not self._ledger.said(key).sql else None

    def _paired(self, key: str, upstream: Entity, table: Entity, columns: Pairs) -> Pairs:
        """The columns that both tables have, by their full names: others the server refuses, or drops."""
        above, below = TableColumns(upstream), TableColumns(table)
        found: set[tuple[str, str]] = set()
        for first, last in sorted(columns):
            source, target = above.fqn(first), below.fqn(last)
            if source and target:
                found.add((source, target))
            else:
                missing = f"{first} in {upstream['fullyQualifiedName']}" if target else last
                self._notices.once(f"asset {key}: no lineage of column {last}: no column {missing}")
        return frozenset(found)


def _succeeded(event: AssetEvent) -> bool:
    return event.event_type.endswith(".end") and event.status in ("success", None)
