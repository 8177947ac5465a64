"""One deployment for the tests of a file, a store of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phlo_hooks.delivery.store import HookStore
from phlo_hooks_tests.producers.watching.deployment import Deployment, deploy, new_store


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Its code server is started once."""
    folder = tmp_path_factory.mktemp("deployment")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATCHED_TROUBLE", str(folder / "trouble"))
        with deploy(folder) as made:
            yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HookStore]:
    """An empty store."""
    with new_store(tmp_path) as made:
        yield made
