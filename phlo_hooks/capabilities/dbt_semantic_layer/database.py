"""Where the tables of a dbt project are, as far as metric queries need it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Rows(NamedTuple):
    """What a statement has given.

    Args:
        columns: their names, in order.
        rows: one tuple each.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Database(Protocol):
    """A database that is read."""

    @property
    def dialect(self) -> str:
        """As dbt calls its kind: `duckdb`, `postgres` or `snowflake`."""

    def run(self, sql: str) -> Rows:
        """The rows of one statement.

        Raises:
            PermanentError: the database refuses the statement.
            DeliveryError: it cannot be asked now.
        """
