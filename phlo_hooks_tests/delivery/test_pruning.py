"""What is old and done is forgotten; what is open, dead or young is not, whatever happens meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from phlo_hooks.delivery.mending import PastEvent
from phlo_hooks.delivery.pruning import Pruned
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import Entry, HookStore, Settlement
from phlo_hooks.errors import ConfigurationError, PhloHooksError
from phlo_hooks_tests.delivery.helpers import (
    HOOK,
    Clock,
    claim,
    deliver,
    make_entries,
    make_event,
    states,
)

ALL = Selection()
DAY = timedelta(days=1)


def test_old_and_done(store: HookStore, clock: Clock) -> None:
    """Delivered and discarded deliveries go, and then their events, in batches; events without any, too."""
    store.record(make_entries(5))
    store.record([Entry(make_event(9))])
    deliver(store, *claim(store, limit=3))
    store.discard(ALL, "no use")
    clock.advance(60)
    assert store.prune(clock(), batch=2) == Pruned(deliveries=5, events=6, complete=True)
    assert (store.events(), store.deliveries()) == ([], [])
    assert store.prune(clock()) == Pruned(0, 0, True)


def test_what_is_not_done_stays(store: HookStore, clock: Clock) -> None:
    """Dead, open and in flight, with their events, however old."""
    store.record(make_entries(4))
    delivered, dead, retrying = claim(store, limit=3)
    store.settle(
        [
            Settlement.delivered(delivered.delivery_id),
            Settlement.dead(dead.delivery_id, "410"),
            Settlement.retrying(retrying.delivery_id, "503", after=60),
        ],
        owner="me",
    )
    clock.advance(365 * 86_400)
    claim(store, limit=1)
    assert store.prune(clock(), batch=1) == Pruned(1, 1, True)
    assert sorted(states(store)) == ["dead", "pending", "retrying"]
    assert len(store.events()) == 3


def test_what_is_young_stays(store: HookStore, clock: Clock) -> None:
    """A delivery goes by when it was made, an event by when it was recorded."""
    store.record(make_entries(2))
    (old,) = claim(store, limit=1)
    deliver(store, old)
    clock.advance(86_400)
    deliver(store, *claim(store))
    store.record(make_entries(1, first=7))
    store.record([Entry(make_event(9))])
    assert store.prune(clock()) == Pruned(1, 1, True)
    assert [make_event(n).event_id for n in (1, 7, 9)] == [record.event_id for record in store.events()]


def test_an_event_waits_for_its_last_delivery(store: HookStore, clock: Clock) -> None:
    """One hook has it, another has not: the event stays."""
    store.record(make_entries(1, HOOK, "other.hook"))
    deliver(store, *claim(store))
    clock.advance(60)
    assert store.prune(clock()) == Pruned(1, 0, True)
    assert [each.hook for each in store.deliveries()] == ["other.hook"]


def test_the_time_is_up(store: HookStore, clock: Clock) -> None:
    """It stops and says so; the next call goes on."""
    store.record(make_entries(3))
    deliver(store, *claim(store))
    clock.advance(60)
    assert store.prune(clock(), budget=0) == Pruned(0, 0, complete=False)
    assert store.prune(clock()) == Pruned(3, 3, complete=True)


def between(store: HookStore, monkeypatch: pytest.MonkeyPatch, page: str, act: Callable[[], object]) -> None:
    """Do something after a page of ids was chosen and before they are deleted."""
    chosen = getattr(store, page)

    def interrupted(*arguments: object) -> object:
        for ids in chosen(*arguments):
            act()
            yield ids

    monkeypatch.setattr(store, page, interrupted)


def test_a_replay_between_choice_and_deletion(
    store: HookStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Re-opened in between, a delivery survives, and so does its event."""
    store.record(make_entries(2))
    deliver(store, *claim(store))
    clock.advance(60)
    one = Selection(ids=[make_event(0).event_id])
    between(store, monkeypatch, "_old_deliveries", lambda: store.replay(one))
    assert store.prune(clock()) == Pruned(1, 1, True)
    assert [(make_event(0).event_id, 1)] == [(each.event_id, each.replays) for each in store.deliveries()]
    assert len(claim(store)) == 1


def test_history_between_choice_and_deletion(
    store: HookStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that gets a delivery in between survives."""
    store.record([Entry(make_event(0)), Entry(make_event(1))])
    clock.advance(60)
    between(store, monkeypatch, "_old_events", lambda: store.give_history("new.hook", [PastEvent(1)]))
    assert store.prune(clock()) == Pruned(0, 1, True)
    assert [(make_event(0).event_id, "new.hook")] == [
        (each.event_id, each.hook) for each in store.deliveries()
    ]


def test_prunes_replays_and_history_at_once(shared_store: HookStore, clock: Clock) -> None:
    """No delivery without its event, and nothing fails, whoever comes first."""
    shared_store.record(make_entries(300))
    deliver(shared_store, *claim(shared_store, limit=300))
    clock.advance(60)
    rows = [PastEvent(record.id) for record in shared_store.events()]
    replayed = Selection(asset_key="raw/table_1*")
    work: list[Callable[[], object]] = [
        lambda: shared_store.prune(clock(), batch=7),
        lambda: shared_store.replay(replayed),
        lambda: shared_store.give_history("new.hook", reversed(rows)),
        lambda: shared_store.prune(clock(), batch=11),
    ]
    failures: list[PhloHooksError] = []

    def run(each: Callable[[], object]) -> None:
        try:
            each()
        except PhloHooksError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    # The inner join of the deliveries with their events loses none.
    known = {record.event_id for record in shared_store.events()}
    assert {each.event_id for each in shared_store.deliveries()} <= known
    counted = sum(shared_store.counts().values())
    assert counted == len(shared_store.deliveries())


@pytest.mark.parametrize(
    ("older_than", "batch"),
    [
        pytest.param(datetime(2026, 1, 1), 500, id="naive"),  # noqa: DTZ001
        pytest.param(datetime(2026, 1, 1).astimezone(), 0, id="no batch"),
    ],
)
def test_what_cannot_be_pruned(older_than: datetime, batch: int) -> None:
    """Is refused before anything is deleted."""
    with pytest.raises(ConfigurationError, match="use an aware time and a batch from 1 up"):
        HookStore.in_memory().prune(older_than, batch=batch)
