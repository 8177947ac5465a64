"""Try again, discard, replay, give history: on every database, in small transactions, never what is in flight."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phlo_hooks.delivery import mending
from phlo_hooks.delivery.mending import PastEvent
from phlo_hooks.delivery.records import Want
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import DeliveryState, Entry, HookStore, Settlement, Target
from phlo_hooks.errors import StoreUnavailableError
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


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few rows take several transactions."""
    monkeypatch.setattr(mending, "BATCH", 2)


def die(store: HookStore, count: int, error: str = "410 Gone") -> None:
    """So many deliveries are given up."""
    for each in claim(store, limit=count):
        store.settle([Settlement.dead(each.delivery_id, error)], owner="me")


def test_dead_letters_are_tried_again(store: HookStore, clock: Clock) -> None:
    """From the first attempt, with a schedule of their own, and what they failed of is kept."""
    store.record(make_entries(5))
    die(store, 5)
    clock.advance(3600)
    assert store.retry(ALL) == 5
    assert store.retry(ALL) == 0
    first = store.deliveries()[0]
    assert (first.state, first.attempts, first.settled_at) == (DeliveryState.PENDING, 0, None)
    assert (first.last_error, first.created_at, first.next_attempt_at) == ("410 Gone", clock(), clock())
    assert [1] * 5 == [each.attempts for each in claim(store)]


def test_what_waits_is_tried_now(store: HookStore, clock: Clock) -> None:
    """Its attempts go on counting; what is due anyway is not counted as changed."""
    store.record(make_entries(2))
    (one,) = claim(store, limit=1)
    store.settle([Settlement.retrying(one.delivery_id, "503", after=600)], owner="me")
    assert store.retry(ALL) == 1
    assert sorted([1, 2]) == sorted(each.attempts for each in claim(store))


def test_what_is_being_delivered_is_left_alone(store: HookStore, clock: Clock) -> None:
    """Neither tried again nor discarded while the lease lasts; after that, its process is taken for dead."""
    store.record(make_entries(2))
    claim(store, limit=1)
    assert store.retry(ALL) == 0
    assert store.discard(ALL, "old") == 1
    assert states(store) == ["pending", "suppressed"]
    clock.advance(61)
    assert store.discard(ALL, "old") == 1
    assert states(store) == ["suppressed", "suppressed"]


def test_a_selection_is_kept_to(store: HookStore) -> None:
    """Only what is meant changes."""
    store.record(make_entries(3))
    die(store, 3)
    store.record([Entry(make_event(7), (Target("other.hook"),))])
    assert store.retry(Selection(ids=[make_event(1).event_id])) == 1
    assert store.discard(Selection(hook="plugin.*", states=[DeliveryState.DEAD]), "no use") == 2
    assert states(store) == ["suppressed", "pending", "suppressed", "pending"]


def test_the_reason_of_a_discard_is_kept(store: HookStore, clock: Clock) -> None:
    """For who asks later why nothing came; and the time, which pruning goes by."""
    store.record(make_entries(5))
    die(store, 3)
    assert store.discard(ALL, "sent by hand") == 5
    assert {("discarded: sent by hand", clock())} == {
        (each.last_error, each.settled_at) for each in store.deliveries()
    }
    assert claim(store) == []


def test_a_replay_keeps_the_event_id(store: HookStore, clock: Clock) -> None:
    """The same event under the same id, marked as replayed; what is open is left alone."""
    store.record(make_entries(5))
    deliver(store, *claim(store, limit=4))
    clock.advance(60)
    assert store.replay(ALL) == 4
    claims = claim(store)
    assert [make_event(n).event_id for n in range(5)] == sorted(
        (each.event.event_id for each in claims), key=[make_event(n).event_id for n in range(5)].index
    )
    replays = {each.event.event_id: (each.replays, each.attempts) for each in claims}
    assert replays == {make_event(n).event_id: (int(n < 4), 1) for n in range(5)}


def test_every_kind_of_settled_delivery_is_replayed(store: HookStore, clock: Clock) -> None:
    """Delivered, dead and discarded ones, each as often as it is asked for."""
    store.record(make_entries(3))
    deliver(store, *claim(store, limit=1))
    die(store, 1)
    store.discard(Selection(ids=[make_event(2).event_id]), "no use")
    for times in (1, 2):
        clock.advance(60)
        assert store.replay(ALL) == 3
        claims = claim(store)
        assert [times] * 3 == [each.replays for each in claims]
        deliver(store, *claims)


