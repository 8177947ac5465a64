"""How the store behaves when its database does not: down, slow, locked, gone, or behind a fork."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from phlo_hooks.delivery import recording
from phlo_hooks.delivery.schema import hook_state
from phlo_hooks.delivery.store import HookStore, StateWrite
from phlo_hooks.errors import StoreError, StoreUnavailableError
from phlo_hooks_tests.delivery.helpers import claim, deliver, make_entries

CANARY = "s3cr3t-canary"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and says nothing, as behind a broken load balancer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_nothing_happens_until_the_first_call(tmp_path: Path) -> None:
    """A code location builds its store while no database is at hand."""
    HookStore(f"postgresql://user:{CANARY}@no-such-host.invalid/db")
    HookStore(tmp_path / "folder" / "hooks.db")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_file_is_made(tmp_path: Path) -> None:
    """The first run of a fresh instance has no storage directory yet."""
    store = HookStore(tmp_path / "not" / "there" / "hooks.db")
    assert store.pending_count() == 0


def test_a_database_that_is_down_says_so_without_its_password() -> None:
    """In the message, in the traceback with all its causes, and in the repr."""
    store = HookStore(f"postgresql://user:{CANARY}@127.0.0.1:1/db", timeout=1)
    with pytest.raises(StoreUnavailableError) as caught:
        store.record(make_entries(1))
    told = "".join(traceback.format_exception(caught.value)) + repr(store) + repr(caught.value)
    assert "postgresql+psycopg://user:***@127.0.0.1:1/db" in str(caught.value)
    assert CANARY not in told
    assert "raw/table_0" not in told


@pytest.mark.postgres
def test_a_refused_password_is_not_told(postgres_url: str) -> None:
    """Nor the name of a database that is not there, with a password beside it."""
    url = postgres_url.replace("postgres:@", f"postgres:{CANARY}@").replace("test_", "missing_")
    with pytest.raises(StoreUnavailableError, match="missing_") as caught:
        HookStore(url).pending_count()
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_driver_that_tells_the_password_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its message nor the exception itself, which a traceback would show as the cause."""

    def fail(*args: object, **options: object) -> None:
        raise OperationalError("", {}, Exception(f"bad option in 'password={CANARY}'"))

    monkeypatch.setattr("phlo_hooks.delivery.database.open_engine", fail)
    with pytest.raises(StoreUnavailableError, match="bad option") as caught:
        HookStore(f"postgresql://user:{CANARY}@127.0.0.1:1/db").pending_count()
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_silent_server_is_not_waited_for(silent_port: int) -> None:
    """A run goes on without the store; the kernel alone would wait for minutes."""
    store = HookStore(f"postgresql://user@127.0.0.1:{silent_port}/db", timeout=1)
    start = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        store.pending_count()
    assert time.monotonic() - start < 4


def test_a_locked_file_is_waited_for_only_so_long(tmp_path: Path) -> None:
    """And is as good as new once the other process lets go."""
    store = HookStore(tmp_path / "hooks.db", timeout=0.2)
    store.pending_count()
    other = sqlite3.connect(tmp_path / "hooks.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StoreUnavailableError, match="locked"):
        store.record(make_entries(1))
    assert store.events() == []  # reading goes on meanwhile, also for a run that starts only now
    assert HookStore(tmp_path / "hooks.db", timeout=0.2).events() == []
    other.close()

    assert len(store.record(make_entries(1))) == 1


@pytest.mark.postgres
def test_a_locked_table_is_waited_for_only_so_long(postgres_url: str) -> None:
    """Someone runs VACUUM FULL, or a migration, while a step wants to record."""
    store = HookStore(postgres_url, timeout=0.2)
    store.pending_count()
    with _admin(postgres_url) as other:
        other.execute(text("BEGIN"))
        other.execute(text("LOCK TABLE hook_events"))
        with pytest.raises(StoreUnavailableError, match="lock timeout"):
            store.record(make_entries(1))
    assert len(store.record(make_entries(1))) == 1


@pytest.mark.mysql
@pytest.mark.parametrize(
    ("hold", "release"),
    [
        ("LOCK TABLES hook_events WRITE", "UNLOCK TABLES"),
        ("SELECT * FROM hook_events FOR UPDATE", "ROLLBACK"),
    ],
    ids=["table", "rows"],
)
def test_a_lock_of_mysql_is_waited_for_only_so_long(mysql_url: str, hold: str, release: str) -> None:
    """Of a table for a day by default, of a row for 50 s."""
    store = HookStore(mysql_url, timeout=1)
    store.record(make_entries(1))
    with _admin(mysql_url) as other:
        other.execute(text("SET autocommit = 0"))
        other.execute(text(hold))
        start = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="Lock wait timeout"):
            store.record(make_entries(2))
        assert time.monotonic() - start < 10
        other.execute(text(release))
    assert len(store.record(make_entries(2))) == 1


