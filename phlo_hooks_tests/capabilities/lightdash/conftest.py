"""A Lightdash of two explores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phlo_hooks_tests.capabilities.lightdash.explores import explore
from phlo_hooks_tests.capabilities.lightdash.server import Definition, Lightdash


@pytest.fixture
def lightdash() -> Iterator[Lightdash]:
    """Orders with a join and two pre-aggregates, customers with one, and what Lightdash makes of one."""
    explores = {
        "orders": explore("orders", joins=("customers",)),
        "customers": explore("customers"),
        "__preagg__orders__daily": explore("__preagg__orders__daily"),
    }
    definitions = [
        Definition("daily", "orders"),
        Definition("by_status", "orders"),
        Definition("per_city", "customers"),
    ]
    with Lightdash(explores=explores, definitions=definitions) as server:
        yield server
