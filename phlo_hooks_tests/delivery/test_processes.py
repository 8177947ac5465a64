"""Several real processes on one database, at the same moment."""

from __future__ import annotations

from phlo_hooks.delivery.store import HookStore
from phlo_hooks_tests.delivery.children import Children
from phlo_hooks_tests.delivery.helpers import HOOK, make_entries


def test_all_of_them_create_the_tables(children: Children, shared_url: str) -> None:
    """One of them does, the others wait for it; a deployment starts all at once."""
    assert children.all("open", shared_url) == [0, 0, 0]


def test_each_event_is_recorded_by_one_of_them(children: Children, shared_url: str) -> None:
    """The same events, in opposite orders, in batches that overlap: nobody loses, nothing doubles."""
    new = children.all("record", shared_url, count=300, size=30)
    store = HookStore(shared_url)
    assert sum(new) == 300
    assert (len(store.events()), len(store.deliveries())) == (300, 300)


def test_each_delivery_is_claimed_by_one_of_them(children: Children, shared_url: str) -> None:
    """Some are settled, the others stay leased: neither kind is given out twice."""
    store = HookStore(shared_url)
    store.record(make_entries(300))
    claimed = [row for rows in children.all("claim", shared_url) for row in rows]
    assert [delivery.delivery_id for delivery in store.deliveries()] == sorted(claimed)
    assert store.pending_count(hooks=[HOOK], due_at=store.clock()) == 0


def test_none_of_them_overwrites_another(children: Children, shared_url: str) -> None:
    """Three count to a hundred together, each reading what the others wrote."""
    children.all("compare_and_set", shared_url, times=33)
    counter = HookStore(shared_url).get_state("test", "counter")
    assert counter is not None
    assert (counter.value, counter.version) == (99, 99)