@pytest.mark.postgres
def test_a_database_that_takes_no_writes_is_unavailable(postgres_url: str) -> None:
    """What a standby answers during a failover; the same call works after it."""
    HookStore(postgres_url).pending_count()
    store = HookStore(f"{postgres_url}&options=-cdefault_transaction_read_only%3Don")
    with pytest.raises(StoreUnavailableError, match="read-only"):
        store.record(make_entries(1))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """With the file's name, since someone will have to look at it."""
    path = tmp_path / "hooks.db"
    path.write_text("this is a text, long enough to be taken for a header" * 10)
    with pytest.raises(StoreError, match=r"hooks\.db.*not a database"):
        HookStore(path).pending_count()


def test_an_error_does_not_quote_the_events(store: HookStore) -> None:
    """Their bodies belong in the store, not in everybody's log."""
    store._database.write(hook_state.drop)
    writes = [StateWrite("ns", "key", "s3cr3t-canary")]
    with pytest.raises(StoreError, match="hook_state") as caught:
        store.record(make_entries(1), state=writes)
    told = "".join(traceback.format_exception(caught.value))
    assert CANARY not in told
    assert store.events() == []


@pytest.mark.postgres
def test_no_connection_is_kept_between_calls(postgres_url: str) -> None:
    """A thousand waiting steps would hold a thousand; Dagster's own storage keeps none either."""
    store = HookStore(postgres_url)
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with _admin(postgres_url) as connection:
        store.record(make_entries(1))
        assert _settles_at(0, lambda: connection.execute(others).scalar_one())
        with store.connected():
            store.pending_count()
            assert connection.execute(others).scalar_one() == 1
        assert _settles_at(0, lambda: connection.execute(others).scalar_one())


@pytest.mark.postgres
def test_a_connection_that_died_meanwhile_is_replaced(postgres_url: str) -> None:
    """The server was restarted between two calls of a long-lived relay."""
    store = HookStore(postgres_url)
    kill = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with store.connected():
        store.record(make_entries(1))
        with _admin(postgres_url) as connection:
            connection.execute(kill)
        assert len(store.record(make_entries(2))) == 1


def test_a_collision_is_tried_again(store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process records the same event between our question and our insert."""
    store.record(make_entries(1))
    known, asked = recording._known, []

    def blind_at_first(connection: Connection, keys: list[str]) -> set[str]:
        asked.append(keys)
        return set() if len(asked) == 1 else known(connection, keys)

    monkeypatch.setattr(recording, "_known", blind_at_first)
    assert len(store.record(make_entries(2))) == 1
    assert (len(asked), len(store.deliveries())) == (2, 2)


def test_a_collision_without_end_is_an_error(store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a loop."""
    store.record(make_entries(1))
    monkeypatch.setattr(recording, "_known", lambda connection, keys: set())
    monkeypatch.setattr("phlo_hooks.delivery.database._PAUSE", 0)
    with pytest.raises(StoreError, match="IntegrityError"):
        store.record(make_entries(1))


def test_threads_share_a_store(store: HookStore) -> None:
    """Each records the same events and claims what it can: nothing doubles, nothing is lost."""
    failures: list[BaseException] = []
    delivered: list[int] = []

    def work(number: int) -> None:
        try:
            for start in range(0, 40, 10):
                store.record(make_entries(10, first=start))
            while claims := claim(store, owner=f"thread-{number}", limit=3):
                deliver(store, *claims)
                delivered.extend(each.delivery_id for each in claims)
        except BaseException as exc:  # noqa: BLE001  # of any thread, for the test to show
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, len(delivered), len(set(delivered))) == ([], 40, 40)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_after_a_fork_has_connections_of_its_own(shared_store: HookStore) -> None:
    """Both go on at once, which one connection for the two would not survive."""
    with shared_store.connected():
        shared_store.record(make_entries(1))
        child = os.fork()
        first = 100 if child else 200
        done = 0
        try:
            done = sum(len(shared_store.record(make_entries(1, first=first + n))) for n in range(50))
        finally:
            if child == 0:
                os._exit(0 if done == 50 else 1)
        _, status = os.waitpid(child, 0)
    assert (done, status, len(shared_store.events())) == (50, 0, 101)


def test_a_store_in_memory_is_cheap() -> None:
    """A unit test builds one without a thought: under 15 ms, tables included."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        HookStore.in_memory().pending_count()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.015


def test_a_run_pays_for_neither_alembic_nor_dagster(tmp_path: Path) -> None:
    """On a database that is up to date; Alembic alone takes 0.4 s to import."""
    HookStore(tmp_path / "hooks.db").pending_count()
    code = (
        "import sys; from phlo_hooks.delivery.relay import Relay;"
        "from phlo_hooks.delivery.store import HookStore;"
        f"HookStore({str(tmp_path / 'hooks.db')!r}).pending_count();"
        "print({'alembic', 'dagster', 'sqlalchemy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'sqlalchemy'}"


@contextmanager
def _admin(url: str) -> Iterator[Connection]:
    """Another client of the server; each statement sees the server as it is then."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _settles_at(expected: int, count: object) -> bool:
    """A server takes a moment to notice that a connection is closed."""
    assert callable(count)
    for _ in range(100):
        if count() == expected:
            return True
        time.sleep(0.02)
    return False