def test_a_replay_that_was_killed_is_finished(
    store: HookStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the time at which it began, what it has delivered meanwhile is not replayed once more."""
    store.record(make_entries(5))
    deliver(store, *claim(store))
    clock.advance(60)
    began = clock()
    pages = HookStore._pages

    def killed(self: HookStore, *arguments: object) -> Iterator[object]:
        yield next(pages(self, *arguments))  # type: ignore[arg-type]
        raise StoreUnavailableError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(HookStore, "_pages", killed)
        with pytest.raises(StoreUnavailableError):
            store.replay(ALL)
    assert states(store).count("pending") == 2
    clock.advance(1)
    deliver(store, *claim(store))
    assert store.replay(ALL, settled_before=began) == 3
    assert [1] * 5 == [each.replays for each in store.deliveries()]


def test_a_delivery_that_was_settled_meanwhile(store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chosen as dead, and tried again by somebody else before its turn: it is not discarded."""
    store.record(make_entries(1))
    die(store, 1)
    pages = HookStore._pages

    def overtaken(self: HookStore, *arguments: object) -> Iterator[object]:
        for page in pages(self, *arguments):  # type: ignore[arg-type]
            with monkeypatch.context() as patch:
                patch.setattr(HookStore, "_pages", pages)
                self.retry(ALL)
                claim(self)
            yield page

    monkeypatch.setattr(HookStore, "_pages", overtaken)
    assert store.discard(ALL, "old") == 0
    assert states(store) == ["pending"]


def test_history_is_given_to_a_new_hook(store: HookStore, clock: Clock) -> None:
    """Once, marked, in its lane; what it has already is left alone, and events that are gone too."""
    store.record(make_entries(5))
    store.record([Entry(make_event(9), (Target("new.hook"),))])
    past = [PastEvent(record.id, "lane-1") for record in store.events()] + [PastEvent(4711)]
    clock.advance(60)
    assert store.give_history("new.hook", past, scope="loc") == 5
    assert store.give_history("new.hook", past, scope="loc") == 0
    given = [each for each in store.deliveries() if each.hook == "new.hook" and each.scope == "loc"]
    assert [make_event(n).event_id for n in range(5)] == [each.event_id for each in given]
    assert {(1, "lane-1", clock(), DeliveryState.PENDING)} == {
        (each.replays, each.lane, each.created_at, each.state) for each in given
    }
    claims = store.claim([Want("new.hook", limit=10, lease=60)], scopes=["loc", ""], owner="me")
    assert len(claims) == 6


def test_history_for_another_location(store: HookStore) -> None:
    """A hook of the same name elsewhere is another one."""
    store.record([Entry(make_event(0), (Target(HOOK, scope="a"),))])
    assert store.give_history(HOOK, [PastEvent(1)], scope="a") == 0
    assert store.give_history(HOOK, [PastEvent(1)], scope="b") == 1


def test_history_is_given_again(store: HookStore, clock: Clock) -> None:
    """In the order of the events, whether the hook had them or not; what is open keeps its place."""
    store.record(make_entries(3))
    deliver(store, *claim(store, limit=2))
    store.record([Entry(make_event(number)) for number in (3, 4)])
    past = [PastEvent(record.id, "lane-1") for record in store.events()]
    clock.advance(60)
    began = clock()
    assert store.give_history(HOOK, past, settled_before=began) == 4
    assert store.give_history(HOOK, past, settled_before=began) == 0
    assert [make_event(number).event_id for number in (2, 0, 1, 3, 4)] == [
        each.event_id for each in store.deliveries()
    ]
    assert states(store) == ["pending"] * 5


def test_what_was_settled_later_is_not_given_again(store: HookStore, clock: Clock) -> None:
    """So the same call goes on where one was killed."""
    store.record(make_entries(1))
    began = clock()
    clock.advance(60)
    deliver(store, *claim(store))
    assert store.give_history(HOOK, [PastEvent(1)], settled_before=began) == 0
    assert states(store) == ["delivered"]
