"""A DuckDB file, opened to read for as long as one query takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, ClassVar

from phlo_hooks.capabilities.dbt_semantic_layer.database import Rows
from phlo_hooks.errors import DeliveryError, MissingExtraError, PermanentError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class DuckDbFile:
    """Reads a DuckDB file.

    DuckDB lets one process write a file, or several read it. So it is open no longer than needed; whose steps
    take turns with a lock file names it here, so that no query is ever in the way of a step.

    Args:
        path: of the database file.
        lock_file: held with `filelock` while the file is open.
        timeout: seconds to wait for the lock, and seconds that a statement may take.
    """

    path: str
    lock_file: str | None = None
    timeout: float = 60.0
    dialect: ClassVar[str] = "duckdb"

    def run(self, sql: str) -> Rows:
        """See `Database`."""
        import duckdb

        try:
            with self._locked(), self._open() as connection, self._limited(connection):
                cursor = connection.execute(sql)
                columns = tuple(name for name, *_ in cursor.description or ())
                return Rows(columns, tuple(map(tuple, cursor.fetchall())))
        except duckdb.InterruptException:
            raise DeliveryError(f"{self.path} took longer than {self.timeout:g} s") from None
        except duckdb.OperationalError as exc:
            raise DeliveryError(f"{self.path} cannot answer now: {_first_lines(exc)}") from None
        except duckdb.Error as exc:
            raise PermanentError(f"DuckDB refuses the query: {_first_lines(exc)}") from None

    def _locked(self) -> AbstractContextManager[object]:
        if self.lock_file is None:
            return nullcontext()
        return self._lock(self.lock_file)

    @contextmanager
    def _lock(self, path: str) -> Iterator[None]:
        try:
            from filelock import FileLock, Timeout
        except ImportError:
            raise MissingExtraError("filelock", "metricflow") from None
        try:
            with FileLock(path, timeout=self.timeout):
                yield
        except Timeout:
            raise DeliveryError(
                f"{path} has been locked for {self.timeout:g} s: somebody writes {self.path}"
            ) from None

    @contextmanager
    def _open(self) -> Iterator[DuckDBPyConnection]:
        import duckdb

        if not Path(self.path).is_file():
            raise DeliveryError(f"there is no DuckDB file {self.path} yet: build the models first")
        try:
            connection = duckdb.connect(self.path, read_only=True)
        except duckdb.Error as exc:
            raise DeliveryError(
                f"{self.path} cannot be opened now: {_first_lines(exc)}. Nobody can while it is written: "
                "if your steps take turns with a lock file, give it as lock_file"
            ) from None
        with connection:
            yield connection

    @contextmanager
    def _limited(self, connection: DuckDBPyConnection) -> Iterator[None]:
        timer = Timer(self.timeout, connection.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _first_lines(exc: Exception) -> str:
    """What DuckDB says, without the statement that it quotes after it."""
    return " ".join(str(exc).split("\n\n")[0].split())[:500]
