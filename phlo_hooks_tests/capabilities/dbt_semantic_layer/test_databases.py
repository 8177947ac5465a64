"""The database: a DuckDB file that others write, a profile, another server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import URL, create_engine, text

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks.capabilities.dbt_semantic_layer.duckdb_file import DuckDbFile
from phlo_hooks.errors import ConfigurationError, DeliveryError, PermanentError
from phlo_hooks.semantics import ModelWork, Work

from .shop import TABLES

CANARY = "canary-0x5f3759df"
# A role that may only read.
READER = (
    f"CREATE ROLE reader LOGIN PASSWORD '{CANARY}'",
    "GRANT USAGE ON SCHEMA main, marts TO reader",
    "GRANT SELECT ON ALL TABLES IN SCHEMA main, marts TO reader",
)
# Keeps the file open for writing until its standard input ends.
WRITER = """
import duckdb, sys
with duckdb.connect(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_file_that_somebody_writes_is_tried_again(project: Path) -> None:
    """DuckDB lets nobody read it meanwhile, in any other process."""
    path = str(project / "shop.duckdb")
    command = [sys.executable, "-c", WRITER, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(DeliveryError, match="cannot be opened now: .*give it as lock_file") as caught:
            DuckDbFile(path).run("SELECT 1")
        writer.communicate()
    assert not isinstance(caught.value, PermanentError)
    assert DuckDbFile(path).run("SELECT 1 AS one") == (("one",), ((1,),))


def test_a_lock_file_is_waited_for(project: Path) -> None:
    """And held only as long as a query takes."""
    lock = str(project / "lock")
    database = DuckDbFile(str(project / "shop.duckdb"), lock, timeout=10)
    held = FileLock(lock, thread_local=False)
    held.acquire()
    threading.Timer(0.3, held.release).start()
    begun = time.monotonic()
    assert database.run("SELECT 1").rows == ((1,),)
    assert time.monotonic() - begun > 0.25
    with FileLock(lock, timeout=0):
        pass


def test_a_lock_that_is_never_released(project: Path) -> None:
    """Is a failure that is tried again."""
    lock = str(project / "lock")
    with FileLock(lock), pytest.raises(DeliveryError, match="has been locked for 0.2 s: somebody writes"):
        DuckDbFile(str(project / "shop.duckdb"), lock, timeout=0.2).run("SELECT 1")


def test_a_file_that_there_is_not_is_not_made(tmp_path: Path) -> None:
    """DuckDB would make an empty one."""
    with pytest.raises(DeliveryError, match="no DuckDB file .* yet: build the models first"):
        DuckDbFile(str(tmp_path / "none.duckdb")).run("SELECT 1")
    assert not list(tmp_path.iterdir())


def test_a_query_without_end_is_ended(project: Path) -> None:
    """So that no relay is held up."""
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range % 7 = 3"
    begun = time.monotonic()
    with pytest.raises(DeliveryError, match="took longer than 0.3 s"):
        DuckDbFile(str(project / "shop.duckdb"), timeout=0.3).run(endless)
    assert time.monotonic() - begun < 10


def test_the_profile_names_the_file(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Relative to the project, wherever the relay runs."""
    monkeypatch.chdir(tmp_path)
    layer = DbtSemanticLayerResource(project_dir=str(project))
    assert layer.query(["visits"]).rows == ((4,),)
    other = DbtSemanticLayerResource(
        project_dir=str(project), target="elsewhere", variables={"file": str(project / "shop.duckdb")}
    )
    assert other.query(["visits"]).rows == ((4,),)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere", "does not have a target named 'nowhere'"),
        ("secret", "SHOP_SECRET_THAT_IS_NOT_SET"),
        ("wrong", "invalid: a value is not of type 'string'"),
    ],
)
def test_a_profile_that_cannot_be_used(project: Path, target: str, said: str) -> None:
    """As dbt says it, without the value that it says it of; a refresh fails once, and not for each metric."""
    layer = DbtSemanticLayerResource(project_dir=str(project), target=target)
    with pytest.raises(ConfigurationError, match=said) as caught:
        layer.query(["visits"])
    assert "31415926" not in str(caught.value)
    progress = layer.begin(Work((ModelWork("orders"),)))
    assert ("failed", {}, str(caught.value)) == (progress.state, progress.details, progress.error)


def test_without_a_database_there_is_a_next_step(project: Path) -> None:
    """A manifest alone can be listed."""
    manifest = str(project / "target" / "semantic_manifest.json")
    layer = DbtSemanticLayerResource(manifest=manifest, check_metrics=False)
    with pytest.raises(ConfigurationError, match="no database to query: give project_dir"):
        layer.query(["visits"])


@pytest.fixture(scope="module")
def postgres(postgres_server: URL) -> dict[str, str]:
    """A PostgreSQL database with the shop's tables, by the variables of the profile.

    It is called as the DuckDB file is: so one manifest fits both.
    """
    pytest.importorskip("dbt.adapters.postgres", reason="dbt-postgres is not installed")
    _run(postgres_server, "CREATE DATABASE shop")
    _run(postgres_server.set(database="shop"), "CREATE SCHEMA main", *TABLES, *READER)
    return {
        "SHOP_PG_HOST": str(postgres_server.host or postgres_server.query["host"]),
        "SHOP_PG_PORT": str(postgres_server.port or 5432),
        "SHOP_PG_USER": "reader",
        "SHOP_PG_PASSWORD": CANARY,
    }


def _run(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def on_postgres(
    project: Path, postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> DbtSemanticLayerResource:
    """The layer on that server, by a role that may only read."""
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)
    return DbtSemanticLayerResource(project_dir=str(project), target="pg")


@pytest.mark.postgres
def test_postgres_through_dbts_own_adapter(on_postgres: DbtSemanticLayerResource) -> None:
    """The same numbers, in its own SQL; needs no more than SELECT."""
    by_country = on_postgres.query(["revenue"], ["customer__country"], order_by=["-revenue"])
    assert [("DE", 48.75), ("FR", 5.0)] == [(country, float(revenue)) for country, revenue in by_country.rows]
    by_month = on_postgres.query(["revenue_per_visit", "visits"], ["metric_time__month"], limit=1)
    assert ("metric_time__month", "revenue_per_visit", "visits") == by_month.columns
    assert "DOUBLE PRECISION" in on_postgres.query(["revenue_per_order"]).sql
    with pytest.raises(
        PermanentError, match='the postgres database refuses the query: .*column "amout" does not exist'
    ):
        on_postgres.query(["revenue"], where=["amout > 1"])


@pytest.mark.postgres
@pytest.mark.parametrize(
    "wrong", [("SHOP_PG_PORT", "1"), ("SHOP_PG_USER", "nobody"), ("SHOP_PG_DATABASE", CANARY)]
)
def test_a_server_that_cannot_be_reached(
    on_postgres: DbtSemanticLayerResource, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, str]
) -> None:
    """It may be there again later; the password is in no message."""
    monkeypatch.setenv(*wrong)
    monkeypatch.setenv("SHOP_PG_PASSWORD", CANARY)
    with pytest.raises(DeliveryError, match="the postgres database cannot be reached") as caught:
        on_postgres.query(["revenue"])
    assert not isinstance(caught.value, PermanentError)
    assert CANARY not in json.dumps(str(caught.value))
    assert caught.value.__cause__ is None
