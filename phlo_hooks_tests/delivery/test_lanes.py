"""Order where a hook asks for it, and lists of events for those that take them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from phlo_hooks.delivery.records import Entry, Target, Want
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import PermanentError, RegistrationError, RetryLater
from phlo_hooks.events import HookEvent
from phlo_hooks.registration import HookRegistration, RegisteredHook
from phlo_hooks_tests.delivery.helpers import HOOK, Clock, FakeHook, make_entries, make_event, states


@pytest.fixture
def memory(clock: Clock) -> Iterator[HookStore]:
    """The cheapest store."""
    store = HookStore.in_memory(clock=clock)
    yield store
    store.close()


def lanes(count: int, events: int, first: int = 0) -> list[Entry]:
    """So many events, in turn of so many assets; the event's table says the number."""
    return [
        Entry(make_event(number, asset_key=f"a{number % count}"), (Target(HOOK, lane=f"a{number % count}"),))
        for number in range(first, first + events)
    ]


def number_of(event: HookEvent) -> int:
    """Which one it is."""
    return int(str(event.correlation.step_key).removeprefix("step_"))


class Seen:
    """Takes events, but for those that fail by now; notes the numbers by lane."""

    def __init__(self, *failing: int, slow: float = 0.0) -> None:
        self.failing = set(failing)
        self.slow = slow
        self.lanes: dict[str, list[int]] = defaultdict(list)
        self.calls: list[int] = []
        self._lock = threading.Lock()

    def one(self, event: HookEvent) -> None:
        """Takes an event."""
        self.many([event])

    def many(self, events: list[HookEvent]) -> None:
        """Takes a list."""
        numbers = [number_of(event) for event in events]
        time.sleep(self.slow)
        with self._lock:
            self.calls.append(len(events))
            if self.failing & set(numbers):
                raise ConnectionError("refused")
            for event, number in zip(events, numbers, strict=True):
                self.lanes[str(event.correlation.asset_key)].append(number)


def relay_of(store: HookStore, hook: RegisteredHook, **options: Any) -> Relay:
    """A relay for one hook."""
    return Relay(store, {HOOK: hook}, scopes=[""], **options)


def ordered(handler: Any, **options: Any) -> RegisteredHook:
    """A hook that wants the events of each asset in order."""
    return FakeHook(handler, ordering="asset", **options)


def in_order(count: int, events: int) -> dict[str, list[int]]:
    """What each lane gets."""
    return {f"a{lane}": list(range(lane, events, count)) for lane in range(count)}


def test_a_failing_event_holds_back_its_own_lane_only(store: HookStore, clock: Clock) -> None:
    """Until it is delivered, and then the lane goes on in order."""
    store.record(lanes(3, 12))
    seen = Seen(4)
    relay_of(store, ordered(seen.one)).run()
    assert dict(seen.lanes) == {"a0": [0, 3, 6, 9], "a1": [1], "a2": [2, 5, 8, 11]}
    held = [d for d in store.deliveries() if d.state.value == "pending"]
    assert {(d.attempts, d.lane) for d in held} == {(0, "a1")}, "those behind it were not tried"
    seen.failing.clear()
    relay_of(store, ordered(seen.one)).run()
    assert seen.lanes["a1"] == [1], "not before its time"
    clock.advance(5)
    relay_of(store, ordered(seen.one)).run()
    assert dict(seen.lanes) == in_order(3, 12)


def test_a_dead_event_holds_back_nobody(memory: HookStore) -> None:
    """It never will be delivered."""
    memory.record(lanes(1, 5))
    seen = Seen()

    def handler(event: HookEvent) -> None:
        if number_of(event) == 1:
            raise PermanentError("400")
        seen.one(event)

    relay_of(memory, ordered(handler)).run()
    assert seen.lanes["a0"] == [0, 2, 3, 4]


