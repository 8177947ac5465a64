"""The monitors on the demo: what dlt and dbt really say of columns and checks, run after run."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookFilter, HookRegistration, with_hooks
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.run import RunStatus, run_demo

pytestmark = pytest.mark.e2e

DERIVED = {"schema.changed", "asset.health_changed"}
WARNED = {
    ("raw/flights", "WARNING", ("check tail_numbers_known failed (WARN)",)),
    (
        "staging/flights",
        "WARNING",
        ("check relationships_flights_destination__airport__ref_airports_ failed (WARN)",),
    ),
}


def test_a_second_run_changes_nothing(instance: dg.DagsterInstance, copied_home: DemoHome) -> None:
    """The same tables, the same two warnings: they are told of in the first run, and nothing else is."""
    heard: list[Any] = []
    listener = HookRegistration("listen", heard.append, filters=HookFilter(event_types=DERIVED))
    defs = with_hooks(build_definitions(home=copied_home, console=False), hooks=[listener])
    for _ in range(2):
        assert {run.status for run in run_demo(instance, defs)} == {RunStatus.SUCCEEDED}
        assert {(event.asset_key, event.to_state, event.reasons) for event in heard} == WARNED
        assert len(heard) == len(WARNED)
