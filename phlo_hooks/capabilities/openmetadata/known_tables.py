"""Where an asset's table is, as only its materializations say: remembered for starts and later syncs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from phlo_hooks.capabilities.openmetadata.mapping import FQN, STORAGE_KIND, TABLE_NAME
from phlo_hooks.events import AssetEvent, HookEvent
from phlo_hooks.state import StateChange, StateStore

_PREFIX = "table/"
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
        return found.value if found else {}

    def learn(self, event: HookEvent) -> None:
        """Remember what a materialization says, if that is news."""
        if not (isinstance(event, AssetEvent) and event.asset_key and event.event_type.endswith(".end")):
            return
        said = dict(_said(event))
        key = _PREFIX + kept_key(event.asset_key)
        known = self.shared.get(key)
        before = known.value if known else {}
        if event.status not in ("success", None) or {**before, **said} == before:
            return
        # Whoever wrote it meanwhile knows it as well.
        self.shared.commit([StateChange(key, {**before, **said}, known.version if known else 0)])


def _said(event: AssetEvent) -> Iterator[tuple[str, str]]:
    table = getattr(event, "table_name", None)
    if table:
        yield TABLE_NAME, table
    for name in (FQN, TABLE_NAME, STORAGE_KIND):
        value = event.metadata.get(name)
        if isinstance(value, str) and value:
            yield name, value
