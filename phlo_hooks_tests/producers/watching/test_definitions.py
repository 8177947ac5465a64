"""Definitions that change, and those that are again what they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookFilter, HookRegistration, with_hooks
from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import HookCorrelation
from phlo_hooks.identity import derive_event_id
from phlo_hooks.producers.asset_graph import DefinedAssets
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.redaction import Redactor
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import Spy, runtime_of
from phlo_hooks_tests.producers.watching.deployment import LOCATION, look, told

A, B = dg.AssetSpec("a"), dg.AssetSpec("b")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Of default storage."""
    with no_fsync(), dg.instance_for_test() as made:
        yield made


def assets(*specs: dg.AssetSpec) -> DefinedAssets:
    """What these definitions say."""
    return DefinedAssets(Catalog(specs), Redactor())


def bus(event_type: str = "definitions.changed") -> HookBus:
    """Of a location with one hook."""
    made = HookBus()
    hook = HookRegistration("h", lambda event: None, filters=HookFilter(event_types={event_type}))
    made.register(hook, plugin_name="test")
    return made


def watch(instance: dg.DagsterInstance, store: HookStore, *specs: dg.AssetSpec, **options: Any) -> int:
    return look(instance, store, **{"bus": bus(), "assets": assets(*specs), **options}).new


def test_first_and_changed(instance: dg.DagsterInstance, store: HookStore) -> None:
    """The first time, and when there is something else; not when there is nothing new."""
    assert [watch(instance, store, *specs) for specs in ([A], [A], [A, B], [A, B])] == [1, 0, 1, 0]
    first, second = told(store)
    assert (first.event_type, first.location, first.assets) == ("definitions.changed", LOCATION, 1)
    assert (first.fingerprint, second.fingerprint) == (assets(A).fingerprint(), assets(A, B).fingerprint())
    assert second.assets == 2


def test_back_again(instance: dg.DagsterInstance, store: HookStore) -> None:
    """A rollback is a change, too."""
    assert [watch(instance, store, spec) for spec in (A, B, A)] == [1, 1, 1]
    events = told(store)
    assert len({event.event_id for event in events}) == 3
    assert events[0].fingerprint == events[2].fingerprint


def test_two_locations(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Each tells its own, though they say the same."""
    assert watch(instance, store, A) == 1
    assert watch(instance, store, A, scope="other") == 1
    assert {(each.location, each.event_id) for each in told(store)} == {
        (each.location, derive_event_id(each.event_type, HookCorrelation(), *subject))
        for each in told(store)
        for subject in [(each.location, each.fingerprint, "1")]
    }
    assert {each.location for each in told(store)} == {LOCATION, "other"}


@pytest.mark.parametrize("event_type", ["run.failure", "*"])
def test_nobody_asks_for_it(instance: dg.DagsterInstance, store: HookStore, event_type: str) -> None:
    """Then nothing is computed, and who comes later is told."""
    nobody = assets(A)
    assert watch(instance, store, bus=bus(event_type), assets=nobody) == 0
    assert "_fingerprint" not in vars(nobody)
    assert watch(instance, store, bus=bus(), assets=nobody) == 1


def test_through_the_runtime(instance: dg.DagsterInstance) -> None:
    """With real definitions: what `with_hooks` knows is what is told."""
    spy = Spy()
    hook = spy.hook(filters=HookFilter(event_types={"definitions.changed"}))
    runtime = runtime_of(with_hooks(dg.Definitions(assets=[A, B]), hooks=[hook], plugins=False))
    assert runtime.watch(instance, "etl", 10.0).new == 1
    runtime.relay(instance, "etl").run(budget=10.0)
    (event,) = spy.events
    assert event.fingerprint == runtime.assets(instance).fingerprint()
    assert event.assets == len(runtime.catalog.assets)
