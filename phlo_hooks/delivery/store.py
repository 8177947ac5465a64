"""HookStore: the outbox in a database, in one object."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from os import PathLike

from sqlalchemy import URL

from phlo_hooks.delivery.browsing import Browsing
from phlo_hooks.delivery.claiming import Claiming
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.health import Health
from phlo_hooks.delivery.history import History
from phlo_hooks.delivery.mending import Mending
from phlo_hooks.delivery.pruning import Pruning
from phlo_hooks.delivery.recording import Recording
from phlo_hooks.delivery.records import (
    Claim,
    DeliveryKey,
    DeliveryState,
    Entry,
    Settlement,
    StateWrite,
    Target,
)
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.state import KeptState
from phlo_hooks.delivery.switches import Switches
from phlo_hooks.delivery.url import normalize_url
from phlo_hooks.envelope import utc_now

__all__ = [
    "Claim",
    "DeliveryKey",
    "DeliveryState",
    "Entry",
    "HookStore",
    "Selection",
    "Settlement",
    "StateWrite",
    "Target",
]

# A run waits this long for a database that is down or locked, then goes on without.
TIMEOUT = 5.0


class HookStore(Recording, Claiming, History, Browsing, Mending, Pruning, KeptState, Switches, Health):
    """Events, deliveries and state, on SQLite, PostgreSQL or MySQL.

    Building one does nothing but look at the URL; the first call connects and creates the tables. It may
    be shared by threads and survives a fork. Every method raises `StoreUnavailableError` when the
    database cannot be used right now, `SchemaVersionError` when its tables are newer than this release.

    Args:
        url: of the database, or the path of a SQLite file.
        timeout: seconds to wait for a connection, or for a lock that another process holds.
        clock: the time, aware. Relays on several machines compare theirs: keep them in step to
            within a fraction of the lease.

    Raises:
        ConfigurationError: the URL cannot be used.
        MissingExtraError: no driver for it is installed.
    """

    def __init__(
        self,
        url: str | URL | PathLike[str],
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.url = normalize_url(url)
        self._database = Database(self.url, timeout=timeout)
        self.clock = clock

    @classmethod
    def in_memory(cls, *, clock: Callable[[], datetime] = utc_now) -> HookStore:
        """A store that ends with this process: for tests, and for trying things out."""
        return cls("sqlite://", clock=clock)

    def __repr__(self) -> str:
        return f"HookStore({self._database!r})"

    def connected(self) -> AbstractContextManager[None]:
        """A block in which connections are kept from one call to the next."""
        return self._database.connected()

    def close(self) -> None:
        """Close all connections; a call after that opens new ones. A store in memory is emptied."""
        self._database.close()
