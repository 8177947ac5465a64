"""What the store can tell about events and deliveries."""

from __future__ import annotations

from datetime import timedelta

from phlo_hooks.delivery.store import DeliveryState, Entry, HookStore, Settlement, Target
from phlo_hooks_tests.delivery.helpers import (
    HOOK,
    START,
    Clock,
    claim,
    deliver,
    make_entries,
    make_event,
)


def test_events_come_in_pages(store: HookStore) -> None:
    """Each page after the last event of the one before."""
    store.record(make_entries(5))
    first = store.events(limit=3)
    second = store.events(after_id=first[-1].id, limit=3)
    assert [make_event(n) for n in range(5)] == [record.event for record in (*first, *second)]
    assert store.events(after_id=second[-1].id) == []


def test_events_are_found_by_run_and_type(store: HookStore) -> None:
    """Either, or both."""
    start = make_event(2, run_id="run-2").model_copy(update={"event_type": "ingestion.start"})
    store.record([Entry(make_event(1)), Entry(make_event(1, run_id="run-2")), Entry(start)])
    assert len(store.events(run_id="run-2")) == 2
    assert len(store.events(event_type="ingestion.end")) == 2
    assert len(store.events(run_id="run-2", event_type="ingestion.end")) == 1
    assert None is store.get_event("never seen")


def test_deliveries_are_found_by_event_and_run(store: HookStore) -> None:
    """Where one thing went, and where all of a run went."""
    store.record(make_entries(2, "a.hook", "b.hook"))
    store.record([Entry(make_event(9, run_id="run-2"), (Target(HOOK),))])
    one = store.deliveries(event_id=make_event(1).event_id)
    assert [(make_event(1).event_id, hook) for hook in ("a.hook", "b.hook")] == [
        (delivery.event_id, delivery.hook) for delivery in one
    ]
    assert [
        len(store.deliveries(run_id="run-1")),
        len(store.deliveries(run_id="run-2")),
        len(store.deliveries()),
    ] == [4, 1, 5]


def test_what_is_open_is_counted(store: HookStore, clock: Clock) -> None:
    """By hook and scope; and by what a relay could take by now."""
    store.record(make_entries(3))
    store.record([Entry(make_event(7), (Target("b.hook", scope="s"),))])
    first, second = claim(store, limit=2)
    deliver(store, first)
    store.settle([Settlement.retrying(second.delivery_id, "500", after=60)], owner="me")
    assert store.pending_count() == 3
    assert store.pending_count(hooks=[HOOK]) == 2
    assert store.pending_count(scopes=["s"]) == 1
    assert store.pending_count(hooks=[]) == 0
    assert store.pending_count(hooks=[HOOK], due_at=clock()) == 1
    assert store.pending_count(hooks=[HOOK], due_at=clock() + timedelta(minutes=1)) == 2


def test_the_oldest_open_delivery_tells_how_far_behind_we_are(store: HookStore, clock: Clock) -> None:
    """None when nothing waits; settled ones do not count."""
    assert None is store.oldest_pending()
    store.record(make_entries(1))
    clock.advance(60)
    store.record(make_entries(1, first=1))
    assert store.oldest_pending() == START
    deliver(store, *claim(store, limit=1))
    assert START + timedelta(minutes=1) == store.oldest_pending(hooks=[HOOK], scopes=[""])
    assert None is store.oldest_pending(hooks=["b.hook"])


def test_deliveries_are_counted_by_hook_and_state(store: HookStore) -> None:
    """The first thing to look at when something is wrong."""
    store.record(make_entries(3))
    deliver(store, *claim(store, limit=2))
    expected = {(HOOK, DeliveryState.DELIVERED): 2, (HOOK, DeliveryState.PENDING): 1}
    assert expected == store.counts()
