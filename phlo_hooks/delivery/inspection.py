"""Look at a store as it is: nothing is created, nothing migrated."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from sqlalchemy import URL, Connection, Engine, inspect, select

from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.engine import open_engine
from phlo_hooks.delivery.schema import VERSION_TABLE, version_table
from phlo_hooks.delivery.upgrade import HEAD, REVISIONS
from phlo_hooks.delivery.url import normalize_url, sqlite_file


@dataclass(frozen=True)
class StoreVersion:
    """Which tables a database has.

    Args:
        url: of the database, without its password.
        found: the version of its tables; None without any, empty when a migration did not end.
        wanted: the version that this release works with.
    """

    url: str
    found: str | None
    wanted: str = HEAD

    @property
    def current(self) -> bool:
        """Whether this release can work with it as it is."""
        return self.found == self.wanted

    @property
    def newer(self) -> bool:
        """Whether it belongs to a newer release."""
        return bool(self.found) and self.found not in REVISIONS


def inspect_store(url: str | URL | PathLike[str], *, timeout: float = 5.0) -> StoreVersion:
    """Which tables the database at `url` has.

    Args:
        url: as for `HookStore`.
        timeout: seconds to wait for a connection.

    Raises:
        StoreUnavailableError: it cannot be reached.
        ConfigurationError: the URL cannot be used.
    """
    normal = normalize_url(url)
    file = sqlite_file(normal)
    database = _AsItIs(normal, timeout=timeout)
    if file is not None and not file.exists():
        # To look into it would be to create it.
        return StoreVersion(repr(database), None)
    try:
        return StoreVersion(repr(database), database.read(_version))
    finally:
        database.close()


class _AsItIs(Database):
    """A database whose tables are left as they are."""

    def _open(self) -> Engine:
        return open_engine(self._url, timeout=self._timeout)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(version_table.c.version_num)).scalar() or ""
