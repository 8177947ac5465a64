"""The memory of a capability: the same contract on a store's and on one that ends with the process."""

from datetime import datetime, timedelta, timezone

import pytest

from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Entry, Target, Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import StoreError
from phlo_hooks.events import TelemetryEvent
from phlo_hooks.memory import MemoryState, Overlay
from phlo_hooks.state import StateChange

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


class Memory:
    """What both give to look at."""

    def __init__(self, kind):
        self.clock = Clock()
        if kind == "overlay":
            self.state = Overlay(MemoryState(clock=self.clock), clock=self.clock)
            self.told = lambda: pytest.skip("an overlay tells nobody")
            return
        if kind == "process":
            self.state = MemoryState(clock=self.clock)
            self.told = lambda: [event.event_id for event in self.state.events]
        else:
            store = HookStore.in_memory(clock=self.clock)
            tell = lambda event: Told(Entry(event, (Target("ops.hook"),)))  # noqa: E731
            self.state = PluginState(store, "alerting", "etl", tell)
            self.told = lambda: [record.event_id for record in store.events()]


@pytest.fixture(params=["process", "store", "overlay"])
def memory(request):
    return Memory(request.param)


def metric(name="rows"):
    return TelemetryEvent(event_type="telemetry.metric", event_id=name, name=name)


def test_what_is_kept_is_found(memory):
    assert memory.state.get("a") is None
    assert memory.state.commit(
        [StateChange("a", {"n": 1}), StateChange("b/1", [2]), StateChange("b/2", None)]
    )
    assert memory.state.get("a").value == {"n": 1}
    found = memory.state.get_many(["b/1", "b/2", "c", *(f"d/{number}" for number in range(1_200))])
    assert {key: entry.value for key, entry in found.items()} == {"b/1": [2], "b/2": None}
    assert memory.state.get_many([]) == {}
    assert [entry.key for entry in memory.state.list("b/")] == ["b/1", "b/2"]
    assert [entry.key for entry in memory.state.list()] == ["a", "b/1", "b/2"]


def test_a_write_in_between_keeps_all_of_it_out(memory):
    """Neither the other values nor the events of an outrun commit are there."""
    memory.state.commit([StateChange("a", 1)])
    seen = memory.state.get("a").version
    memory.state.commit([StateChange("a", 2, seen)])
    assert not memory.state.commit([StateChange("new", 1), StateChange("a", 3, seen)], [metric()])
    assert not memory.state.commit([StateChange("a", 3)], [metric()])
    assert memory.state.get("a").value == 2
    assert memory.state.get("new") is None
    assert memory.told() == []


def test_values_and_events_come_together_and_once(memory):
    assert memory.state.commit([StateChange("a", 1)], [metric("rows"), metric("bytes"), metric("rows")])
    assert memory.state.commit([StateChange("b", 1)], [metric("rows")])
    assert memory.told() == ["rows", "bytes"]


def test_what_has_expired_is_absent(memory):
    soon = NOON + timedelta(seconds=10)
    memory.state.commit([StateChange("a", 1, expires_at=soon)])
    memory.clock.now = soon
    assert memory.state.get("a") is None
    assert memory.state.get_many(["a"]) == {}
    assert memory.state.list() == []
    assert memory.state.commit([StateChange("a", 2)])
    assert memory.state.get("a").value == 2


def test_an_instant_that_has_passed_deletes(memory):
    memory.state.commit([StateChange("a", 1)])
    assert memory.state.commit([StateChange("a", None, memory.state.get("a").version, NOON)])
    assert memory.state.get("a") is None


def test_plugins_and_locations_do_not_see_one_another():
    store = HookStore.in_memory()
    one, other, elsewhere = (
        PluginState(store, plugin, location, lambda event: Told(Entry(event)))
        for plugin, location in (("alerting", "etl"), ("catalog", "etl"), ("alerting", "ml"))
    )
    one.commit([StateChange("a", 1)])
    assert (other.get("a"), elsewhere.get("a")) == (None, None)


def test_a_key_that_is_too_long_is_refused():
    state = PluginState(HookStore.in_memory(), "alerting", "", lambda event: Told(Entry(event)))
    with pytest.raises(StoreError, match="has 513 characters: use 1 to 512, a digest for more"):
        state.commit([StateChange("k" * 513, 1)])


def test_an_overlay_only_reads_what_is_below():
    """The first that has an entry counts, and what is written on top is written nowhere else."""
    below = [MemoryState(), MemoryState()]
    below[0].commit([StateChange("a", 1)])
    below[1].commit([StateChange("a", 2), StateChange("b", 3), StateChange("c", 4)])
    overlay = Overlay(*below)
    assert [entry.value for entry in overlay.list()] == [1, 3, 4]
    assert not overlay.commit([StateChange("b", 5)])
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert overlay.commit([StateChange("b", 5, version=1), StateChange("c", None, 1, past)])
    assert {key: each.value for key, each in overlay.get_many("abc").items()} == {"a": 1, "b": 5}
    assert overlay.get("c") is None
    assert [below[1].get(key).value for key in "bc"] == [3, 4]
