"""What is remembered, and what happens when others write at the same time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from phlo_hooks.capabilities.openlineage.ledger import Ledger, Told, Whereabouts
from phlo_hooks.errors import StoreError
from phlo_hooks.memory import MemoryState

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
ORDERS = Whereabouts("raw.orders", "s3://lake/orders", "iceberg", ("source",))


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


def opened(ledger: Ledger):
    return ledger.open(run_id="r1", dagster_run="d1", assets=("orders",))


def test_nothing_is_known_at_first():
    page = opened(Ledger(MemoryState(clock=Clock()), Clock()))
    assert (Told(), Whereabouts(), None) == (page.told("r1"), page.place("orders"), page.run_tags("d1"))


def test_what_is_kept_is_there_again():
    ledger = Ledger(MemoryState(clock=Clock()), Clock())
    page = opened(ledger)
    page.tell("r1", Told(start="e1"))
    page.put("orders", ORDERS)
    page.tag_run("d1", {"tenant": "acme"})
    assert Told(start="e1") == page.told("r1")
    ledger.close(page)
    again = opened(ledger)
    assert (Told(start="e1"), ORDERS, {"tenant": "acme"}) == (
        again.told("r1"),
        again.place("orders"),
        again.run_tags("d1"),
    )


def test_what_is_as_before_is_not_written():
    """Most runs change nothing of where a table is."""
    ledger = Ledger(MemoryState(clock=Clock()), Clock())
    page = opened(ledger)
    page.put("orders", ORDERS)
    ledger.close(page)
    again = opened(ledger)
    again.put("orders", ORDERS)
    assert {} == again.news


def test_runs_are_forgotten_and_places_are_not():
    clock = Clock()
    ledger = Ledger(MemoryState(clock=clock), clock)
    page = opened(ledger)
    page.tell("r1", Told("e1", "e2"))
    page.put("orders", ORDERS)
    ledger.close(page)
    clock.now = NOON + timedelta(days=8)
    again = opened(ledger)
    assert (Told(), ORDERS) == (again.told("r1"), again.place("orders"))


def test_another_relay_writes_first():
    """Whoever comes last is right: it is the same table that both saw."""
    ledger = Ledger(MemoryState(clock=Clock()), Clock())
    mine, other = opened(ledger), opened(ledger)
    mine.put("orders", ORDERS)
    other.put("orders", Whereabouts("old.orders"))
    ledger.close(other)
    ledger.close(mine)
    assert ORDERS == opened(ledger).place("orders")


def test_a_store_that_never_lets_us():
    """Is an error, so that the event is tried again."""

    class Busy(MemoryState):
        def commit(self, changes, events=()):
            return False

    ledger = Ledger(Busy(), Clock())
    page = opened(ledger)
    page.put("orders", ORDERS)
    with pytest.raises(StoreError, match="dataset/orders"):
        ledger.close(page)


def test_long_keys():
    """A key of the store has at most 512 characters; two that begin alike are still two."""
    ledger, long = Ledger(MemoryState(clock=Clock()), Clock()), "x" * 600
    page = ledger.open(run_id=None, dagster_run=None, assets=(long,))
    page.put(long, ORDERS)
    ledger.close(page)
    again = ledger.open(run_id=None, dagster_run=None, assets=(long, long + "y"))
    assert (ORDERS, Whereabouts()) == (again.place(long), again.place(long + "y"))
