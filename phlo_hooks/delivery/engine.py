"""SQLAlchemy engines as the store needs them: short waits, real transactions, nothing secret in errors."""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.pool import StaticPool

from phlo_hooks.delivery.url import is_memory, sqlite_file

# On a connection, marks a transaction that will write.
WRITE = MappingProxyType({"phlo_hooks_write": True})


def open_engine(url: URL, *, timeout: float) -> Engine:
    """An engine that has not connected yet.

    Args:
        url: as `normalize_url` returns it.
        timeout: seconds to wait for a connection or for a lock that another process holds.
    """
    options: dict[str, Any] = {"connect_args": _connect_args(url, timeout)}
    if is_memory(url):
        options["poolclass"] = StaticPool
    elif url.get_backend_name() != "sqlite":
        options["pool_timeout"] = timeout
    if url.get_backend_name() in ("mysql", "mariadb"):
        # By default each statement sees what was there at the first; a claim must see newer leases.
        options["isolation_level"] = "READ COMMITTED"
    # hide_parameters: event bodies do not belong in tracebacks.
    engine = create_engine(url, hide_parameters=True, **options)
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, url)
    elif url.get_backend_name() == "postgresql":
        _prepare_postgresql(engine, timeout)
    return engine


def _connect_args(url: URL, timeout: float) -> dict[str, Any]:
    """What the driver waits for; options that the URL states win."""
    seconds = max(1, round(timeout))
    if url.get_backend_name() == "sqlite":
        ours: dict[str, Any] = {"timeout": timeout, "check_same_thread": False}
    elif url.get_driver_name() == "mysqlconnector":
        ours = {"connection_timeout": seconds}
    elif url.get_driver_name() in ("psycopg", "psycopg2"):
        # tcp_user_timeout: else a host that vanished holds the caller for the kernel's 15 minutes.
        ours = {"connect_timeout": seconds, "tcp_user_timeout": seconds * 1000}
    elif url.get_backend_name() == "mysql":
        # Of rows, and of whole tables: by default a run would wait for 50 s, and for a day.
        waits = f"SET innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
        ours = {"connect_timeout": seconds, "init_command": waits}
    else:
        ours = {}
    return {key: value for key, value in ours.items() if key not in url.query}


def _prepare_sqlite(engine: Engine, url: URL) -> None:
    path = sqlite_file(url)

    @event.listens_for(engine, "do_connect")
    def _make_folder(*args: Any) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        # The driver would begin transactions by itself, too late to lock before the first read.
        connection.isolation_level = None
        if path is not None:
            _use_wal(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("phlo_hooks_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(connection: Any) -> None:
    """Readers and the one writer do not wait for each other; a commit need not reach the platter.

    With synchronous=NORMAL a power cut may undo the last commits, whole, never in part; the tail sensor
    records their events once more, from Dagster's log, because their cursor went with them.
    """
    # It fails while another process is switching, for all of us, or where there is no shared memory.
    with suppress(connection.OperationalError):
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _prepare_postgresql(engine: Engine, timeout: float) -> None:
    """Per transaction, not per session: a session behind PgBouncer is handed on to strangers.

    enable_seqscan: the server keeps a plan that it made while the tables were small, and reads all of them
    for each 500 ids. That was 2,500 known events a second instead of 40,000, on a table of 20,000.
    """
    settings = text(
        "SELECT set_config('lock_timeout', :limit, true), set_config('enable_seqscan', 'off', true)"
    )
    limit = {"limit": f"{timeout * 1000:.0f}ms"}

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("phlo_hooks_write"):
            connection.execute(settings, limit)
