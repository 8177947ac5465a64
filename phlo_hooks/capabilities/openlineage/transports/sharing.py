"""One event for several transports, and who of them has it already."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from openlineage.client.serde import Serde

if TYPE_CHECKING:
    from openlineage.client.client import Event
    from openlineage.client.transport import Transport

# Events that some have and others do not, at one time. Each takes some 300 bytes; beyond, the oldest is
# forgotten, and what it names may be sent to one that has it.
_REMEMBERED = 10_000


class ChildrenFailedError(Exception):
    """Some transports did not take an event.

    Args:
        failures: each with its reason.
        total: how many transports there are.
    """

    def __init__(self, failures: Sequence[tuple[Transport, Exception]], total: int) -> None:
        super().__init__(f"{len(failures)} of {total} transports failed")
        self.failures = failures
        self.total = total


class Receipts:
    """Which transports have which event. Kept in this process, while others do not have it."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._places: OrderedDict[bytes, frozenset[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def has(self, event: bytes, place: int) -> bool:
        """Whether the transport at that place has it."""
        with self._lock:
            return place in self._places.get(event, ())

    def add(self, event: bytes, place: int) -> None:
        """It has."""
        with self._lock:
            self._places[event] = self._places.get(event, frozenset()) | {place}
            self._places.move_to_end(event)
            if len(self._places) > self._limit:
                self._places.popitem(last=False)

    def forget(self, event: bytes) -> None:
        """All that shall have it have it."""
        with self._lock:
            self._places.pop(event, None)


def fingerprint(event: Event) -> bytes:
    """The same for an event that is sent again, also if it was built again: of all that is in it.

    Run, type and time would not do: two RUNNING events of one instant differ in their facets alone.
    """
    return hashlib.sha256(Serde.to_json(event).encode("utf-8")).digest()
