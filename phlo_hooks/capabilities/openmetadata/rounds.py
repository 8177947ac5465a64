"""All that the definitions hold, in pieces that fit into the time limit of a call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.state import StateChange, StateStore

# Well under the time limit of a call; what is left is done by the next one.
BUDGET = 20.0
_SHOWN = 10


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
        done, refused = self._done(event_id)
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
        if refused:
            # Who replays it wants all of it to be looked at.
            self._note(event_id, "", [])
            raise refusal(refused)

    def _done(self, event_id: str) -> tuple[str, list[str]]:
        known = self.state.get(self._key)
        if known is None or known.value["event"] != event_id:
            return "", []
        return known.value["key"], list(known.value["refused"])

    def _note(self, event_id: str, key: str, refused: list[str]) -> None:
        known = self.state.get(self._key)
        progress = {"event": event_id, "key": key, "refused": refused}
        self.state.commit([StateChange(self._key, progress, known.version if known else 0)])

    @property
    def _key(self) -> str:
        return f"round/{self.name}"


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


def refusal(refused: list[str]) -> RefusedError:
    """What to raise of several that were refused."""
    return RefusedError(refused)
