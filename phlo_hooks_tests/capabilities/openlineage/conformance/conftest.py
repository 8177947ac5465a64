"""A strict backend, and an instance that lasts."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from phlo_hooks_tests.capabilities.openlineage.backend import Backend
from phlo_hooks_tests.e2e.conftest import new_instance
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.postgres import postgres_server

__all__ = ["new_instance", "postgres_server"]


@pytest.fixture
def backend() -> Iterator[Backend]:
    """Takes what is valid; in the end it asserts that nothing else came."""
    with Backend() as made:
        yield made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Of default storage, with a store beside it."""
    with no_fsync(), dg.instance_for_test() as made:
        yield made
