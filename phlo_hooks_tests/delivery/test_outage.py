"""A receiver that is down for a day, with ten thousand events waiting: all come, in order, none is given up."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from phlo_hooks.circuit import CircuitBreaker
from phlo_hooks.delivery.records import DeliveryRecord, DeliveryState, Entry, Target
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import HookEvent
from phlo_hooks.registration import RegisteredHook
from phlo_hooks.retry import RetryPolicy, seconds
from phlo_hooks_tests.delivery.helpers import START, Clock, FakeHook, make_event

DAY = 86_400.0
EVENTS = 10_000
# Seven refusals each: ten thousand would take a minute.
TRIED_EACH_TIME = 1_500
LANES = 50


@dataclass
class Receiver:
    """Down for a day; notes the events that it took, by asset."""

    clock: Clock
    lanes: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0

    def __call__(self, event: HookEvent) -> None:
        """Take an event, once the day is over."""
        if self.clock.now < START + timedelta(seconds=DAY):
            self.refused += 1
            raise ConnectionError("refused")
        number = int(str(event.correlation.step_key).removeprefix("step_"))
        self.lanes[str(event.correlation.asset_key)].append(number)

    @property
    def taken(self) -> list[int]:
        """The numbers of all events, as often as they came."""
        return sorted(number for lane in self.lanes.values() for number in lane)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Tens of thousands of refusals would be kept for a report that nobody reads."""
    logger = logging.getLogger("phlo_hooks.relay")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.fixture
def memory(clock: Clock) -> Iterator[HookStore]:
    """The cheapest store."""
    store = HookStore.in_memory(clock=clock)
    yield store
    store.close()


def asset_of(number: int) -> str:
    return f"asset_{number % LANES}"


def record(store: HookStore, hook: RegisteredHook, count: int) -> None:
    """So many events, in turn of so many assets."""
    entries = []
    for number in range(count):
        event = make_event(number, asset_key=asset_of(number))
        entries.append(Entry(event, (Target(hook.qualified_name, lane=hook.lane(event)),)))
    store.record(entries)


def relay_of(store: HookStore, hook: RegisteredHook) -> Relay:
    """As a tick makes one."""
    return Relay(store, {hook.qualified_name: hook}, scopes=[""])


def pass_time(store: HookStore, clock: Clock, hook: RegisteredHook, step: float) -> None:
    """A tick whenever something is due, but no two within `step` seconds; until nothing waits any more."""
    while store.pending_count():
        relay_of(store, hook).run(budget=600)
        clock.advance(step)


def pass_schedule(store: HookStore, clock: Clock, hook: RegisteredHook) -> None:
    """A tick at each moment of the schedule."""
    for wait in (0, *hook.registration.retry.schedule):
        clock.advance(seconds(wait))
        relay_of(store, hook).run(budget=600)


def check(store: HookStore, receiver: Receiver, count: int) -> list[DeliveryRecord]:
    """That each event was delivered once, and each asset's in order; the deliveries."""
    made = [each for each in store.deliveries() if each.event_type == "ingestion.end"]
    assert Counter(each.state for each in made) == {DeliveryState.DELIVERED: count}
    assert receiver.taken == list(range(count))
    return made


def in_order(count: int) -> dict[str, list[int]]:
    """What each lane must get."""
    return {asset_of(lane): list(range(lane, count, LANES)) for lane in range(LANES)}


# The default schedule bridges a day: seven attempts within it, the eighth after it.
STEADY = RetryPolicy(jitter="none")
IN_A_DAY = 7


def test_without_a_circuit_breaker(memory: HookStore, clock: Clock) -> None:
    """Each event is tried as often as the schedule says, and no more; the last time it is taken."""
    receiver = Receiver(clock)
    hook = FakeHook(receiver, retry=STEADY)
    record(memory, hook, TRIED_EACH_TIME)
    pass_schedule(memory, clock, hook)
    made = check(memory, receiver, TRIED_EACH_TIME)
    assert {each.attempts for each in made} == {IN_A_DAY + 1}
    assert receiver.refused == IN_A_DAY * TRIED_EACH_TIME


def test_in_order_without_a_circuit_breaker(memory: HookStore, clock: Clock) -> None:
    """The first of each asset is tried by the schedule; the others wait behind it, and are not tried."""
    receiver = Receiver(clock)
    hook = FakeHook(receiver, retry=STEADY, ordering="asset")
    record(memory, hook, EVENTS)
    pass_schedule(memory, clock, hook)
    made = check(memory, receiver, EVENTS)
    assert dict(receiver.lanes) == in_order(EVENTS)
    assert [each.attempts for each in made] == [IN_A_DAY + 1] * LANES + [1] * (EVENTS - LANES)


@pytest.mark.parametrize("ordering", [None, "asset"], ids=["in any order", "in order"])
def test_with_a_circuit_breaker(memory: HookStore, clock: Clock, ordering: str | None) -> None:
    """As a hook is by default: a probe every ten minutes or so, and all comes once one gets through."""
    receiver = Receiver(clock)
    hook = FakeHook(receiver, retry=RetryPolicy(), circuit=CircuitBreaker(), ordering=ordering)
    record(memory, hook, EVENTS)
    pass_time(memory, clock, hook, step=300)
    check(memory, receiver, EVENTS)
    if ordering:
        assert dict(receiver.lanes) == in_order(EVENTS)
    # Five until it opens, then a probe after 30 s, a minute, … and every ten minutes.
    assert receiver.refused < 200
