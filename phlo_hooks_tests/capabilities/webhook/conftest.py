"""A receiver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phlo_hooks.testing import FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """Accepts everything, unless told otherwise."""
    with FaultServer() as server:
        yield server
