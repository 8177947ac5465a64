"""The schema monitor: a table's columns, from one materialization to the next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from phlo_hooks.events import AssetEvent, Column, ColumnChange, HookEvent, SchemaChangeEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.monitors.monitor import envelope


@dataclass(frozen=True)
class KnownSchema:
    """The columns that an asset had when it was last heard of.

    Args:
        at: when that was, in seconds since 1970.
        event_id: who said so; decides between two of one instant.
        columns: type by name, as the warehouse writes it; None where it is not said.
    """

    at: float
    event_id: str
    columns: dict[str, str | None]


class SchemaMonitor:
    """Emits `schema.changed` when a materialization has other columns than the last one.

    What is seen for the first time is remembered, and no change. An asset has one schema, whatever the
    partition; the order of columns is no part of it.
    """

    name = "schema"
    emits = "schema.changed"
    filters = HookFilter(
        event_types={"ingestion.end", "transform.end", "publish.end"},
        status={"success"},
        when=lambda event: bool(getattr(event, "columns", ())),
    )

    def follow(
        self, known: KnownSchema | None, event: HookEvent
    ) -> tuple[KnownSchema | None, SchemaChangeEvent | None]:
        """Compare the columns with those that are known, unless they are older."""
        if not isinstance(event, AssetEvent) or not event.columns or _cut(event):
            return known, None
        columns = {column.name: column.type for column in event.columns}
        seen = KnownSchema(event.timestamp.timestamp(), event.event_id, columns)
        if known is None:
            return seen, None
        if (seen.at, seen.event_id) <= (known.at, known.event_id):
            return known, None
        return seen, _change(known.columns, event)

    def dump(self, known: KnownSchema) -> Any:
        """As JSON can say it."""
        return asdict(known)

    def load(self, value: Any) -> KnownSchema:
        """From what `dump` gave."""
        return KnownSchema(**value)


def _cut(event: HookEvent) -> bool:
    """Whether columns are missing because the event would have been too large: they are not gone."""
    return any(path.partition(".")[0] == "columns" for path in event.truncated)


def _change(before: dict[str, str | None], event: AssetEvent) -> SchemaChangeEvent | None:
    after = {column.name: column for column in event.columns}
    added = tuple(column for name, column in after.items() if name not in before)
    removed = tuple(Column(name=name, type=before[name]) for name in before if name not in after)
    retyped = tuple(
        ColumnChange(name=name, before=before[name], after=column.type)
        for name, column in after.items()
        if name in before and _differ(before[name], column.type)
    )
    if not (added or removed or retyped):
        return None
    breaking = bool(removed or retyped)
    return SchemaChangeEvent(
        **envelope("schema.changed", event), added=added, removed=removed, retyped=retyped, breaking=breaking
    )


def _differ(before: str | None, after: str | None) -> bool:
    """Whether these are two types: not for another way of writing one, nor where one is not said."""
    return before is not None and after is not None and _spelled(before) != _spelled(after)


def _spelled(name: str) -> str:
    return "".join(name.split()).casefold()
