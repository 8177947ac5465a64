"""Freshness, as the daemon's own code finds it: from its policy to our event."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.definitions import freshness_evaluator

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.producers.tail import Tail
from phlo_hooks_tests.producers.watching import deployed
from phlo_hooks_tests.producers.watching.deployment import CATALOG, LOCATION, LONG_AGO, Deployment, told


def collect(deployment: Deployment, store: HookStore) -> None:
    Tail(
        deployment.instance,
        CATALOG,
        store=store,
        recorder=Recorder(store, scope=LOCATION),
        bus=HookBus(),
        scope=LOCATION,
        since=LONG_AGO,
    ).collect(60)


def test_fresh_and_stale(deployment: Deployment, store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns it stands on the event; an asset without a policy, or without any data, is no news."""
    deployment.look_at_freshness()
    collect(deployment, store)
    assert told(store, "freshness.") == []

    deployment.instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
    deployment.look_at_freshness()
    now, later = freshness_evaluator.get_current_timestamp, 5 * deployed.FRESH_FOR.total_seconds()
    monkeypatch.setattr(freshness_evaluator, "get_current_timestamp", lambda: now() + later)
    deployment.look_at_freshness()
    collect(deployment, store)

    changes = [(event.from_state, event.to_state) for event in told(store, "freshness.")]
    assert changes == [("UNKNOWN", "PASS"), ("PASS", "FAIL")]
    for event in told(store, "freshness."):
        assert (event.asset_key, event.group_name) == ("orders", "sales")
        assert (event.owners, event.kinds) == (("team:sales",), ("duckdb",))
