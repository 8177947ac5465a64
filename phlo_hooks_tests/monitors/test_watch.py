"""The hook of a monitor: one commit for a batch, once for each event, whatever dies or comes in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Entry, Target, Told
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import RetryLater, StoreUnavailableError
from phlo_hooks.memory import MemoryState
from phlo_hooks.monitors.health import HealthMonitor
from phlo_hooks.monitors.schema import SchemaMonitor
from phlo_hooks.monitors.watch import BATCH, Watch, registration
from phlo_hooks.registration import RegisteredHook
from phlo_hooks.state import StateChange
from phlo_hooks_tests.delivery.helpers import Clock
from phlo_hooks_tests.monitors.cases import checked, ended, table


class Busy(MemoryState):
    """A memory into which somebody else writes just before a commit does."""

    def __init__(self, others: list[Any]) -> None:
        super().__init__()
        self.others = others
        self.commits = 0

    def commit(self, changes: Any, events: Any = ()) -> bool:
        """Too late, as long as there are others."""
        self.commits += 1
        if self.others:
            Watch(SchemaMonitor(), super()).handle_event([self.others.pop(0)])  # type: ignore[arg-type]
        return super().commit(changes, events)


def test_a_batch_is_one_commit() -> None:
    """Of several assets, and of several events of one."""
    state = Busy([])
    events = [
        table(0, "a INT"),
        table(1, "a INT", asset_key="raw/orders"),
        table(2, "a INT", "b INT"),
        table(3, "b INT"),
    ]
    Watch(SchemaMonitor(), state).handle_event(events)
    assert state.commits == 1
    assert [entry.key for entry in state.list()] == ["schema/marts/orders", "schema/raw/orders"]
    assert [len(event.added) - len(event.removed) for event in state.events] == [1, -1]


def test_what_changes_nothing_is_not_written() -> None:
    """Events that come again leave the memory alone."""
    state = Busy([])
    for _ in range(2):
        Watch(HealthMonitor(), state).handle_event([ended(0), checked(1)])
    assert state.commits == 1


def test_who_comes_second_reads_again() -> None:
    """What the other one found out is where this one goes on."""
    state = Busy([table(1, "a INT", "b INT")])
    watch = Watch(SchemaMonitor(), state)
    state.commit([StateChange("else", 1)])
    watch.handle_event([table(2, "b INT")])
    (event,) = state.events
    assert ([column.name for column in event.removed], event.added) == (["a"], ())


def test_who_always_comes_second_lets_the_relay_try_again() -> None:
    """It does not take up its thread for ever."""
    others = [table(minute, "a INT") for minute in range(1, 20)]
    with pytest.raises(RetryLater, match="others wrote first, 10 times"):
        Watch(SchemaMonitor(), Busy(others)).handle_event([table(100, "a INT")])


def test_a_key_of_any_length_has_its_place() -> None:
    """Two long ones that begin alike are two."""
    state = MemoryState()
    long = "schema/" * 100
    Watch(SchemaMonitor(), state).handle_event(
        [table(0, "a INT", asset_key=long + "a"), table(1, "b INT", asset_key=long + "b")]
    )
    assert (len(state.list()), state.events) == (2, [])
    assert all(len(entry.key) <= 512 for entry in state.list())


# With a real store, and relays that die


@pytest.fixture
def clock() -> Clock:
    """A clock that is moved by hand."""
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Iterator[HookStore]:
    """A store, as far as its tables go."""
    made = HookStore.in_memory(clock=clock)
    yield made
    made.close()


MONITORS: list[Any] = [SchemaMonitor(), HealthMonitor()]


def relay(store: HookStore, *monitors: Any) -> Relay:
    """Delivers to monitors, which tell a hook named `listener`; to both by default."""
    tell = lambda event: Told(Entry(event, (Target("listener"),)))  # noqa: E731
    state = PluginState(store, "phlo_hooks", "", tell)
    hooks = [
        RegisteredHook("phlo_hooks", registration(monitor, Watch(monitor, state)))
        for monitor in monitors or MONITORS
    ]
    return Relay(store, {hook.qualified_name: hook for hook in hooks}, scopes=[""])


def record(store: HookStore, *events: Any) -> None:
    """As a bus with both monitors would, in the order of their lane."""
    store.record(
        [
            Entry(event, tuple(Target(f"phlo_hooks.{each}", lane=event.asset_key) for each in wanted))
            for event in events
            for wanted in [[m.name for m in (SchemaMonitor(), HealthMonitor()) if m.filters.matches(event)]]
        ]
    )


def told(store: HookStore) -> list[str]:
    """What the monitors told, in order."""
    events = (each.event for each in store.events())
    return [event.event_type for event in events if event.correlation.causation_id]


# Two with columns; what follows of each.
HISTORY = [table(0, "a INT"), checked(1, False), table(2, "a INT", "b INT"), checked(3), ended(4, "failure")]
NEWS = {"schema.changed": 1, "asset.health_changed": 3}


DEATHS = [
    pytest.param(SchemaMonitor(), 2, ["schema.changed"], id="schema"),
    pytest.param(HealthMonitor(), 5, ["asset.health_changed"] * 3, id="health"),
]


@pytest.mark.parametrize(("monitor", "deliveries", "expected"), DEATHS)
def test_a_relay_that_dies_between_commit_and_settle(
    store: HookStore,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    monitor: Any,
    deliveries: int,
    expected: list[str],
) -> None:
    """The events are delivered once more, when the lease ends; nothing is told once more."""

    def refuse(self: HookStore, results: Any, **kwargs: Any) -> None:
        if results:
            raise StoreUnavailableError("the database went away")

    record(store, *HISTORY)
    with monkeypatch.context() as patch:
        patch.setattr(HookStore, "settle", refuse)
        with pytest.raises(StoreUnavailableError):
            relay(store, monitor).run()
    assert told(store) == expected
    clock.advance(3600)
    assert relay(store, monitor).run().delivered == deliveries
    assert told(store) == expected


def test_a_relay_that_dies_in_the_commit(
    store: HookStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither memory nor events are there; the next attempt finds all of it as it was."""
    swap = HookStore.swap_all

    def swap_and_fail(self: HookStore, writes: Any, told: Any = ()) -> bool:
        swap(self, [*writes, *writes], told)
        raise StoreUnavailableError("the database went away")

    record(store, *HISTORY)
    with monkeypatch.context() as patch:
        patch.setattr(HookStore, "swap_all", swap_and_fail)
        relay(store).run()
    assert (told(store), store.list_state("plugin:phlo_hooks:")) == ([], [])
    clock.advance(3600)
    relay(store).run()
    assert {kind: told(store).count(kind) for kind in NEWS} == NEWS


def test_more_than_one_batch(store: HookStore) -> None:
    """The order of an asset's events is kept from batch to batch."""
    record(store, *(table(minute, f"c{minute} INT") for minute in range(2 * BATCH + 10)))
    relay(store).run()
    changes: list[Any] = [each.event for each in store.events() if each.event_type == "schema.changed"]
    names = [(event.removed[0].name, event.added[0].name) for event in changes]
    assert names == [(f"c{number}", f"c{number + 1}") for number in range(2 * BATCH + 9)]
