"""Memory that ends with the process: for tests, trials and scripts without a store."""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile

from phlo_hooks.assets import AssetGraph, NoAssets
from phlo_hooks.envelope import utc_now
from phlo_hooks.events import HookEvent
from phlo_hooks.state import Host, StateChange, StateEntry, StateStore


class MemoryState:
    """A `StateStore` in a dict. Behaves as the store's does, and keeps what was emitted in `events`.

    Args:
        clock: the time, aware.
        emit: is given each event that is committed.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = utc_now,
        emit: Callable[[HookEvent], object] = lambda event: None,
    ) -> None:
        self.events: list[HookEvent] = []
        self._clock, self._emit = clock, emit
        self._entries: dict[str, StateEntry] = {}
        self._versions: dict[str, int] = {}
        # In order, so that a prefix is a range: a month of decisions must not slow down each look.
        self._keys: list[str] = []
        self._known: set[str] = set()

    def get(self, key: str) -> StateEntry | None:
        """What is kept there; None for nothing."""
        entry = self._entries.get(key)
        return entry if entry is not None and self._lives(entry) else None

    def get_many(self, keys: Iterable[str]) -> Mapping[str, StateEntry]:
        """What is kept under these keys; those without anything are left out."""
        found = ((key, self.get(key)) for key in keys)
        return {key: entry for key, entry in found if entry is not None}

    def list(self, prefix: str = "") -> Sequence[StateEntry]:
        """All that is kept under keys that begin with `prefix`, by key."""
        start = bisect_left(self._keys, prefix)
        keys = (self._keys[place] for place in range(start, len(self._keys)))
        found = (self._entries[key] for key in takewhile(lambda key: key.startswith(prefix), keys))
        return [entry for entry in found if self._lives(entry)]

    def commit(self, changes: Sequence[StateChange], events: Iterable[HookEvent] = ()) -> bool:
        """Keep all changes and note `events`; nothing, if one of the keys was written meanwhile."""
        if any(self._version(change.key) != change.version for change in changes):
            return False
        for change in changes:
            self._keep(change)
        for event in events:
            if event.event_id not in self._known:
                self._known.add(event.event_id)
                self.events.append(event)
                self._emit(event)
        return True

    def _keep(self, change: StateChange) -> None:
        known, entry = change.key in self._entries, self._entry(change)
        self._versions[change.key] = entry.version
        if not self._lives(entry):
            # Its version is remembered: an old one must never fit again.
            if known:
                del self._entries[change.key], self._keys[bisect_left(self._keys, change.key)]
            return
        if not known:
            insort(self._keys, change.key)
        self._entries[change.key] = entry

    def _lives(self, entry: StateEntry) -> bool:
        return entry.expires_at is None or entry.expires_at > self._clock()

    def _version(self, key: str) -> int:
        entry = self.get(key)
        return entry.version if entry else 0

    def _entry(self, change: StateChange) -> StateEntry:
        # A copy, as a database would give it back.
        value = json.loads(json.dumps(change.value, allow_nan=False))
        version = self._versions.get(change.key, 0) + 1
        return StateEntry("", change.key, value, version, self._clock(), change.expires_at)


class Overlay:
    """A `StateStore` over others, which it only reads: what is kept here is kept in this process.

    Args:
        below: the first one that has an entry counts.
        clock: the time, aware.
    """

    def __init__(self, *below: StateStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._below, self.clock = below, clock
        self._own: dict[str, StateEntry] = {}

    def get(self, key: str) -> StateEntry | None:
        """What is kept there; None for nothing."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> Mapping[str, StateEntry]:
        """What is kept under these keys; those without anything are left out."""
        keys = list(keys)
        found: dict[str, StateEntry] = {}
        for state in reversed(self._below):
            found.update(state.get_many(keys))
        return self._with_own(found, lambda key: key in keys)

    def list(self, prefix: str = "") -> Sequence[StateEntry]:
        """All that is kept under keys that begin with `prefix`, by key."""
        found = {entry.key: entry for state in reversed(self._below) for entry in state.list(prefix)}
        known = self._with_own(found, lambda key: key.startswith(prefix))
        return [known[key] for key in sorted(known)]

    def commit(self, changes: Sequence[StateChange], events: Iterable[HookEvent] = ()) -> bool:
        """Keep all changes, here; events are told to nobody."""
        known = self.get_many([change.key for change in changes])
        if any(_version(known.get(change.key)) != change.version for change in changes):
            return False
        for change in changes:
            self._own[change.key] = self._entry(change)
        return True

    def _with_own(
        self, found: Mapping[str, StateEntry], asked: Callable[[str], bool]
    ) -> dict[str, StateEntry]:
        own = {key: entry for key, entry in self._own.items() if asked(key)}
        known = {**found, **own}.items()
        return {key: entry for key, entry in known if self._lives(entry)}

    def _lives(self, entry: StateEntry) -> bool:
        return entry.expires_at is None or entry.expires_at > self.clock()

    def _entry(self, change: StateChange) -> StateEntry:
        now = self.clock()
        # A copy, as a database would give it back.
        value = json.loads(json.dumps(change.value, allow_nan=False))
        return StateEntry("", change.key, value, change.version + 1, now, change.expires_at)


def _version(entry: StateEntry | None) -> int:
    return entry.version if entry else 0


def memory_host(
    state: StateStore | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    select_assets: Callable[[str], frozenset[str]] = lambda selection: frozenset(),
    location: str = "",
    assets: AssetGraph | None = None,
    shared: StateStore | None = None,
) -> Host:
    """A host for a capability outside of Dagster."""
    return Host(
        state or MemoryState(clock=clock), location, select_assets, clock, "", assets or NoAssets(), shared
    )
