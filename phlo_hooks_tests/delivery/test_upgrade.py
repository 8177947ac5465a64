"""The tables come into being, once, and the migrations lead to the very same ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, UniqueConstraint, inspect, text
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from phlo_hooks.delivery import statements, upgrade
from phlo_hooks.delivery.engine import WRITE, open_engine
from phlo_hooks.delivery.schema import VERSION_TABLE, metadata
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.upgrade import HEAD, MIGRATIONS, REVISIONS, ensure_schema, migrate
from phlo_hooks.delivery.url import normalize_url
from phlo_hooks.errors import SchemaVersionError
from phlo_hooks_tests.delivery.helpers import make_entries


@pytest.fixture
def engine(shared_url: str) -> Iterator[Engine]:
    """An engine on an empty database."""
    engine = open_engine(normalize_url(shared_url), timeout=5)
    yield engine
    engine.dispose()


def _execute(engine: Engine, *queries: str) -> None:
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        for query in queries:
            connection.execute(text(query))


def _migrate(engine: Engine) -> None:
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        migrate(connection)


def _version(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())


def _definitions(connection: Connection) -> set[str]:
    """All that the database itself says of our tables and indexes; names apart from columns."""
    if connection.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE name LIKE '%hook%' AND sql IS NOT NULL"
        return {" ".join(row.sql.split()) for row in connection.execute(text(query))}
    if connection.dialect.name == "mysql":
        tables = [connection.execute(text(f"SHOW CREATE TABLE {name}")).one()[1] for name in metadata.tables]
        return {line.strip(" ,") for table in tables for line in table.splitlines()}
    columns = (
        "SELECT table_name || column_name || data_type || is_nullable"
        " || coalesce(character_maximum_length::text, '') || coalesce(column_default, '')"
        " FROM information_schema.columns WHERE table_name LIKE 'hook%'"
    )
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'hook%'"
    keys = "SELECT conrelid::regclass || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
    queries = (columns, indexes, keys)
    return {row[0] for query in queries for row in connection.execute(text(query))}


def test_migrations_lead_to_the_tables_of_the_schema(engine: Engine) -> None:
    """Alembic finds no difference between what its migrations made and what `schema.py` says."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    _migrate(engine)

    with engine.connect() as connection:
        options = {
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "compare_server_default": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_migrated_and_created_tables_are_the_same_to_the_database(engine: Engine) -> None:
    """What Alembic does not compare: conditions of indexes, AUTOINCREMENT, foreign keys."""
    ensure_schema(engine)
    with engine.connect() as connection:
        created = _definitions(connection)
    names = ("hook_deliveries", "hook_events", "hook_state", VERSION_TABLE)
    _execute(engine, *(f"DROP TABLE {name}" for name in names))
    _migrate(engine)
    with engine.connect() as connection:
        migrated = _definitions(connection)
    assert _comparable(created) == _comparable(migrated)


def _comparable(definitions: set[str]) -> set[str]:
    """Without what may differ: how Alembic names the key of its own table, and how SQLite quotes one it copied."""
    return {text.replace('"', "") for text in definitions if VERSION_TABLE not in text}


def test_the_head_is_the_last_migration() -> None:
    """The constant stands in for Alembic on the fast path, so it must not lag behind."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert tuple(each.revision for each in script.walk_revisions())[::-1] == REVISIONS
    assert script.get_current_head() == HEAD


def test_a_second_time_changes_nothing(engine: Engine) -> None:
    """Each process of a deployment asks for it when it starts."""
    ensure_schema(engine)
    ensure_schema(engine)
    assert _version(engine) == HEAD


@pytest.mark.postgres
def test_whoever_comes_second_waits_for_the_first(postgres_url: str) -> None:
    """PostgreSQL lets two transactions create one table at once, and fails the second at its end."""
    engine = open_engine(normalize_url(postgres_url), timeout=5)
    second = threading.Thread(target=ensure_schema, args=(engine,))
    with engine.begin() as first:
        first.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": upgrade._LOCK})
        second.start()
        second.join(0.3)
        waiting = (second.is_alive(), inspect(first).get_table_names())
    second.join()
    assert (waiting, _version(engine)) == ((True, []), HEAD)
    engine.dispose()


def test_tables_may_appear_while_we_look(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process commits them between our question for the version and the one for the table."""
    ensure_schema(engine)
    stamp, asked = upgrade._stamp, []

    def too_early_at_first(connection: Connection) -> str:
        asked.append(connection)
        if len(asked) == 1:
            connection.execute(text("SELECT version_num FROM not_there_yet"))
        return stamp(connection)

    monkeypatch.setattr(upgrade, "_stamp", too_early_at_first)
    ensure_schema(engine)
    assert len(asked) == 2


def test_tables_of_a_newer_release_are_refused(shared_url: str, engine: Engine) -> None:
    """With both versions, and what to do; nothing is read or written by guess."""
    ensure_schema(engine)
    _execute(engine, f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    with pytest.raises(SchemaVersionError, match=rf"0999.*{HEAD}.*upgrade phlo-hooks"):
        HookStore(shared_url).record(make_entries(1))


def test_a_migration_that_did_not_end_is_done_again(engine: Engine) -> None:
    """The version table is there, and says nothing."""
    _execute(engine, f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    ensure_schema(engine)
    assert _version(engine) == HEAD
    assert set(metadata.tables) < set(inspect(engine).get_table_names())


def test_a_store_that_was_refused_works_once_the_tables_fit(shared_url: str, engine: Engine) -> None:
    """The long-lived daemon need not be restarted."""
    ensure_schema(engine)
    store = HookStore(shared_url)
    _execute(engine, f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    with pytest.raises(SchemaVersionError):
        store.pending_count()
    _execute(engine, f"UPDATE {VERSION_TABLE} SET version_num = '{HEAD}'")
    assert store.pending_count() == 0


def test_our_tables_live_beside_others(shared_url: str, engine: Engine) -> None:
    """The database is Dagster's own, with an Alembic version of its own."""
    _execute(
        engine,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('dagster')",
    )
    HookStore(shared_url).record(make_entries(1))
    with engine.connect() as connection:
        found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())
    assert found == "dagster"


def test_a_folder_with_a_percent_sign_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic's configuration reads %(this)s in values; environments have such names."""
    folder = tmp_path / "100%(x)s"
    folder.symlink_to(MIGRATIONS, target_is_directory=True)
    monkeypatch.setattr("phlo_hooks.delivery.upgrade.MIGRATIONS", folder)
    engine = open_engine(normalize_url(tmp_path / "hooks.db"), timeout=5)
    _migrate(engine)
    assert _version(engine) == HEAD
    engine.dispose()


def test_the_tables_fit_mysql() -> None:
    """No server here: every key has a length, a body may be larger than 64 KiB, names keep their case."""
    dialect = mysql.dialect()
    tables = metadata.sorted_tables
    ddl = "".join(str(CreateTable(table).compile(dialect=dialect)) for table in tables)
    indexes = [str(CreateIndex(i).compile(dialect=dialect)) for t in tables for i in t.indexes]
    assert (ddl.count("MEDIUMTEXT"), ddl.count("COLLATE utf8mb4_bin")) == (2, 3)
    assert "VARCHAR," not in ddl
    assert not any("WHERE" in index for index in indexes)
    due = str(statements.DUE.compile(dialect=dialect))
    assert due.endswith("FOR UPDATE SKIP LOCKED")


def test_the_longest_keys_fit_mysql() -> None:
    """InnoDB takes 3,072 bytes; a character is four, a number eight."""
    for table in metadata.sorted_tables:
        unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        keys = [list(table.primary_key.columns)]
        keys += [list(each.columns) for each in unique]
        keys += [list(each.columns) for each in table.indexes]
        for columns in keys:
            size = sum(4 * (getattr(column.type, "length", None) or 2) for column in columns)
            assert size <= 3072, [column.name for column in columns]
