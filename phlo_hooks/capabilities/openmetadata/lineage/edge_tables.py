"""The tables at the ends of edges, each asked for once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.fqn import quoted
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.capabilities.openmetadata.tables.writer import TableWriter

_TABLES = "tables"


class EdgeTables:
    """Those of one event, or of one round through all assets.

    Args:
        setup: says whether one that is missing is made.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._known: dict[str, Entity | None] = {}
        self._renewed: set[str] = set()

    def table(self, key: str, fqn: str, columns: Iterable[str] = ()) -> Entity | None:
        """The table of an asset; made, where it is missing and may be.

        Args:
            key: of the asset.
            fqn: of the table.
            columns: names of those that are needed. Where one is missing, the table is brought up to date:
                the hook for tables may be behind.

        Returns:
            None where it is not there, or somebody has deleted it.
        """
        if fqn not in self._known:
            self._known[fqn] = self.found(fqn) or self._made(key, fqn)
        table = self._known[fqn]
        if table is not None and fqn not in self._renewed and _lacks(table, columns):
            self._renewed.add(fqn)
            self._known[fqn] = self._written(key, fqn)
        return self._known[fqn]

    def found(self, fqn: str) -> Entity | None:
        """A table that is there."""
        return self._setup.client.find(_TABLES, fqn, "columns")

    def _made(self, key: str, fqn: str) -> Entity | None:
        # Of an asset that is only named nobody knows more than its name.
        if not self._setup.create or self._setup.assets.asset(key) is None:
            return None
        return self._written(key, fqn)

    def _written(self, key: str, fqn: str) -> Entity | None:
        TableWriter(self._setup).write(key)
        return self.found(fqn)


class TableColumns:
    """The columns of a table by name.

    Args:
        table: as the server has it.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._fqns = dict(_columns(table.get("columns") or [], table["fullyQualifiedName"]))
        self._small: dict[str, list[str]] = {}
        for name, fqn in self._fqns.items():
            self._small.setdefault(name.lower(), []).append(fqn)

    def fqn(self, name: str) -> str | None:
        """The full name of a column; `parent.child` is one within another.

        Small and capital letters count only where names differ in nothing else: dbt and a warehouse often
        do not agree on them.
        """
        alike = self._small.get(name.lower(), [])
        return self._fqns.get(name) or (alike[0] if len(alike) == 1 else None)


def _lacks(table: Mapping[str, Any], columns: Iterable[str]) -> bool:
    known = TableColumns(table)
    return any(known.fqn(name) is None for name in columns)


def _columns(columns: Iterable[Mapping[str, Any]], above: str, within: str = "") -> Iterator[tuple[str, str]]:
    for column in columns:
        # A dry run's own tables have names only.
        fqn = column.get("fullyQualifiedName") or f"{above}.{quoted(column['name'])}"
        name = f"{within}{column['name']}"
        yield name, fqn
        yield from _columns(column.get("children") or [], fqn, f"{name}.")
