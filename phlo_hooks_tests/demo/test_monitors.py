"""The monitors on the demo: what dlt and dbt really say of columns and checks."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from phlo_hooks import HookFilter, HookRegistration, with_hooks
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.producers.recording import runtime_of

from .conftest import BuiltDemo

pytestmark = pytest.mark.e2e

DERIVED = {"schema.changed", "asset.health_changed"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
WARNED = {
    ("raw/flights", "WARNING", ("check tail_numbers_known failed (WARN)",)),
    (
        "staging/flights",
        "WARNING",
        ("check relationships_flights_destination__airport__ref_airports_ failed (WARN)",),
    ),
}


def test_what_a_run_tells(built: BuiltDemo, tmp_path: Path) -> None:
    """The two warnings, each once; the tables are seen for the first time, and no change."""
    heard: list[Any] = []
    listener = HookRegistration("listen", heard.append, filters=HookFilter(event_types=DERIVED))
    plain = build_definitions(home=DemoHome(tmp_path / "home"), console=False)
    defs = with_hooks(plain, hooks=[listener], store=f"sqlite:///{tmp_path}/hooks.db", since=LONG_AGO)
    tick(built.instance, runtime_of(defs), "")
    assert {(event.asset_key, event.to_state, event.reasons) for event in heard} == WARNED
    assert len(heard) == len(WARNED)
    known = runtime_of(defs).store(built.instance).list_state("plugin:phlo_hooks:")
    assert {"schema/raw/flights", "schema/marts/carrier_delays"} <= {entry.key for entry in known}
