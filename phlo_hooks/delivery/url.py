"""Database URLs: which driver, which databases, and how to name one without its password."""

from __future__ import annotations

from importlib.util import find_spec
from os import PathLike, fspath
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from phlo_hooks.errors import ConfigurationError, MissingExtraError
from phlo_hooks.redaction import REDACTED, looks_secret

# Of each database: driver name and the module it needs, the preferred one first. psycopg is named in full
# because SQLAlchemy 2.0 takes a bare postgresql:// for psycopg2, and 2.1 for psycopg.
_DRIVERS = {
    "postgresql": (("psycopg", "psycopg"), ("psycopg2", "psycopg2")),
    "mysql": (
        ("mysqldb", "MySQLdb"),
        ("pymysql", "pymysql"),
        ("mysqlconnector", "mysql.connector"),
    ),
}
_EXTRAS = {"postgresql": "postgres", "mysql": "mysql"}
_ALIASES = {"postgres": "postgresql", "mariadb": "mysql"}
_KNOWN = ("sqlite", *_DRIVERS)
_ASYNC_DRIVERS = frozenset({"asyncpg", "psycopg_async", "aiosqlite", "aiomysql", "asyncmy"})


def normalize_url(url: str | URL | PathLike[str]) -> URL:
    """`url` with a driver that is installed.

    Args:
        url: `postgresql://…`, `postgres://…`, `mysql://…`, `sqlite:///path`, `sqlite://` (in memory), or
            the path of a SQLite file.

    Raises:
        ConfigurationError: it is not a URL, or its database or driver is not supported.
        MissingExtraError: no driver for its database is installed.
    """
    parsed = _parse(url)
    name, _, driver = parsed.drivername.partition("+")
    name = _ALIASES.get(name, name)
    if name not in _KNOWN:
        raise ConfigurationError(
            f"the hook store cannot use a {name!r} database: use one of {', '.join(_KNOWN)}"
        )
    if driver in _ASYNC_DRIVERS:
        raise ConfigurationError(
            f"the hook store is synchronous and cannot use {parsed.drivername!r}: write {name}://…"
        )
    return parsed.set(drivername=_with_driver(name, driver))


def display_url(url: URL) -> str:
    """`url` for messages and reprs: no password in it, neither before the host nor in the query."""
    query = {key: REDACTED if looks_secret(key) else value for key, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def secrets_in(url: URL) -> tuple[str, ...]:
    """What must not be read in any message about `url`."""
    hidden = [value for key, value in url.query.items() if looks_secret(key)]
    return tuple(str(value) for value in (url.password, *hidden) if value)


def is_memory(url: URL) -> bool:
    """Whether the database lives, and ends, in this process."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None for any other, and where SQLite reads the name as a URI."""
    if url.get_backend_name() != "sqlite" or is_memory(url) or "uri" in url.query:
        return None
    return Path(str(url.database))


def _parse(url: str | URL | PathLike[str]) -> URL:
    if isinstance(url, URL):
        return url
    text = fspath(url)
    if "://" not in text:
        return _sqlite_path(text)
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # Neither the text nor SQLAlchemy's message, which quotes it: there may be a password in it.
        scheme = text.partition("://")[0]
        raise ConfigurationError(
            f"the hook store's URL {scheme}://… cannot be read: write "
            f"{scheme}://user:password@host:port/name, special characters percent-encoded"
        ) from None


def _sqlite_path(text: str) -> URL:
    if not text.strip():
        raise ConfigurationError("the hook store's URL is empty: name a database or a file")
    return URL.create("sqlite", database=text)


def _with_driver(name: str, driver: str) -> str:
    ours = _DRIVERS.get(name, ())
    if not ours or (driver and driver not in {known for known, _ in ours}):
        return f"{name}+{driver}" if driver else name
    for known, module in ours:
        if _installed(module):
            return f"{name}+{known}"
    raise MissingExtraError(ours[0][1], _EXTRAS[name])


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent of a dotted name is missing
        return False
