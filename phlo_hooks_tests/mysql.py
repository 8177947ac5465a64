"""A MariaDB server for tests: started once a session, with a fresh database for each test that asks.

Use: `from phlo_hooks_tests.mysql import mysql_server, mysql_url` in a conftest, and mark the tests `mysql`. They
are skipped where no `mariadbd` is installed.
"""

from __future__ import annotations

import getpass
import itertools
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

_numbers = itertools.count(1)
_PATIENCE = 60


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[URL]:
    """The URL of the server, without a database."""
    pytest.importorskip("pymysql")
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if server is None or install is None:
        pytest.skip("there is no mariadbd on the PATH: apt-get install mariadb-server")
    with tempfile.TemporaryDirectory(prefix="my-") as folder, _serving(server, install, Path(folder)) as url:
        _wait_for(url)
        yield url


class _serving:  # noqa: N801  # reads as what it does
    """The server, while the block lasts."""

    def __init__(self, server: str, install: str, folder: Path) -> None:
        user = f"--user={getpass.getuser()}"
        data = f"--datadir={folder / 'data'}"
        subprocess.run(
            [install, "--no-defaults", user, data, "--auth-root-authentication-method=normal"],
            check=True,
            capture_output=True,
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # Nothing here has to survive a power cut.
        options = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}"]
        quick = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-log-bin"]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [server, "--no-defaults", user, data, *options, *quick], stdout=self._log, stderr=self._log
        )
        self._url = URL.create("mysql+pymysql", "root", host="127.0.0.1", port=port)

    def __enter__(self) -> URL:
        return self._url

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_PATIENCE)
        self._log.close()


@pytest.fixture
def mysql_url(mysql_server: URL) -> str:
    """The URL of an empty database."""
    name = f"test_{next(_numbers)}"
    _administer(mysql_server, f"CREATE DATABASE {name}")
    return mysql_server.set(database=name).render_as_string(hide_password=False)


def _wait_for(url: URL) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _administer(url, "SELECT 1")
        except OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _administer(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
