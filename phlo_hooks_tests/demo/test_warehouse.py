"""Two processes take turns."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from phlo_hooks.demo.warehouse import Warehouse

HOLD_FOR_A_SECOND = """
import sys, time
import duckdb
from phlo_hooks.demo.warehouse import Warehouse

warehouse = Warehouse(path=sys.argv[1], published_path=sys.argv[2])
with warehouse.reserved(), duckdb.connect(sys.argv[1]) as connection:
    connection.execute("CREATE TABLE numbers AS SELECT 1 AS number")
    print("open", flush=True)
    time.sleep(1)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Files that do not exist yet, in a folder whose name needs quoting."""
    folder = tmp_path / "it's new"
    return Warehouse(path=str(folder / "w.duckdb"), published_path=str(folder / "p.duckdb"))


@pytest.fixture
def writer(warehouse: Warehouse) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the warehouse open for a second."""
    command = [sys.executable, "-c", HOLD_FOR_A_SECOND, warehouse.path, warehouse.published_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process


def test_duckdb_itself_refuses_a_second_process(warehouse: Warehouse, writer: subprocess.Popen[str]) -> None:
    """If this ever fails, the lock is no longer needed."""
    with pytest.raises(duckdb.IOException, match="lock"):
        duckdb.connect(warehouse.path, read_only=True)
    assert writer.poll() is None


def test_a_reader_waits_for_the_writer(warehouse: Warehouse, writer: subprocess.Popen[str]) -> None:
    """And then sees what was written."""
    started = time.monotonic()
    with warehouse.connect() as connection:
        assert connection.execute("FROM numbers").fetchall() == [(1,)]
    assert time.monotonic() - started > 0.5
    assert writer.wait(timeout=30) == 0


def test_the_warehouse_is_attached_to_what_is_published(
    warehouse: Warehouse, writer: subprocess.Popen[str]
) -> None:
    """To read only: publishing cannot spoil its source."""
    with warehouse.connect_published() as connection:
        connection.execute("CREATE TABLE copied AS FROM warehouse.numbers")
        assert connection.execute("FROM copied").fetchall() == [(1,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("DELETE FROM warehouse.numbers")
    assert writer.wait(timeout=30) == 0
