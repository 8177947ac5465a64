"""The two DuckDB files, and whose turn it is to open them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
from filelock import FileLock
from pydantic import Field

from phlo_hooks.demo.sql import quoted

# A whole lakehouse run takes well under a minute: whoever waits longer waits for something that hangs.
PATIENCE_SECONDS = 600


def lock_file(path: str) -> str:
    """What is locked while the warehouse at `path`, or what is published from it, is open."""
    return f"{path}.lock"


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens the warehouse, one process at a time.

    DuckDB lets one process write a file, and none read it meanwhile: it refuses the second instead of
    making it wait. Steps run in parallel processes, and so do the months of a backfill. So each step
    waits for a lock beside the file.
    """

    path: str = Field(description="The DuckDB file that holds raw, staging and marts.")
    published_path: str = Field(description="The DuckDB file that consumers read.")

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Nobody else opens either file meanwhile. Not reentrant: a step reserves once."""
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_file(self.path), timeout=PATIENCE_SECONDS):
            yield

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Read the warehouse."""
        with self.reserved(), duckdb.connect(self.path, read_only=True) as connection:
            yield connection

    @contextmanager
    def connect_published(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Write what is published; the warehouse is attached as `warehouse`, to read."""
        with self.reserved(), duckdb.connect(self.published_path) as connection:
            connection.execute(f"ATTACH {quoted(self.path)} AS warehouse (READ_ONLY)")
            yield connection
