"""All that the definitions hold, in pieces that fit into the time limit of a call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from phlo_hooks.capabilities.openmetadata.kept import update
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.state import StateStore

# Well under the time limit of a call; what is left is done by the next one.
BUDGET = 20.0
_SHOWN = 10
# Longer than an event is tried again.
_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Rounds:
    """Goes through keys, remembers how far it is, and goes on there.

    Args:
        name: tells it from others in the same memory.
        state: the memory.
        budget: seconds that one call may take.
    """

    name: str
    state: StateStore
    budget: float = BUDGET

    def go(self, event_id: str, keys: Iterable[str], write: Callable[[str], object]) -> None:
        """Write what an event asks for. One that is refused does not keep the others waiting.

        Raises:
            RetryLater: there is more than one call has time for.
            PermanentError: some were refused; all others are written.
            DeliveryError: anything else; another attempt goes on where this one has stopped.
        """
        ends = time.monotonic() + self.budget
        begun, refused = self._done(event_id)
        done = begun
        for key in sorted(each for each in keys if each > done):
            if time.monotonic() > ends:
                self._note(event_id, done, refused)
                raise RetryLater(f"{self.name}: written as far as {done!r}", after=0.1)
            try:
                refused += refusals(key, write)
            except DeliveryError:
                self._note(event_id, done, refused)
                raise
            done = key
        if begun:
            # Who replays it wants all of it to be looked at.
            self._note(event_id, "", [])
        if refused:
            raise RefusedError(refused)

    def _done(self, event_id: str) -> tuple[str, list[str]]:
        known = self.state.get(self._key(event_id))
        return (known.value["key"], list(known.value["refused"])) if known else ("", [])

    def _note(self, event_id: str, key: str, refused: list[str]) -> None:
        update(self.state, self._key(event_id), lambda _: {"key": key, "refused": refused}, _KEPT)

    def _key(self, event_id: str) -> str:
        # Each event has its own: of two that take turns, neither would ever come to its end.
        return f"round/{self.name}/{event_id}"


def refusals(key: str, write: Callable[[str], object]) -> list[str]:
    """Why a key cannot be written, if it cannot."""
    try:
        write(key)
    except PermanentError as exc:
        return [f"{key}: {exc}"]
    return []


class RefusedError(PermanentError):
    """Several things were refused; its message has the first few.

    Args:
        refused: why, of each.
    """

    def __init__(self, refused: list[str]) -> None:
        self.refused = refused
        more = f"; and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        super().__init__(f"not written: {len(refused)}: {'; '.join(refused[:_SHOWN])}{more}")


def write_all(keys: Iterable[str], write: Callable[[str], object]) -> None:
    """Write all of them, at once. One that is refused does not keep the others waiting.

    Raises:
        RefusedError: some were refused; all others are written.
        DeliveryError: the server cannot be asked.
    """
    refused = [each for key in keys for each in refusals(key, write)]
    if refused:
        raise RefusedError(refused)
