"""What was said of where assets come from, and which edges were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phlo_hooks.capabilities.openmetadata.kept import update
from phlo_hooks.capabilities.openmetadata.known_tables import kept_key
from phlo_hooks.capabilities.openmetadata.lineage.edges import Wrote
from phlo_hooks.capabilities.openmetadata.lineage.upstreams import Said
from phlo_hooks.event_parts import ColumnEdge
from phlo_hooks.state import StateStore

_SAID = "lineage/said/"
_WROTE = "lineage/wrote/"


@dataclass(frozen=True)
class Written:
    """The edges to a table.

    Args:
        asset_key: whose table it is.
        fqn: of the table; empty where nothing was written.
        edges: what of each is ours, by the name of the upstream table.
    """

    asset_key: str
    fqn: str = ""
    edges: Mapping[str, Wrote] = field(default_factory=dict)


@dataclass(frozen=True)
class LineageLedger:
    """The memory of lineage.

    Args:
        state: keeps it.
    """

    state: StateStore

    def said(self, key: str) -> Said:
        """What events have said of an asset."""
        entry = self.state.get(_SAID + kept_key(key))
        return _said(entry.value if entry else {})

    def note(self, key: str, said: Said) -> None:
        """An event says this of an asset; what it is silent about, earlier ones have said."""
        fields = {
            "upstream": list(said.upstream),
            "columns": [edge.model_dump() for edge in said.columns],
            "sql": said.sql,
        }
        news = {name: value for name, value in fields.items() if value}
        if news:
            update(self.state, _SAID + kept_key(key), lambda old: {**(old or {}), **news})

    def written(self, key: str) -> Written:
        """The edges to an asset's table."""
        entry = self.state.get(_WROTE + kept_key(key))
        return _written(entry.value) if entry else Written(key)

    def all_written(self) -> Iterator[Written]:
        """Those of each asset that has any, by key."""
        yield from (_written(entry.value) for entry in self.state.list(_WROTE))

    def wrote(self, key: str, fqn: str, upstream: str, wrote: Wrote | None) -> None:
        """This of an edge is ours now; None for nothing any more."""

        def change(old: Any) -> dict[str, Any]:
            before = _written(old) if old else Written(key)
            edges = {**(before.edges if before.fqn == fqn else {}), upstream: wrote}
            left = {name: each for name, each in edges.items() if each is not None}
            return _value(replace(before, fqn=fqn, edges=left))

        update(self.state, _WROTE + kept_key(key), change)


def _said(value: Mapping[str, Any]) -> Said:
    columns = tuple(ColumnEdge(**edge) for edge in value.get("columns", ()))
    return Said(tuple(value.get("upstream", ())), columns, value.get("sql", False))


def _written(value: Mapping[str, Any]) -> Written:
    edges = {
        name: Wrote(
            frozenset((source, target) for source, target in each["columns"]), each["sql"], each["created"]
        )
        for name, each in value["edges"].items()
    }
    return Written(value["asset"], value["to"], edges)


def _value(written: Written) -> dict[str, Any]:
    edges = {
        name: {"columns": sorted(map(list, each.columns)), "sql": each.sql, "created": each.created}
        for name, each in written.edges.items()
    }
    return {"asset": written.asset_key, "to": written.fqn, "edges": edges}
