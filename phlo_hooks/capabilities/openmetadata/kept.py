"""What the writers remember of what they wrote, so that it can be told from what people wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from phlo_hooks.capabilities.openmetadata.known_tables import kept_key
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import StoreError
from phlo_hooks.memory import Overlay
from phlo_hooks.state import StateChange, StateStore

_TRIES = 8
_TEXT = "text/"


def memory_of(setup: Setup) -> StateStore:
    """The memory of the code location; of a dry run, one that ends with it."""
    return Overlay(setup.state) if setup.client.dry else setup.state


def digest(text: str) -> str:
    """Enough of a hash to know a text again."""
    return sha256(text.encode()).hexdigest()[:32]


def update(state: StateStore, key: str, change: Callable[[Any], Any], keep: timedelta | None = None) -> Any:
    """Put what `change` makes of the value that is kept, or of None, in its place; give it back.

    Args:
        state: where.
        key: of the value.
        change: may be called several times, when others write meanwhile.
        keep: for how long; for ever, else.

    Raises:
        StoreError: the store is down, or others write the same without end.
    """
    for _ in range(_TRIES):
        entry = state.get(key)
        value = change(entry.value if entry else None)
        if entry is not None and value == entry.value:
            return value
        if state.commit([StateChange(key, value, entry.version if entry else 0, _until(keep))]):
            return value
    raise StoreError(f"{key!r} is written all the time; it is tried again")


def _until(keep: timedelta | None) -> datetime | None:
    return None if keep is None else utc_now() + keep


@dataclass(frozen=True)
class Texts:
    """Which texts are ours.

    Args:
        state: keeps a hash of each.
    """

    state: StateStore

    def may_replace(self, about: str, there: str | None, wanted: str | None) -> bool:
        """Whether a text is news, and takes the place of none or of one of ours.

        Args:
            about: what the text is about: the name of an entity, or of an edge.
            there: the text that is there.
            wanted: the one to write.
        """
        if not wanted or wanted == there:
            return False
        entry = self.state.get(_key(about))
        return not there or (entry is not None and entry.value == digest(there))

    def wrote(self, about: str, text: str) -> None:
        """It is ours now."""
        update(self.state, _key(about), lambda _: digest(text))


def _key(about: str) -> str:
    return _TEXT + kept_key(about)
