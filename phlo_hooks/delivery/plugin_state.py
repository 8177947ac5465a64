"""The memory of one plugin in one code location, as rows of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from phlo_hooks.delivery.records import StateWrite, Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import HookEvent
from phlo_hooks.state import StateChange, StateEntry


class PluginState:
    """A `StateStore`, see there.

    Args:
        store: keeps it.
        plugin: whose memory it is.
        location: the code location; each has a memory of its own. None: the one that all have in common.
        tell: gives what is to be recorded of an event.
    """

    def __init__(
        self, store: HookStore, plugin: str, location: str | None, tell: Callable[[HookEvent], Told]
    ) -> None:
        self._store, self._tell = store, tell
        self._namespace = namespace_of(plugin, location)

    def get(self, key: str) -> StateEntry | None:
        """What is kept there; None for nothing."""
        return self._store.get_state(self._namespace, key)

    def get_many(self, keys: Iterable[str]) -> Mapping[str, StateEntry]:
        """What is kept under these keys, in one look; those without anything are left out."""
        return self._store.get_states(self._namespace, keys)

    def list(self, prefix: str = "") -> Sequence[StateEntry]:
        """All that is kept under keys that begin with `prefix`, by key."""
        return self._store.list_state(self._namespace, prefix)

    def commit(self, changes: Sequence[StateChange], events: Iterable[HookEvent] = ()) -> bool:
        """Keep all changes and emit `events` to the hooks that want them; all of it, or nothing."""
        writes = [
            (StateWrite(self._namespace, each.key, each.value, each.expires_at), each.version)
            for each in changes
        ]
        return self._store.swap_all(writes, map(self._tell, events))


def namespace_of(plugin: str, location: str | None) -> str:
    """Where a plugin's memory is kept."""
    return f"shared:{plugin}" if location is None else f"plugin:{plugin}:{location}"
