"""The little SQL that more than one file needs. Cursors only: DuckDB 2 changed its relation API."""

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection


def one_row(connection: DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The only row of a query, such as an aggregate without GROUP BY."""
    (row,) = connection.execute(query).fetchall()
    return tuple(row)


def column_types(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table in order, each with DuckDB's name of its type."""
    description = connection.execute(f"DESCRIBE {table}").fetchall()
    return {name: kind for name, kind, *_ in description}


def quoted(text: str) -> str:
    """`text` as a literal, for the statements that take no parameters: ATTACH and COPY."""
    return "'" + text.replace("'", "''") + "'"
