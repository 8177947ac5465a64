"""Events and their deliveries are recorded together, and each once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import Entry, HookStore, StateWrite, Target
from phlo_hooks.errors import ConfigurationError, StoreError
from phlo_hooks.events import ExternalEvent, HookEvent
from phlo_hooks_tests.delivery.helpers import HOOK, START, Clock, claim, make_entries, make_event


def test_an_event_and_its_deliveries_are_recorded(store: HookStore) -> None:
    """One row for the event, one for each target, with what a reader wants to know."""
    event = make_event()
    targets = (Target("a.one", scope="here"), Target("b.two", lane="raw/table_0"))

    assert frozenset({event.event_id}) == store.record([Entry(event, targets)])

    recorded = store.get_event(event.event_id)
    assert recorded is not None
    assert event == recorded.event
    assert (event.event_type, START, START, "run-1") == (
        recorded.event_type,
        recorded.timestamp,
        recorded.recorded_at,
        recorded.run_id,
    )
    found = [(d.hook, d.scope, d.lane, d.state, d.attempts) for d in store.deliveries()]
    assert found == [
        ("a.one", "here", None, DeliveryState.PENDING, 0),
        ("b.two", "", "raw/table_0", DeliveryState.PENDING, 0),
    ]


def test_a_second_sight_changes_nothing(store: HookStore) -> None:
    """The step hook and the sensor see one thing; it is delivered once, to those who first wanted it."""
    entries = make_entries(3)
    assert len(store.record(entries)) == 3

    again = [Entry(entry.event, (Target(HOOK), Target("late.hook"))) for entry in entries]

    assert frozenset() == store.record(again)
    assert len(store.deliveries()) == 3


def test_an_event_twice_in_one_call_is_one_event(store: HookStore) -> None:
    """A sensor may read one thing from two places in one tick."""
    event = make_event()
    entries = [Entry(event, (Target("first.hook"),)), Entry(event, (Target("second.hook"),))]
    assert len(store.record(entries)) == 1
    assert [delivery.hook for delivery in store.deliveries()] == ["first.hook"]


def test_a_target_twice_is_one_delivery(store: HookStore) -> None:
    """A hook that two filters name is called once."""
    store.record([Entry(make_event(), (Target(HOOK), Target(HOOK)))])
    assert len(store.deliveries()) == 1


def test_only_the_unknown_of_a_large_batch_are_new(store: HookStore) -> None:
    """More events than one statement takes, some of them known, and the order is kept."""
    store.record(make_entries(200, first=600))

    new = store.record(make_entries(1203))

    assert len(new) == 1003
    expected = [make_event(n).event_id for n in (*range(600, 800), *range(600), *range(800, 1203))]
    assert expected == [event.event_id for event in store.events(limit=5000)]
    assert store.pending_count() == 1203


def test_an_event_without_targets_is_recorded(store: HookStore) -> None:
    """It happened, whether anybody listens or not."""
    store.record([Entry(make_event())])
    assert (store.deliveries(), len(store.events())) == ([], 1)


def test_state_is_committed_with_the_events(store: HookStore) -> None:
    """A cursor that moved without its events would lose them."""
    store.record(make_entries(1), state=[StateWrite("sensor", "cursor", {"id": 7})])
    entry = store.get_state("sensor", "cursor")
    assert entry is not None
    assert entry.value == {"id": 7}


def test_state_that_cannot_be_kept_takes_the_events_back(store: HookStore) -> None:
    """All of it or none: the next tick reads the same events again."""
    with pytest.raises(StoreError, match="not JSON"):
        store.record(make_entries(1), state=[StateWrite("sensor", "cursor", object())])
    assert store.events() == []


def test_known_tells_which_ids_are_recorded(store: HookStore) -> None:
    """A sensor asks before it translates."""
    store.record(make_entries(2))
    ids = [make_event(number).event_id for number in range(4)]
    assert frozenset(ids[:2]) == store.known(ids)
    assert frozenset(ids[:2]) == store.known_for_run("run-1")
    assert frozenset() == store.known_for_run("run-2")


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(make_event(asset_key="x" * 5000), id="long asset key"),
        pytest.param(make_event(asset_key="raw/\0null"), id="NUL"),
        pytest.param(make_event(asset_key="raw/Ünïcode 🎣"), id="unicode"),
        pytest.param(make_event(run_id="r" * 400), id="long run id"),
        pytest.param(make_event(metadata={"text": "y" * 200_000}), id="large body"),
        pytest.param(
            ExternalEvent(event_id="e" * 900, event_type="billing." + "z" * 200), id="foreign event"
        ),
        pytest.param(ExternalEvent(event_id="a\0b", event_type="billing.paid"), id="foreign id with NUL"),
    ],
)
def test_no_content_makes_recording_fail(store: HookStore, event: HookEvent) -> None:
    """Index columns are cut; the event itself is not, and its ids still find it."""
    assert frozenset({event.event_id}) == store.record([Entry(event, (Target(HOOK),))])
    assert frozenset() == store.record([Entry(event, (Target(HOOK),))])
    assert frozenset({event.event_id}) == store.known([event.event_id])
    assert [event] == [each.event for each in claim(store)]
    if event.run_id:
        assert [event] == [record.event for record in store.events(run_id=event.run_id)]


def test_ids_that_begin_alike_are_not_one_event(store: HookStore) -> None:
    """A column that cut them would drop the second."""
    events = [ExternalEvent(event_id="e" * 900 + end, event_type="a.b") for end in "12"]
    assert len(store.record([Entry(event) for event in events])) == 2


def test_ids_that_differ_in_case_are_not_one_event(store: HookStore) -> None:
    """Which MySQL would have it, by default."""
    events = [ExternalEvent(event_id=event_id, event_type="a.b") for event_id in ("A", "a")]
    assert len(store.record([Entry(event) for event in events])) == 2


def test_a_leased_target_waits_for_its_process(store: HookStore, clock: Clock) -> None:
    """Whoever records calls an inline hook itself; a relay takes over when that process is gone."""
    until = clock() + timedelta(seconds=30)
    store.record([Entry(make_event(), (Target(HOOK, lease_owner="step", lease_until=until),))])

    assert claim(store) == []
    clock.advance(30)

    assert [each.attempts for each in claim(store)] == [2]


def test_a_target_that_cannot_be_kept_is_refused() -> None:
    """At construction, where the traceback names the culprit, and not while a run records."""
    with pytest.raises(ConfigurationError, match="255"):
        Target("h" * 256)
    with pytest.raises(ConfigurationError, match="lease"):
        Target(HOOK, lease_owner="me")


def test_nothing_to_record_is_nothing_to_do() -> None:
    """Not even a connection."""
    store = HookStore("postgresql://nobody@127.0.0.1:1/nowhere")
    assert frozenset() == store.record([])
    assert frozenset() == store.known([])
