"""What was written to OpenMetadata: by it, what is ours is told from what people wrote there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.known_tables import kept_key
from phlo_hooks.capabilities.openmetadata.tables.columns import Columns, descriptions, digest
from phlo_hooks.capabilities.openmetadata.tables.wanted import WantedTable
from phlo_hooks.state import StateChange, StateStore


@dataclass(frozen=True)
class Written:
    """What was written to one table.

    Args:
        id: of the table: another one of the same name has nothing of ours.
        asset: the key of the one that computes it.
        description, source_url: as written.
        owners: as Dagster says them.
        owner_ids: those that they were written as.
        tags: their names.
        asked: digest of the columns as they were asked for.
        got: digest of the columns as the server then had them.
        columns: descriptions, by the column's name within the table.
    """

    id: str = ""
    asset: str = ""
    description: str | None = None
    source_url: str | None = None
    owners: tuple[str, ...] = ()
    owner_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    asked: str = ""
    got: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


_FIELDS = tuple(each.name for each in fields(Written))
_LISTS = ("owners", "owner_ids", "tags")


@dataclass(frozen=True)
class WrittenTables:
    """The memory of it, for all code locations.

    Args:
        shared: keeps it.
        dry: nothing is remembered.
    """

    shared: StateStore
    dry: bool = False

    def of(self, fqn: str) -> Written:
        """What was written to a table; nothing, as far as anybody knows."""
        found = self.shared.get(_key(fqn))
        if found is None:
            return Written()
        # Another release may have kept more.
        known: dict[str, Any] = {name: found.value[name] for name in _FIELDS if name in found.value}
        return Written(**{**known, **{name: tuple(known.get(name, ())) for name in _LISTS}})

    def note(self, fqn: str, written: Written) -> None:
        """Remember it. Whoever wrote the same table meanwhile knows it better."""
        found = self.shared.get(_key(fqn))
        value = {**asdict(written), **{name: list(getattr(written, name)) for name in _LISTS}}
        if not self.dry and (found is None or found.value != value):
            self.shared.commit([StateChange(_key(fqn), value, found.version if found else 0)])


def _key(fqn: str) -> str:
    return f"written/{kept_key(fqn)}"


def written(
    table: Entity,
    wanted: WantedTable,
    before: Written,
    found: Sequence[Mapping[str, Any]] | None,
    *,
    replaced: bool,
) -> Written:
    """What is ours of a table, after it was written. What was there already, and is the same, is ours too.

    Args:
        table: as it is there now.
        wanted: as Dagster has it.
        before: what was ours.
        found: the owners that OpenMetadata has; None where nobody had to look.
        replaced: whether the columns were written.
    """
    there = table.get("columns") or []
    owners, owner_ids = _owners(table, wanted, before, found)
    asked, got = before.asked, before.got
    if wanted.columns is not None and (replaced or digest(there) == digest(wanted.columns)):
        asked, got = digest(wanted.columns), digest(there)
    labels = {each["tagFQN"] for each in table.get("tags") or []}
    texts = said(wanted.columns or [])
    return Written(
        id=table["id"],
        asset=wanted.asset if wanted.owned else before.asset,
        description=_text(table.get("description"), wanted.description, before.description),
        source_url=_text(table.get("sourceUrl"), wanted.source_url, before.source_url),
        owners=owners,
        owner_ids=owner_ids,
        tags=tuple(each for each in wanted.tags if each in labels),
        asked=asked,
        got=got,
        columns={
            **before.columns,
            **{name: text for name, text in said(there).items() if texts.get(name) == text},
        },
    )


def own_ids(table: Entity) -> list[str]:
    """The ids of its owners, without those of what it is in."""
    return [each["id"] for each in table.get("owners") or [] if not each.get("inherited")]


def said(columns: Columns) -> dict[str, str]:
    """Descriptions by the column's name within the table."""
    return {name: each["description"] for name, _, each in descriptions(columns) if each.get("description")}


def _owners(
    table: Entity, wanted: WantedTable, before: Written, found: Sequence[Mapping[str, Any]] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ids = tuple(sorted(own_ids(table)))
    if not found or ids != tuple(sorted(each["id"] for each in found)):
        return before.owners, before.owner_ids
    # Where one is missing, it is looked for again the next time.
    return (wanted.owners if len(found) == len(wanted.owners) else ()), ids


def _text(there: str | None, wanted: str | None, before: str | None) -> str | None:
    return wanted if wanted and there == wanted else before
