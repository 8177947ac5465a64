"""A MariaDB server for tests: started once a session, with a fresh database for each test that asks.

Use: `from phlo_hooks_tests.mysql import mysql_server, mysql_url` in a conftest, and mark the tests `mysql`. They
run where they are asked for (`PHLO_HOOKS_TESTS_REQUIRE=mysql`), and need `apt-get install mariadb-server`. Not
everywhere, because the server itself (MariaDB 10.11.19) was seen to crash, once in five runs.
"""

from __future__ import annotations

import getpass
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

_numbers = itertools.count(1)
_PATIENCE = 60.0


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[URL]:
    """The URL of the server, without a database."""
    if "mysql" not in os.environ.get("PHLO_HOOKS_TESTS_REQUIRE", "").split():
        pytest.skip("asked for with PHLO_HOOKS_TESTS_REQUIRE=mysql")
    program = shutil.which("mariadbd")
    if program is None:
        pytest.skip("no mariadbd here: apt-get install mariadb-server")
    # In memory, where there is such a place: each table that is created waits for the disk. And a short name:
    # the path of a socket may have 107 characters.
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="my-", dir=memory if memory.is_dir() else None))
    process = _start(program, folder)
    url = URL.create("mysql+pymysql", "root", host="localhost", query={"unix_socket": str(folder / "socket")})
    try:
        _wait(folder, process)
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mysql_url(mysql_server: URL) -> str:
    """The URL of an empty database."""
    name = f"test_{next(_numbers)}"
    _administer(mysql_server, f"CREATE DATABASE {name}")
    return mysql_server.set(database=name).render_as_string(hide_password=False)


def _start(program: str, folder: Path) -> subprocess.Popen[bytes]:
    install = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={folder}/data",
        "--user=root",
        "--skip-test-db",
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, **quiet)  # type: ignore[call-overload]
    # Nothing here has to survive a power cut.
    options = [
        "--innodb-flush-log-at-trx-commit=0",
        "--skip-networking",
        f"--user={getpass.getuser()}",
        "--skip-log-bin",
    ]
    options += ["--innodb-flush-method=nosync", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M"]
    place = [f"--datadir={folder}/data", f"--socket={folder}/socket", f"--pid-file={folder}/pid"]
    return subprocess.Popen([program, "--no-defaults", *place, *options], **quiet)  # type: ignore[call-overload,no-any-return]


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Not by connecting: PyMySQL leaves the socket of a refused connection to the garbage collector."""
    ping = ["mariadb-admin", "--no-defaults", f"--socket={folder}/socket", "--user=root", "ping"]
    deadline = time.monotonic() + _PATIENCE
    while subprocess.run(ping, capture_output=True, check=False).returncode:
        assert process.poll() is None, "mariadbd has ended"
        assert time.monotonic() < deadline, "mariadbd does not answer"
        time.sleep(0.1)


def _administer(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
