"""Database URLs, as people write them, become ones that work; no password is ever shown."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from phlo_hooks.delivery import url as url_module
from phlo_hooks.delivery.url import display_url, is_memory, normalize_url, sqlite_file
from phlo_hooks.errors import ConfigurationError, MissingExtraError

CANARY = "s3cr3t-canary"


def _install(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Pretend that of all drivers only these are there."""
    monkeypatch.setattr(url_module, "_installed", lambda module: module in modules)


@pytest.mark.parametrize(
    ("given", "drivers", "expected"),
    [
        ("postgresql://u:p@h/db", ("psycopg", "psycopg2"), "postgresql+psycopg://u:p@h/db"),
        ("postgres://u:p@h:5432/db", ("psycopg",), "postgresql+psycopg://u:p@h:5432/db"),
        ("postgresql+psycopg2://u:p@h/db", ("psycopg",), "postgresql+psycopg://u:p@h/db"),
        ("postgresql://u:p@h/db", ("psycopg2",), "postgresql+psycopg2://u:p@h/db"),
        ("postgresql+psycopg://u:p@h/db", ("psycopg2",), "postgresql+psycopg2://u:p@h/db"),
        (
            "postgresql://h/db?sslmode=require",
            ("psycopg",),
            "postgresql+psycopg://h/db?sslmode=require",
        ),
        ("postgresql+pg8000://u:p@h/db", (), "postgresql+pg8000://u:p@h/db"),
        ("postgresql://u:p%40%2F@h/db", ("psycopg",), "postgresql+psycopg://u:p%40%2F@h/db"),
        ("mysql://u:p@h/db", ("pymysql",), "mysql+pymysql://u:p@h/db"),
        ("mariadb://u:p@h/db", ("pymysql",), "mysql+pymysql://u:p@h/db"),
        (
            "mysql+mysqlconnector://u:p@h/db",
            ("pymysql", "mysql.connector"),
            "mysql+pymysql://u:p@h/db",
        ),
        (
            "mysql+mysqlconnector://u:p@h/db",
            ("mysql.connector",),
            "mysql+mysqlconnector://u:p@h/db",
        ),
        ("sqlite:////var/hooks.db", (), "sqlite:////var/hooks.db"),
        ("sqlite://", (), "sqlite://"),
        ("/var/hooks.db", (), "sqlite:////var/hooks.db"),
        ("hooks.db", (), "sqlite:///hooks.db"),
        ("C:\\hooks.db", (), "sqlite:///C:\\hooks.db"),
    ],
)
def test_a_url_gets_a_driver_that_is_there(
    monkeypatch: pytest.MonkeyPatch, given: str, drivers: tuple[str, ...], expected: str
) -> None:
    """psycopg where it can be had, whatever the URL names: SQLAlchemy 2.0 and 2.1 differ on the default."""
    _install(monkeypatch, *drivers)
    assert make_url(expected) == normalize_url(given)


def test_other_ways_to_say_it() -> None:
    """A path object, and a URL object."""
    assert normalize_url(Path("hooks.db")).drivername == "sqlite"
    assert normalize_url(URL.create("postgresql", host="h")).host == "h"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("oracle://u:s3cr3t-canary@h/db", "'oracle'.*sqlite, postgresql, mysql"),
        ("postgresql+asyncpg://u:s3cr3t-canary@h/db", "synchronous.*postgresql://"),
        ("sqlite+aiosqlite:///hooks.db", "synchronous.*sqlite://"),
        ("postgresql://u:s3cr3t-canary@h:port/db", "cannot be read"),
        ("://u:s3cr3t-canary@h", "cannot be read"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_a_url_that_cannot_work_is_refused(given: str, says: str) -> None:
    """With what to write instead, and without the password."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        normalize_url(given)
    assert CANARY not in repr(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize(("given", "extra"), [("postgresql://h/db", "postgres"), ("mysql://h/db", "mysql")])
def test_a_missing_driver_names_its_extra(monkeypatch: pytest.MonkeyPatch, given: str, extra: str) -> None:
    """One command away from working."""
    _install(monkeypatch)
    with pytest.raises(MissingExtraError, match=rf"pip install 'phlo-hooks\[{extra}\]'"):
        normalize_url(given)


def test_a_driver_within_a_missing_package_is_missing() -> None:
    """`mysql.connector` without `mysql` is a question that importlib answers with an exception."""
    assert not url_module._installed("no_such_package.connector")
    assert url_module._installed("sqlite3") == bool(importlib.util.find_spec("sqlite3"))


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://u:s3cr3t-canary@h/db",
        "postgresql://h/db?user=u&password=s3cr3t-canary",
        "postgresql://h/db?sslpassword=s3cr3t-canary",
    ],
)
def test_a_url_is_shown_without_its_password(given: str) -> None:
    """Wherever in the URL it stands; the rest helps the reader."""
    shown = display_url(normalize_url(given))
    assert CANARY not in shown
    assert "h/db" in shown


def test_where_the_database_is() -> None:
    """In this process, in a file, or elsewhere."""
    urls = [normalize_url(u) for u in ("sqlite://", "sqlite:///:memory:", "/a/b.db")]
    assert [is_memory(url) for url in urls] == [True, True, False]
    assert [None, None, Path("/a/b.db")] == [sqlite_file(url) for url in urls]
    assert None is sqlite_file(normalize_url("sqlite:///file:x?mode=memory&uri=true"))
    assert None is sqlite_file(URL.create("postgresql", host="h", database="d"))