def test_nobody_passes_what_is_being_delivered(shared_store: HookStore) -> None:
    """Another relay finds nothing in that lane until the first one has settled."""
    shared_store.record(lanes(2, 10))
    want = [Want(HOOK, 3, 60, ordered=True)]
    first = shared_store.claim(want, scopes=[""], owner="first")
    assert [number_of(each.event) for each in first] == [0, 1, 2]
    assert shared_store.claim(want, scopes=[""], owner="second") == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_relays_side_by_side_keep_the_order(shared_store: HookStore, concurrency: int) -> None:
    """Three of them, with several calls at once."""
    shared_store.record(lanes(7, 210))
    seen = Seen(slow=0.001)
    relays = [relay_of(shared_store, ordered(seen.one), concurrency=concurrency) for _ in range(3)]
    threads = [threading.Thread(target=relay.run, args=(30,)) for relay in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while shared_store.pending_count():
        relay_of(shared_store, ordered(seen.one)).run()
    assert dict(seen.lanes) == in_order(7, 210)


def test_what_was_recorded_before_the_hook_asked_for_order(memory: HookStore) -> None:
    """It has no lane, and is delivered all the same."""
    memory.record(make_entries(5))
    seen = Seen()
    assert relay_of(memory, ordered(seen.one)).run().delivered == 5


def test_an_event_of_no_asset_waits_for_nobody() -> None:
    """It is alone in its lane."""
    hook = ordered(print)
    event = make_event().model_copy(update={"correlation": make_event().correlation.model_copy()})
    assert hook.lane(event) == "raw/table_0"
    lone = event.model_copy(update={"correlation": event.correlation.model_copy(update={"asset_key": None})})
    assert hook.lane(lone) == lone.event_id
    assert FakeHook(print, ordering="run").lane(event) == "run-1"
    assert FakeHook(print).lane(event) is None


# Batches


def batched(handler: Any, size: int = 4, **options: Any) -> RegisteredHook:
    """A hook that takes lists."""
    return FakeHook(handler, batch_size=size, **options)


def test_a_hook_that_takes_lists_gets_them(store: HookStore) -> None:
    """As full as they get, in order."""
    store.record(lanes(1, 10))
    seen = Seen()
    assert relay_of(store, batched(seen.many)).run().delivered == 10
    assert (seen.calls, seen.lanes["a0"]) == ([4, 4, 2], list(range(10)))


def test_a_bad_event_spoils_no_others(memory: HookStore, clock: Clock) -> None:
    """What failed together is tried again alone; then the bad one is found, and only it dies."""
    memory.record(lanes(1, 8))
    seen = Seen(5)
    relay_of(memory, batched(seen.many)).run()
    for _ in range(3):
        clock.advance(60)
        relay_of(memory, batched(seen.many)).run()
    assert sorted(seen.lanes["a0"]) == [0, 1, 2, 3, 4, 6, 7]
    assert states(memory) == ["delivered"] * 5 + ["dead"] + ["delivered"] * 2


def test_one_that_is_refused_for_good_is_found_at_once(memory: HookStore) -> None:
    """The batch is refused as a whole, so which of them is to blame shows only then."""
    memory.record(lanes(1, 4))

    def handler(events: list[HookEvent]) -> None:
        if any(number_of(event) == 2 for event in events):
            raise PermanentError("413: " + "x" * 5000)

    report = relay_of(memory, batched(handler)).run()
    assert (report.delivered, report.dead) == (3, 1)


def test_a_batch_waits_to_fill(memory: HookStore, clock: Clock) -> None:
    """Not for longer than it was told; a full one does not wait."""
    memory.record(lanes(1, 3))
    seen = Seen()
    hook = batched(seen.many, batch_wait=10)
    assert relay_of(memory, hook).run().delivered == 0
    clock.advance(9)
    memory.record(lanes(1, 1, first=3))
    assert relay_of(memory, hook).run().delivered == 4
    memory.record(lanes(1, 1, first=4))
    clock.advance(9)
    assert relay_of(memory, hook).run().delivered == 0
    clock.advance(1)
    assert relay_of(memory, hook).run().delivered == 1
    assert seen.calls == [4, 1]


def test_a_batch_for_a_busy_receiver_stays_a_batch(memory: HookStore, clock: Clock) -> None:
    """ "Later" is no failure."""
    memory.record(lanes(1, 4))
    errors = [RetryLater(after=5)]
    seen = Seen()

    def handler(events: list[HookEvent]) -> None:
        for error in errors:
            raise error
        seen.many(events)

    relay_of(memory, batched(handler)).run()
    errors.clear()
    clock.advance(5)
    relay_of(memory, batched(handler)).run()
    assert seen.calls == [4]


def test_batches_in_order(shared_store: HookStore, clock: Clock) -> None:
    """A lane's events come in order, also when a batch of several lanes has to be taken apart."""
    shared_store.record(lanes(3, 30))
    seen = Seen(9)
    hook = batched(seen.many, size=5, ordering="asset")
    for _ in range(8):
        relay_of(shared_store, hook, concurrency=2).run()
        clock.advance(5)
        seen.failing.clear()
    assert dict(seen.lanes) == in_order(3, 30)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"batch_wait": 5},
        {"batch_wait": -1, "batch_size": 2},
        {"timeout": 0},
        {"timeout": "60"},
        {"ordering": "partition"},
        {"ordering": "asset", "delivery": "inline"},
        {"batch_size": 5, "failure_policy": "raise"},
        {"retry": 5},
        {"circuit": "open"},
    ],
    ids=str,
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    """With the hook's name, when it is declared."""
    with pytest.raises(RegistrationError, match="'slack'"):
        HookRegistration("slack", print, **options)
