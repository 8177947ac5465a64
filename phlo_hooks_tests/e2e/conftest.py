"""Dagster instances as they are found in the field, each with real storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import URL, make_url

from phlo_hooks_tests.postgres import new_database, own_server, postgres_server, postgres_url

__all__ = ["own_server", "postgres_server", "postgres_url"]

STORAGES = [
    pytest.param("sharded", id="sharded SQLite"),
    pytest.param("consolidated", id="consolidated SQLite"),
    pytest.param("postgres", id="PostgreSQL", marks=pytest.mark.postgres),
]

ROOT = Path(__file__).parents[2]

NewInstance = Callable[[str], AbstractContextManager[dg.DagsterInstance]]


def settings(storage: str, folder: Path, server: URL | None = None) -> dict[str, Any]:
    """What `dagster.yaml` says of storage."""
    if storage == "sharded":
        return {}
    if storage == "consolidated":
        config = {"base_dir": str(folder / "one_file")}
        name = "ConsolidatedSqliteEventLogStorage"
        return {
            "event_log_storage": {
                "module": "dagster.core.storage.event_log",
                "class": name,
                "config": config,
            }
        }
    assert server is not None
    # dagster-postgres speaks psycopg2 only, and SQLAlchemy 2.1 means psycopg 3 by a bare postgresql://.
    url = make_url(new_database(server)).set(drivername="postgresql+psycopg2")
    return {"storage": {"postgres": {"postgres_url": url.render_as_string(hide_password=False)}}}


@pytest.fixture(scope="module")
def new_instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewInstance:
    """Makes persistent instances with an empty storage of a kind."""

    @contextmanager
    def make(storage: str) -> Iterator[dg.DagsterInstance]:
        folder = tmp_path_factory.mktemp(storage)
        server = request.getfixturevalue("postgres_server") if storage == "postgres" else None
        overrides = settings(storage, folder, server)
        with dg.instance_for_test(overrides=overrides, temp_dir=str(folder)) as instance:
            yield instance

    return make
