"""What a source has seen already, kept in the store together with the events it led to."""

from __future__ import annotations

from typing import Any

from phlo_hooks.delivery.records import Instant, StateWrite
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now


class Notes:
    """A part of the store's state: read at once, written when the events are recorded.

    Args:
        store: where they are kept.
        namespace: of the code location, or of what all locations of an instance share.
        prefix: of the keys, the source's own.
    """

    def __init__(self, store: HookStore, namespace: str, prefix: str) -> None:
        self._store = store
        self._namespace = namespace
        self._prefix = prefix
        self.writes: list[StateWrite] = []

    def all(self) -> dict[str, Any]:
        """Every note, by key."""
        found = self._store.list_state(self._namespace, prefix=self._prefix)
        return {each.key.removeprefix(self._prefix): each.value for each in found}

    def get(self, key: str) -> Any:
        """One note; None where there is none."""
        found = self._store.get_state(self._namespace, self._prefix + key)
        return None if found is None else found.value

    def keep(self, key: str, value: Any, until: Instant | None = None) -> None:
        """Note something, for ever or until then."""
        self.writes.append(StateWrite(self._namespace, self._prefix + key, value, until))

    def forget(self, key: str) -> None:
        """Drop a note."""
        self.keep(key, None, utc_now())
