"""Nothing that a test writes has to survive a power cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def no_fsync() -> Iterator[None]:
    """SQLite in this process does not wait for the disk, which is most of what a small run does."""

    def relax(connection: Any, record: Any) -> None:
        if isinstance(connection, Connection):
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
