"""Where an asset's table is, and its columns, as only materializations say: remembered for later syncs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from phlo_hooks.capabilities.openmetadata.mapping import FQN, STORAGE_KIND, TABLE_NAME
from phlo_hooks.event_parts import Column
from phlo_hooks.events import AssetEvent, HookEvent
from phlo_hooks.state import StateChange, StateStore

_PREFIX, _COLUMNS = "table/", "columns/"
# When the materialization was: an event may be delivered late, or again.
_AT = "at"
# Of the 512 characters that a key of the store may have.
_LONGEST = 400


def kept_key(asset_key: str) -> str:
    """An asset's key as part of a key of the store; a long one by what it hashes to."""
    return asset_key if len(asset_key) <= _LONGEST else sha256(asset_key.encode()).hexdigest()


@dataclass(frozen=True)
class KnownTables:
    """The memory.

    Args:
        shared: keeps it, for the code locations that only read the table, too.
    """

    shared: StateStore

    def told(self, key: str) -> Mapping[str, Any]:
        """What the last materialization that said anything has said."""
        found = self.shared.get(_PREFIX + kept_key(key))
        return {name: value for name, value in found.value.items() if name != _AT} if found else {}

    def columns(self, key: str) -> tuple[Column, ...]:
        """What the last materialization that said its columns has said."""
        found = self.shared.get(_COLUMNS + kept_key(key))
        return tuple(Column(**each) for each in found.value["columns"]) if found else ()

    def learn(self, event: HookEvent) -> None:
        """Remember what a materialization says, unless a later one has said it by then."""
        if not (isinstance(event, AssetEvent) and event.asset_key and event.event_type.endswith(".end")):
            return
        if event.status not in ("success", None):
            return
        self._keep(_PREFIX + kept_key(event.asset_key), event, dict(_said(event)))
        columns = [_plain(each) for each in event.columns]
        self._keep(_COLUMNS + kept_key(event.asset_key), event, {"columns": columns} if columns else {})

    def _keep(self, place: str, event: AssetEvent, said: Mapping[str, Any]) -> None:
        known, at = self.shared.get(place), event.timestamp.timestamp()
        before = known.value if known else {}
        if said and before.get(_AT, 0) < at:
            # Whoever wrote it meanwhile has it from another hook.
            change = StateChange(place, {**before, **said, _AT: at}, known.version if known else 0)
            self.shared.commit([change])


def _plain(column: Column) -> dict[str, Any]:
    return {key: value for key, value in column.model_dump(mode="json").items() if value not in (None, {})}


def _said(event: AssetEvent) -> Iterator[tuple[str, str]]:
    table = getattr(event, "table_name", None)
    if table:
        yield TABLE_NAME, table
    for name in (FQN, TABLE_NAME, STORAGE_KIND):
        value = event.metadata.get(name)
        if isinstance(value, str) and value:
            yield name, value
