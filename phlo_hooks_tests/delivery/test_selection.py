"""Which events and deliveries a selection means, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from phlo_hooks.delivery.browsing import every_delivery, every_event
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import DeliveryState, Entry, HookStore, Settlement, Target
from phlo_hooks.errors import ConfigurationError
from phlo_hooks_tests.delivery.helpers import HOOK, START, claim, deliver, make_entries, make_event

HOUR = timedelta(hours=1)


@pytest.fixture
def filled(store: HookStore) -> HookStore:
    """Four events; the first is delivered to HOOK and waits for another hook."""
    early = make_event(0)
    late = make_event(1, timestamp=START + HOUR)
    other = make_event(2, run_id="run-2", asset_key="marts/R%v_n!e")
    started = make_event(3).model_copy(update={"event_type": "ingestion.start", "event_id": "start-3"})
    store.record([Entry(early, (Target(HOOK), Target("other.Hook", scope="loc")))])
    store.record([Entry(each, (Target(HOOK),)) for each in (late, other)])
    store.record([Entry(started)])
    deliver(store, *claim(store, limit=1))
    return store


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(Selection(), [0, 1, 2, 3], id="everything"),
        pytest.param(Selection(ids=[make_event(1).event_id, "unknown"]), [1], id="ids"),
        pytest.param(Selection(ids=[]), [], id="no ids"),
        pytest.param(Selection(event_type="ingestion.start"), [3], id="type"),
        pytest.param(Selection(event_type="*.end"), [0, 1, 2], id="type pattern"),
        pytest.param(Selection(event_type="INGESTION.*"), [], id="case of a pattern"),
        pytest.param(Selection(asset_key="raw/table_?"), [0, 1, 3], id="asset pattern"),
        pytest.param(Selection(asset_key="marts/R%v_n!e"), [2], id="asset"),
        pytest.param(Selection(asset_key="*%v_n!?"), [2], id="what is special in LIKE"),
        pytest.param(Selection(asset_key="raw/tabl_*"), [], id="an underscore is one"),
        pytest.param(Selection(asset_key="[rm]*"), [], id="brackets are brackets"),
        pytest.param(Selection(run_id="run-2"), [2], id="run"),
        pytest.param(Selection(since=START + HOUR), [1], id="since"),
        pytest.param(Selection(until=START + HOUR), [0, 2, 3], id="until"),
        pytest.param(Selection(hook="other.Hook"), [0], id="hook"),
        pytest.param(Selection(hook="other.*"), [0], id="hook pattern"),
        pytest.param(Selection(hook="other.h*"), [], id="case of a hook"),
        pytest.param(Selection(scope="loc"), [0], id="scope"),
        pytest.param(Selection(states=[DeliveryState.DELIVERED]), [0], id="state"),
        pytest.param(Selection(states=[DeliveryState.PENDING], hook=HOOK), [1, 2], id="state and hook"),
        pytest.param(Selection(states=[]), [], id="no states"),
        pytest.param(Selection(states=[DeliveryState.DEAD]), [], id="dead"),
    ],
)
def test_events_are_selected(filled: HookStore, selection: Selection, expected: list[int]) -> None:
    """By every criterion; the count agrees with the list."""
    found = filled.select_events(selection)
    assert expected == [record.id - 1 for record in found]
    assert len(expected) == filled.count_events(selection)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(Selection(), 4, id="everything"),
        pytest.param(Selection(hook=HOOK), 3, id="hook"),
        pytest.param(Selection(asset_key="raw/*"), 3, id="asset of its event"),
        pytest.param(Selection(run_id="run-2", hook="plugin.*"), 1, id="run and hook"),
        pytest.param(Selection(states=[DeliveryState.PENDING, DeliveryState.DELIVERED]), 4, id="two states"),
        pytest.param(Selection(states=[DeliveryState.PENDING]), 3, id="open"),
    ],
)
def test_deliveries_are_selected(filled: HookStore, selection: Selection, expected: int) -> None:
    """By criteria of their own and of their events."""
    assert len(filled.select_deliveries(selection)) == filled.count_deliveries(selection) == expected


def test_pages(store: HookStore) -> None:
    """Each after the one before; the newest page is in the same order."""
    store.record(make_entries(7))
    first = store.select_events(Selection(), limit=3)
    second = store.select_events(Selection(), after_id=first[-1].id, limit=3)
    assert [1, 2, 3, 4, 5, 6] == [record.id for record in (*first, *second)]
    assert [6, 7] == [record.id for record in store.select_events(Selection(), limit=2, newest=True)]
    newest = store.select_deliveries(Selection(hook=HOOK), limit=2, newest=True)
    assert [6, 7] == [record.delivery_id for record in newest]
    assert list(range(1, 8)) == [record.id for record in every_event(store, Selection(), page=3)]
    everything = every_delivery(store, Selection(), page=3)
    assert list(range(1, 8)) == [record.delivery_id for record in everything]


def test_no_errors_yet(store: HookStore) -> None:
    """A delivery that never failed, and one that was never made."""
    store.record(make_entries(1))
    assert store.attempt_errors(1) == store.attempt_errors(99) == []


def test_the_last_error_is_told(store: HookStore) -> None:
    """With its delivery."""
    store.record(make_entries(1))
    (one,) = claim(store)
    store.settle([Settlement.dead(one.delivery_id, "410 Gone")], owner="me")
    (found,) = store.select_deliveries(Selection(states=[DeliveryState.DEAD]))
    assert found.last_error == "410 Gone"


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        pytest.param({"ids": "one"}, "ids='one' is one text: give a list, ['one']", id="one id"),
        pytest.param({"since": datetime(2026, 1, 1)}, "has no time zone", id="naive since"),  # noqa: DTZ001
        pytest.param({"until": datetime(2026, 1, 1)}, "has no time zone", id="naive until"),  # noqa: DTZ001
    ],
)
def test_what_nobody_can_mean(criteria: dict[str, object], message: str) -> None:
    """Is refused where it is written."""
    with pytest.raises(ConfigurationError) as caught:
        Selection(**criteria)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_one_pattern_after_another(filled: HookStore) -> None:
    """SQLAlchemy keeps the statement of the first; the pattern is not part of it."""
    patterns = ("raw/table_0*", "raw/table_1*", "marts/*", "nothing*", "*")
    assert [1, 1, 1, 0, 4] == [filled.count_events(Selection(asset_key=each)) for each in patterns]
