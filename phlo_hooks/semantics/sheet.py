"""What one event changes in the memory: read, changed, and committed whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from phlo_hooks.errors import RetryLater
from phlo_hooks.events import HookEvent
from phlo_hooks.state import StateChange, StateEntry, StateStore

T = TypeVar("T")
# Each time, somebody else has made progress.
_TRIES = 10


class Sheet:
    """A copy of a part of the memory.

    Args:
        state: the memory.
        now: aware; the time of all that is written here.
    """

    def __init__(self, state: StateStore, now: datetime) -> None:
        self._state, self.now = state, now
        self._known: dict[str, StateEntry | None] = {}
        self._news: dict[str, tuple[Any, datetime | None]] = {}
        self._told: list[HookEvent] = []

    def get(self, key: str) -> Any:
        """What is kept there; None for nothing."""
        if key in self._news:
            return self._news[key][0]
        if key not in self._known:
            self._known[key] = self._state.get(key)
        entry = self._known[key]
        return None if entry is None else entry.value

    def load(self, keys: Iterable[str]) -> None:
        """Read all of these in one look."""
        missing = [key for key in keys if key not in self._known]
        found = self._state.get_many(missing)
        self._known.update({key: found.get(key) for key in missing})

    def list(self, prefix: str) -> list[tuple[str, Any]]:
        """Keys that begin with `prefix`, and what is kept under them."""
        entries = self._state.list(prefix)
        self._known.update({entry.key: entry for entry in entries})
        return [(entry.key, entry.value) for entry in entries]

    def put(self, key: str, value: Any, keep: timedelta | None = None) -> None:
        """Keep a value, for ever or for this long."""
        self.get(key)
        self._news[key] = (value, None if keep is None else self.now + keep)

    def drop(self, key: str) -> None:
        """Keep it no longer."""
        if self.get(key) is not None:
            self._news[key] = (None, self.now)

    def tell(self, event: HookEvent) -> None:
        """Emit an event, with what is kept."""
        self._told.append(event)

    def commit(self) -> bool:
        """Keep all of it; False when somebody has written one of the keys meanwhile."""
        changes = [
            StateChange(key, value, self._version(key), expires_at)
            for key, (value, expires_at) in self._news.items()
        ]
        return not (changes or self._told) or self._state.commit(changes, self._told)

    def _version(self, key: str) -> int:
        entry = self._known[key]
        return entry.version if entry else 0


def noted(state: StateStore, clock: Callable[[], datetime], note: Callable[[Sheet], T]) -> T:
    """What `note` returns once all that it changes is kept; it is called again when others wrote first.

    Raises:
        RetryLater: others wrote whenever this one was about to.
    """
    for _ in range(_TRIES):
        sheet = Sheet(state, clock())
        result = note(sheet)
        if sheet.commit():
            return result
    raise RetryLater(f"others wrote first, {_TRIES} times in a row", after=1.0)
