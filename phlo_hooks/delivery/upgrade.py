"""Bring a database to the tables of this release, whoever else is at it too.

A run must not wait for Alembic (0.4 s of import): a database that is up to date costs one SELECT.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from phlo_hooks.delivery.engine import WRITE
from phlo_hooks.delivery.schema import VERSION_TABLE, metadata, version_table
from phlo_hooks.errors import SchemaVersionError

# In order; a test holds them against the files in `migrations/versions`.
REVISIONS = ("0001", "0002")
HEAD = REVISIONS[-1]
MIGRATIONS = Path(__file__).parent / "migrations"

# Any number will do, as long as every release has the same: it is "phlo" in ASCII.
_LOCK = 0x70686C6F
_MYSQL_LOCK_SECONDS = 60


def ensure_schema(engine: Engine) -> None:
    """Create the tables, or migrate them, unless they are up to date.

    Several processes may do so at once: one works, the others wait and find it done.

    Raises:
        SchemaVersionError: the tables belong to a newer release.
    """
    if _version(engine) == HEAD:
        return
    with engine.connect().execution_options(**WRITE) as connection, _alone(connection):
        _bring_to_head(connection)


def migrate(connection: Connection) -> None:
    """Run all migrations that `connection`'s database has not seen."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Config reads %(name)s in values; a folder may have a percent sign in its name.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        try:
            return _stamp(connection)
        except DBAPIError:
            connection.rollback()
            if not inspect(connection).has_table(VERSION_TABLE):
                return None
            # It came into being just now; any other reason will show itself again.
            return _stamp(connection)


def _stamp(connection: Connection) -> str:
    """The version of the tables; empty when a migration was begun and did not end."""
    return connection.execute(select(version_table.c.version_num)).scalar() or ""


def _bring_to_head(connection: Connection) -> None:
    if not inspect(connection).has_table(VERSION_TABLE):
        metadata.create_all(connection)
        version_table.create(connection)
        connection.execute(insert(version_table).values(version_num=HEAD))
        return
    found = _stamp(connection)
    if found and found not in REVISIONS:
        raise SchemaVersionError(
            f"the hook store has tables of version {found}, this release of phlo-hooks knows up to {HEAD}: "
            "upgrade phlo-hooks here, or point it at another database"
        )
    if found != HEAD:
        migrate(connection)


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """A transaction that no other process is in; SQLite's own BEGIN IMMEDIATE is one already."""
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if connection.dialect.name != "mysql":
            yield
            return
        # MySQL commits at each CREATE, so the lock must outlive transactions.
        lock = {"key": VERSION_TABLE, "wait": _MYSQL_LOCK_SECONDS}
        connection.execute(text("SELECT GET_LOCK(:key, :wait)"), lock)
        try:
            yield
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:key)"), lock)
