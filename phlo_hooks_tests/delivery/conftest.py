"""One contract, four stores: SQLite in memory, SQLite in a file, PostgreSQL, MySQL (that is, MariaDB)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phlo_hooks.delivery.store import HookStore
from phlo_hooks_tests.delivery.children import Children
from phlo_hooks_tests.delivery.helpers import Clock
from phlo_hooks_tests.mysql import mysql_server, mysql_url
from phlo_hooks_tests.postgres import postgres_server, postgres_url

__all__ = ["mysql_server", "mysql_url", "postgres_server", "postgres_url"]

_SERVERS = [
    pytest.param("postgres", marks=pytest.mark.postgres),
    pytest.param("mysql", marks=pytest.mark.mysql),
]


@pytest.fixture
def clock() -> Clock:
    """The store's clock."""
    return Clock()


@pytest.fixture(params=["file", *_SERVERS])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database that several processes can use."""
    if request.param == "file":
        return f"sqlite:///{tmp_path}/hooks.db"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def shared_store(shared_url: str, clock: Clock) -> Iterator[HookStore]:
    """A store on a database that several processes can use."""
    store = HookStore(shared_url, clock=clock)
    yield store
    store.close()


@pytest.fixture(params=["memory", "file", *_SERVERS])
def store(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[HookStore]:
    """An empty store of each kind."""
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/hooks.db"
    if request.param in ("postgres", "mysql"):
        url = str(request.getfixturevalue(f"{request.param}_url"))
    store = HookStore(url, clock=clock)
    yield store
    store.close()


@pytest.fixture(scope="session")
def children() -> Iterator[Children]:
    """Three processes that do as they are told, at the same moment."""
    with Children(3) as processes:
        yield processes
