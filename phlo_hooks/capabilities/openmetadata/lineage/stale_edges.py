"""Lineage that was written once and is no longer so."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from phlo_hooks.capabilities.openmetadata.lineage.edge_client import EdgeClient
from phlo_hooks.capabilities.openmetadata.lineage.edge_tables import EdgeTables
from phlo_hooks.capabilities.openmetadata.lineage.edges import Wrote, without
from phlo_hooks.capabilities.openmetadata.lineage.ledger import LineageLedger, Written
from phlo_hooks.capabilities.openmetadata.lineage.upstreams import Sources
from phlo_hooks.capabilities.openmetadata.setup import Setup


@dataclass(frozen=True)
class StaleEdges:
    """Removes it, where it is wanted: what was written here, and nothing of others.

    Args:
        setup: says whether it is wanted.
        ledger: knows what was written.
    """

    setup: Setup
    ledger: LineageLedger

    def of(self, key: str, fqn: str, sources: Sources) -> None:
        """Remove the edges of an asset's table that are no longer so.

        Args:
            key: of the asset.
            fqn: of its table, as it is called now.
            sources: what it was computed from. With one that cannot be resolved, nobody knows which edges
                those are: then none is removed.
        """
        if not self.setup.remove_stale_edges or sources.unresolved or self.setup.assets.asset(key) is None:
            return
        written = self.ledger.written(key)
        now = {source.fqn for source in sources.found}
        self._remove(written, now if written.fqn == fqn else frozenset())

    def of_gone_assets(self) -> None:
        """Remove the edges of assets that the definitions no longer hold; without definitions, none."""
        if not (self.setup.remove_stale_edges and self.setup.assets.keys()):
            return
        for written in list(self.ledger.all_written()):
            if self.setup.assets.asset(written.asset_key) is None:
                self._remove(written, frozenset())

    def _remove(self, written: Written, keep: AbstractSet[str]) -> None:
        for upstream in sorted(written.edges.keys() - keep):
            self._remove_edge(written, upstream, written.edges[upstream])
            self.ledger.wrote(written.asset_key, written.fqn, upstream, None)

    def _remove_edge(self, written: Written, fqn: str, wrote: Wrote) -> None:
        tables = EdgeTables(self.setup)
        upstream, table = tables.found(fqn), tables.found(written.fqn)
        if upstream is None or table is None:
            # It went with the table.
            return
        edge = EdgeClient(self.setup.client, upstream, table, written.asset_key)
        there = edge.read()
        if there is None:
            return
        rest = without(there, wrote, self.setup.pipeline_service)
        if rest is None:
            edge.delete()
        else:
            edge.put(rest)
