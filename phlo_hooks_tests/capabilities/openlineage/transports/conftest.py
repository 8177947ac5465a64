"""A backend, and an environment without any OpenLineage in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from phlo_hooks.testing import FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """Accepts everything, unless told otherwise."""
    with FaultServer() as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory and the home: no `openlineage.yml` in either."""
    for name in [name for name in os.environ if name.startswith(("OPENLINEAGE", "DD_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path
