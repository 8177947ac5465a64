"""What can befall a store's database while it is used, each of them real."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text

Trouble = Callable[[str], AbstractContextManager[None]]

_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


def file_of(url: str) -> Path:
    """The file of a SQLite store."""
    return Path(url.removeprefix("sqlite:///"))


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another process holds the SQLite file for longer than anybody waits."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", _LOCK, str(file_of(url))], **pipes) as other:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        yield
        other.communicate("")


@contextmanager
def full(url: str) -> Iterator[None]:
    """The disk is full: SQLite may not take another page, and has none that is free."""

    def limit(connection: Any, record: Any) -> None:
        if isinstance(connection, sqlite3.Connection) and _is(connection, file_of(url)):
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


def _is(connection: sqlite3.Connection, path: Path) -> bool:
    return any(Path(row[2]) == path for row in connection.execute("PRAGMA database_list"))


@contextmanager
def gone(url: str) -> Iterator[None]:
    """The database has another name, and whoever is connected is thrown out: as if there were none."""
    name = url.rsplit("/", 1)[1].partition("?")[0]
    _administer(
        url.replace(f"/{name}", "/postgres"),
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        f"ALTER DATABASE {name} RENAME TO {name}_gone",
    )
    try:
        yield
    finally:
        _administer(url.replace(f"/{name}", "/postgres"), f"ALTER DATABASE {name}_gone RENAME TO {name}")


_CUT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
CREATE TRIGGER cut BEFORE INSERT OR UPDATE ON hook_deliveries FOR EACH ROW EXECUTE FUNCTION cut();
"""


@contextmanager
def cut(url: str) -> Iterator[None]:
    """Each transaction that touches a delivery loses its connection just there."""
    _administer(url, _CUT)
    try:
        yield
    finally:
        _administer(url, "DROP TRIGGER cut ON hook_deliveries", "DROP FUNCTION cut")


def _administer(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
