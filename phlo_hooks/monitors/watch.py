"""The hook of a monitor: reads what is known, follows the events, keeps what is known then."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Generic

from phlo_hooks.errors import RetryLater
from phlo_hooks.events import HookEvent
from phlo_hooks.monitors.monitor import Monitor, S
from phlo_hooks.registration import HookRegistration, Ordering
from phlo_hooks.state import StateChange, StateStore

# One commit for so many events. A relay claims no more at a time than is called for soon.
BATCH = 100
# Each time, somebody else has made progress.
_TRIES = 10
# Keys that are longer are replaced by a digest: one in the store has 512 characters at most.
_LONGEST = 400


class Watch(Generic[S]):
    """Takes lists of events for a monitor.

    What is known and what follows are committed together: a process that dies after that, and is told the
    same events again, finds that it knows them.

    Args:
        monitor: follows them.
        state: the memory.
    """

    def __init__(self, monitor: Monitor[S], state: StateStore) -> None:
        self._monitor, self._state = monitor, state

    def handle_event(self, events: Sequence[HookEvent]) -> None:
        """Follow `events`.

        Raises:
            RetryLater: others wrote whenever this one was about to.
            StoreError: the store is down.
        """
        if not any(self._followed(events) for _ in range(_TRIES)):
            raise RetryLater(f"others wrote first, {_TRIES} times in a row", after=1.0)

    def _followed(self, events: Sequence[HookEvent]) -> bool:
        entries = self._state.get_many({self._place(event) for event in events})
        known = {place: self._monitor.load(entry.value) for place, entry in entries.items()}
        before = dict(known)
        told = list(self._follow(known, events))
        changes = [
            StateChange(place, self._monitor.dump(value), entries[place].version if place in entries else 0)
            for place, value in known.items()
            if before.get(place) != value
        ]
        return not changes or self._state.commit(changes, told)

    def _follow(self, known: dict[str, S], events: Sequence[HookEvent]) -> Iterator[HookEvent]:
        """What follows from `events`; leaves in `known` what is known then."""
        for event in events:
            place = self._place(event)
            value, told = self._monitor.follow(known.get(place), event)
            if value is not None:
                known[place] = value
            if told is not None:
                yield told

    def _place(self, event: HookEvent) -> str:
        asset_key = event.correlation.asset_key or ""
        if len(asset_key) > _LONGEST:
            asset_key = hashlib.sha256(asset_key.encode()).hexdigest()
        return f"{self._monitor.name}/{asset_key}"


def registration(monitor: Monitor[Any], handler: Any) -> HookRegistration:
    """The hook of a monitor."""
    return HookRegistration(
        monitor.name,
        handler,
        filters=monitor.filters,
        batch_size=BATCH,
        ordering=Ordering.ASSET,
        # It needs nothing but the store: when that is down, nothing is delivered anyway.
        circuit=None,
    )
