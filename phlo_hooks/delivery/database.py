"""The one way to the database: opens it late, repeats what collided, and speaks our own errors."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError as PoolTimeoutError,
)

from phlo_hooks.delivery.engine import WRITE, open_engine
from phlo_hooks.delivery.schema import metadata
from phlo_hooks.delivery.upgrade import ensure_schema
from phlo_hooks.delivery.url import display_url, is_memory, secrets_in
from phlo_hooks.errors import StoreError, StoreUnavailableError

T = TypeVar("T")
Work = Callable[[Connection], T]

# Each round of a collision lets one process through, so this is how many may collide at once.
MAX_TRIES = 12
_PAUSE = 0.02

# PostgreSQL: serialization failure, deadlock. MySQL: deadlock.
_COLLISIONS = frozenset({"40001", "40P01"})
_MYSQL_DEADLOCK = 1213


class Database:
    """Runs units of work, each in a transaction of its own.

    Nothing happens until the first of them: a code location can build one without a database at hand.
    It may be used from several threads, and in a child after a fork. Like Dagster's own storage it keeps no
    connection to a server between two units of work: a thousand idle steps would be a thousand connections.

    Args:
        url: as `normalize_url` returns it.
        timeout: seconds to wait for a connection or a lock.
    """

    _ready: Engine | None
    _turn: AbstractContextManager[Any]

    def __init__(self, url: URL, *, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._remote = url.get_backend_name() != "sqlite"
        self._reset()

    def __repr__(self) -> str:
        return display_url(self._url)

    def read(self, work: Work[T]) -> T:
        """What `work` returns; it must not write."""
        return self._run(work, {})

    def write(self, work: Work[T]) -> T:
        """What `work` returns, once it is committed; run again from its start if it collides."""
        return self._run(work, dict(WRITE))

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Keep connections for the next unit of work in here, where there is much to do."""
        self._keep(1)
        try:
            yield
        finally:
            self._keep(-1)

    def close(self) -> None:
        """Close all connections; the next unit of work opens new ones. A memory database ends here."""
        with self._lock:
            engine, self._ready = self._ready, None
        if engine is not None:
            engine.dispose()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._ready = None
        self._keeping = 0
        # All threads share the one connection that a memory database has.
        self._turn = threading.RLock() if is_memory(self._url) else nullcontext()

    def _keep(self, change: int) -> None:
        with self._lock:
            # A child that was forked within the block starts from zero.
            self._keeping = max(0, self._keeping + change)
            idle = self._ready if self._remote and not self._keeping else None
        if idle is not None:
            idle.dispose()

    def _run(self, work: Work[T], options: dict[str, Any]) -> T:
        try:
            return self._try(work, options)
        except SQLAlchemyError as exc:
            error = self._own_error(exc)
            raise error from self._safe_cause(exc)
        except OSError as exc:  # the folder of a SQLite file cannot be made
            raise self._own_error(exc) from exc

    def _try(self, work: Work[T], options: dict[str, Any]) -> T:
        for tries in count(1):
            try:
                return self._once(work, options)
            except DBAPIError as exc:
                # A pooled connection that died meanwhile: the next one is new, so once is enough.
                stale = exc.connection_invalidated and tries == 1
                if not (stale or _collided(exc)) or tries == MAX_TRIES:
                    raise
            time.sleep(random.uniform(0, _PAUSE * tries))
        raise AssertionError("unreachable")

    def _once(self, work: Work[T], options: dict[str, Any]) -> T:
        with (
            self._turn,
            self._engine().connect() as connection,
            self._own(connection),
            connection.execution_options(**options).begin(),
        ):
            return work(connection)

    @contextmanager
    def _own(self, connection: Connection) -> Iterator[None]:
        """Have a connection that is not kept closed when it is closed, and not returned to the pool."""
        if not self._remote or self._keeping:
            yield
            return
        driver = connection.connection.dbapi_connection
        connection.detach()
        try:
            yield
        finally:
            # SQLAlchemy only lets go of one that broke: its socket would wait for the garbage collector.
            if connection.invalidated and driver is not None:
                with suppress(Exception):
                    driver.close()

    def _engine(self) -> Engine:
        if self._pid != os.getpid():
            # A connection must not be used on both sides of a fork, nor closed here: the parent needs it.
            if self._ready is not None and not is_memory(self._url):
                self._ready.dispose(close=False)
            self._reset()
        with self._lock:
            if self._ready is None:
                self._ready = self._open()
            return self._ready

    def _open(self) -> Engine:
        engine = open_engine(self._url, timeout=self._timeout)
        try:
            if is_memory(self._url):
                metadata.create_all(engine, checkfirst=False)
            else:
                ensure_schema(engine)
        except BaseException:
            engine.dispose()
            raise
        return engine

    def _own_error(self, exc: Exception) -> StoreError:
        # The first line: some drivers go on to quote the statement with its values.
        reason = self._redact(str(getattr(exc, "orig", None) or exc).strip()).partition("\n")[0]
        if _unavailable(exc):
            return StoreUnavailableError(
                f"the hook store {self!r} cannot be used right now: {reason}. Check that the database is "
                "up and takes writes; the same call may work later"
            )
        return StoreError(f"the hook store {self!r} refused: {type(exc).__name__}: {reason}")

    def _safe_cause(self, exc: Exception) -> Exception | None:
        return exc if self._redact(str(exc)) == str(exc) else None

    def _redact(self, text: str) -> str:
        for secret in secrets_in(self._url):
            text = text.replace(secret, "***")
        return text


def _collided(exc: DBAPIError) -> bool:
    """Whether another process was faster: a second try sees what it did."""
    if isinstance(exc, IntegrityError):
        return True
    code = getattr(exc.orig, "sqlstate", None) or getattr(exc.orig, "pgcode", None)
    arguments = getattr(exc.orig, "args", ())
    return code in _COLLISIONS or arguments[:1] == (_MYSQL_DEADLOCK,)


def _unavailable(exc: Exception) -> bool:
    # InternalError is what a PostgreSQL standby answers to a write.
    kinds = (OperationalError, InterfaceError, InternalError, PoolTimeoutError, OSError)
    return isinstance(exc, kinds) or getattr(exc, "connection_invalidated", False)
