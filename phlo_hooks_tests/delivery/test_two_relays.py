"""Two relays, each a process of its own, on one PostgreSQL: no event comes twice, and they come sooner."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks_tests.delivery.children import Children
from phlo_hooks_tests.delivery.helpers import HOOK, make_entries
from phlo_hooks_tests.receiver import Receiver

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

EVENTS = 2_000
# One round: so many by one relay, then as many by each of two.
SHARE = 200
DELAY = 0.005


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """It takes 5 ms over each event, of several at a time."""
    with Receiver(delay=DELAY) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def alone() -> Iterator[Children]:
    """One process."""
    with Children(1) as process:
        yield process


@pytest.fixture(scope="module")
def pair() -> Iterator[Children]:
    """Two processes."""
    with Children(2) as processes:
        yield processes


def rate(receiver: Receiver, relays: Children, url: str) -> float:
    """Events a second, from the first of this round to the last."""
    before = len(receiver.times)
    relays.all("relay", url, port=receiver.port, limit=SHARE)
    times = receiver.times[before:]
    return (len(times) - 1) / (times[-1] - times[0])


def test_no_delivery_is_made_twice(
    postgres_url: str,
    receiver: Receiver,
    alone: Children,
    pair: Children,
    record_property: Callable[[str, object], None],
) -> None:
    """Each of two thousand comes once; and two relays deliver more than one."""
    store = HookStore(postgres_url)
    entries = make_entries(EVENTS)
    store.record(entries)
    # In turns, so that a busy machine is busy for both.
    rates = [(rate(receiver, alone, postgres_url), rate(receiver, pair, postgres_url)) for _ in range(3)]
    pair.all("relay", postgres_url, port=receiver.port, limit=EVENTS)

    one, two = (max(each) for each in zip(*rates, strict=True))
    record_property("events a second, one relay", round(one))
    record_property("events a second, two relays", round(two))
    print({"one relay": round(one), "two relays": round(two), "ratio": round(two / one, 2)})  # noqa: T201
    assert set(receiver.counts) == {entry.event.event_id for entry in entries}
    assert receiver.repeated == 0
    assert store.counts() == {(HOOK, DeliveryState.DELIVERED): EVENTS}
    # 1.96 on two cores with nothing else to do.
    assert two / one > 1.2
