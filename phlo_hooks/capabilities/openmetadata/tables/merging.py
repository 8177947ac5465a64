"""What to change of a table that is there: what Dagster says and nobody else has said, and what was ours.

A PATCH of single fields, and no PUT: that would empty what the request does not speak of, such as the
display name and the certification.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.tables.columns import Columns, descriptions, digest, renewed
from phlo_hooks.capabilities.openmetadata.tables.tags import label
from phlo_hooks.capabilities.openmetadata.tables.wanted import WantedTable
from phlo_hooks.capabilities.openmetadata.tables.written import Written, own_ids, said, written

Operation = dict[str, Any]
References = list[dict[str, Any]]


@dataclass
class Merge:
    """A table as it is there, and as it shall be.

    Args:
        table: as OpenMetadata has it.
        wanted: as Dagster has it.
        before: what was written to it before.
        owners: looks up the owners that Dagster says.
        found: those that it has found; None where nobody had to look.
        replaced: whether the columns themselves change.
    """

    table: Entity
    wanted: WantedTable
    before: Written
    owners: Callable[[], References]
    found: References | None = None
    replaced: bool = False
    _operations: list[Operation] = field(default_factory=list)

    def operations(self) -> list[Operation]:
        """What to change; nothing where all is as it shall be."""
        self._text("description", self.wanted.description, self.before.description)
        self._text("sourceUrl", self.wanted.source_url, self.before.source_url)
        self._owners()
        self._tags()
        self._columns()
        return self._operations

    def written(self, table: Entity) -> Written:
        """What is ours of the table, as it is there after the operations."""
        return written(table, self.wanted, self.before, self.found, replaced=self.replaced)

    @property
    def new_tags(self) -> list[str]:
        """Those that the table has not."""
        there = {each["tagFQN"] for each in self._labels}
        return [tag for tag in self.wanted.tags if tag not in there]

    @property
    def _labels(self) -> list[dict[str, Any]]:
        return self.table.get("tags") or []

    def _add(self, path: str, value: Any) -> None:
        # To add what is there already replaces it (RFC 6902, 4.1).
        self._operations.append({"op": "add", "path": path, "value": value})

    def _yields(self, there: Any, before: Any) -> bool:
        """Whether something may be overwritten: it is empty, or ours as it was written."""
        return not there or (self.wanted.owned and there == before)

    def _text(self, name: str, wanted: str | None, before: str | None) -> None:
        there = self.table.get(name)
        if wanted and wanted != there and self._yields(there, before):
            self._add(f"/{name}", wanted)

    def _owners(self) -> None:
        there = sorted(own_ids(self.table))
        if not self.wanted.owners or not self._yields(there, sorted(self.before.owner_ids)):
            return
        if there and self.wanted.owners == self.before.owners:
            return
        self.found = self.owners()
        if self.found and sorted(each["id"] for each in self.found) != there:
            self._add("/owners", self.found)

    def _tags(self) -> None:
        """Of those that are there, only what was ours and is no longer said goes."""
        gone = set(self.before.tags) - set(self.wanted.tags) if self.wanted.owned else set()
        kept = [each for each in self._labels if each["tagFQN"] not in gone]
        new = self.new_tags
        if new or len(kept) != len(self._labels):
            self._add("/tags", [*kept, *map(label, new)])

    def _columns(self) -> None:
        if self.wanted.columns is None:
            return
        there: Columns = self.table.get("columns") or []
        if self._replaces(there, self.wanted.columns):
            columns = copy.deepcopy(renewed(there, self.wanted.columns))
            for _, column, text in self._new_descriptions(columns):
                column["description"] = text
            self._add("/columns", columns)
            self.replaced = True
            return
        for pointer, _, text in self._new_descriptions(there):
            self._add(f"{pointer}/description", text)

    def _replaces(self, there: Columns, wanted: Columns) -> bool:
        """Whether the columns themselves are Dagster's to say: a connector knows them better."""
        asked, got = digest(wanted), digest(there)
        if got == asked or (there and not self.wanted.owned):
            return False
        return not there or (got == self.before.got and asked != self.before.asked)

    def _new_descriptions(self, columns: Columns) -> Iterator[tuple[str, dict[str, Any], str]]:
        wanted = said(self.wanted.columns or [])
        for name, pointer, column in descriptions(columns):
            there, text = column.get("description"), wanted.get(name)
            if text and text != there and self._yields(there, self.before.columns.get(name)):
                yield pointer, column, text
