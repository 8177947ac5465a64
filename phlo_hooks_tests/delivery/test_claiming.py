"""Each delivery is in one hand at a time, and comes back when that hand is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Select, text

from phlo_hooks.delivery import statements
from phlo_hooks.delivery.records import Want
from phlo_hooks.delivery.store import DeliveryState, Entry, HookStore, Settlement, Target
from phlo_hooks_tests.delivery.helpers import (
    HOOK,
    START,
    Clock,
    claim,
    deliver,
    make_entries,
    make_event,
    states,
)


def test_a_claim_has_all_that_a_call_needs(store: HookStore) -> None:
    """The event itself, and until when it is ours."""
    store.record(make_entries(1))
    found = claim(store, owner="me", lease=60)[0]
    assert (make_event(), HOOK, 1, "me") == (found.event, found.hook, found.attempts, found.owner)
    assert (START, START + timedelta(minutes=1)) == (found.created_at, found.lease_until)


def test_the_oldest_come_first_and_only_once(store: HookStore) -> None:
    """Two relays take turns and never share."""
    store.record(make_entries(5))
    first, second = claim(store, owner="a", limit=3), claim(store, owner="b", limit=3)
    assert [make_event(n) for n in range(5)] == [each.event for each in (*first, *second)]
    assert claim(store, owner="c") == []


def test_a_hook_that_is_not_here_is_left_alone(store: HookStore) -> None:
    """Another code location has it."""
    store.record([Entry(make_event(), (Target("other.hook"), Target(HOOK, scope="elsewhere")))])
    assert claim(store) == []
    assert [each.hook for each in claim(store, scopes=["", "elsewhere", "elsewhere"])] == [HOOK]


def test_a_backlog_of_one_hook_does_not_keep_another_waiting(store: HookStore) -> None:
    """The limit counts for each hook."""
    store.record(make_entries(20, "busy.hook"))
    store.record(make_entries(1, "quiet.hook", first=100))
    hooks = ["busy.hook", "quiet.hook"]
    found = store.claim([Want(hook, 2, 60) for hook in hooks], scopes=[""], owner="me")
    assert [each.hook for each in found] == ["busy.hook", "busy.hook", "quiet.hook"]


def test_a_lease_that_ends_gives_the_delivery_back(store: HookStore, clock: Clock) -> None:
    """The process that claimed it was killed between the call and its outcome."""
    store.record(make_entries(1))
    claim(store, owner="killed")
    clock.advance(59)
    assert claim(store) == []
    clock.advance(1)
    assert [each.attempts for each in claim(store)] == [2]


def test_what_was_abandoned_is_claimed_alone(store: HookStore, clock: Clock) -> None:
    """One of them may kill its process: the others must not count as tried with it each time."""
    store.record(make_entries(4))
    assert len(claim(store, owner="killed", limit=3)) == 3
    clock.advance(60)

    fresh, *suspects = (claim(store, owner=f"relay-{n}") for n in range(4))

    assert [make_event(3)] == [each.event for each in fresh]
    assert [[make_event(n)] for n in range(3)] == [[each.event for each in s] for s in suspects]


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.SUPPRESSED])
def test_a_settled_delivery_is_never_claimed_again(
    store: HookStore, clock: Clock, state: DeliveryState
) -> None:
    """However much later, and whatever is reported about it after that."""
    store.record(make_entries(1))
    found = claim(store)[0]
    store.settle([Settlement(found.delivery_id, state, "reason")], owner="me")
    clock.advance(10_000_000)
    late = Settlement.retrying(found.delivery_id, "late", after=0)
    store.settle([late, Settlement.delivered(found.delivery_id)], owner="me")
    assert (claim(store), states(store)) == ([], [state.value])
    settled = store.deliveries()[0]
    assert (settled.settled_at, settled.next_attempt_at, settled.lease_owner) == (START, None, None)


def test_a_retry_waits_for_its_time(store: HookStore, clock: Clock) -> None:
    """And then counts on."""
    store.record(make_entries(1))
    found = claim(store)[0]
    store.settle([Settlement.retrying(found.delivery_id, "503", after=30)], owner="me")
    clock.advance(29.9)
    assert claim(store) == []
    clock.advance(0.1)
    assert [each.attempts for each in claim(store)] == [2]
    delivery = store.deliveries()[0]
    assert (delivery.last_error, delivery.settled_at) == ("503", None)


def test_a_retry_that_was_no_attempt_does_not_count(store: HookStore) -> None:
    """The receiver said "later"; that must not use up the attempts."""
    store.record(make_entries(1))
    found = claim(store)[0]
    later = Settlement.retrying(found.delivery_id, "429", after=0, counted=False)
    store.settle([later], owner="me")
    assert [each.attempts for each in claim(store)] == [1]


def test_what_is_given_back_is_as_it_was(store: HookStore) -> None:
    """A relay that runs out of time has claimed more than it called."""
    store.record(make_entries(1))
    found = claim(store)[0]
    store.settle([Settlement.released(found.delivery_id)], owner="me")
    assert states(store) == ["pending"]
    assert [each.attempts for each in claim(store)] == [1]


def test_a_late_failure_leaves_the_next_owner_alone(store: HookStore, clock: Clock) -> None:
    """It lost its lease, and its say with it."""
    store.record(make_entries(1))
    slow = claim(store, owner="slow")[0]
    clock.advance(60)
    claim(store, owner="next")

    store.settle([Settlement.dead(slow.delivery_id, "too late")], owner="slow")

    delivery = store.deliveries()[0]
    assert (delivery.lease_owner, delivery.state) == ("next", DeliveryState.PENDING)


def test_a_late_success_counts(store: HookStore, clock: Clock) -> None:
    """The hook has the event: the other relay's outcome no longer matters."""
    store.record(make_entries(1))
    slow = claim(store, owner="slow")[0]
    clock.advance(60)
    again = claim(store, owner="next")[0]

    deliver(store, slow)
    store.settle([Settlement.retrying(again.delivery_id, "oops", after=0)], owner="next")

    assert states(store) == ["delivered"]


def test_a_late_failure_counts_while_nobody_else_has_it(store: HookStore, clock: Clock) -> None:
    """The lease is over, but the outcome is still the only one there is."""
    store.record(make_entries(1))
    slow = claim(store, owner="slow")[0]
    clock.advance(3600)
    store.settle([Settlement.retrying(slow.delivery_id, "slow 500", after=5)], owner="slow")
    assert states(store) == ["retrying"]


def test_an_event_that_cannot_be_read_blocks_nothing(store: HookStore) -> None:
    """It goes to the dead letters, with the reason; the one behind it is delivered."""
    store.record(make_entries(3))
    bodies = ["{not json", '{"event_type": "ingestion.end", "version": "9.0"}']
    rows = [{"body": b, "id": make_event(n).event_id} for n, b in enumerate(bodies)]
    spoil = text("UPDATE hook_events SET body = :body WHERE event_id = :id")
    store._database.write(lambda connection: connection.execute(spoil, rows))

    assert [make_event(2)] == [each.event for each in claim(store)]

    broken, newer, _ = store.deliveries()
    assert states(store) == ["dead", "dead", "pending"]
    assert "not JSON" in str(broken.last_error)
    assert "upgrade phlo-hooks" in str(newer.last_error)


def test_an_error_is_kept_short_and_storable(store: HookStore) -> None:
    """Head and tail of a megabyte; NUL and half a character do not stop the settlement."""
    store.record(make_entries(1))
    found = claim(store)[0]
    error = "first\0\ud800" + "x" * 1_000_000 + "last"
    store.settle([Settlement.dead(found.delivery_id, error)], owner="me")
    kept = str(store.deliveries()[0].last_error)
    assert len(kept) <= 4096
    assert (kept.startswith("first"), kept.endswith("last")) == (True, True)


def test_many_outcomes_are_settled_in_one_call(store: HookStore) -> None:
    """Of several hooks, by several means."""
    store.record(make_entries(3))
    first, second, third = claim(store)
    results = [
        Settlement.dead(third.delivery_id, "410"),
        Settlement.delivered(first.delivery_id),
        Settlement.retrying(second.delivery_id, "500", after=5),
    ]
    store.settle(results, owner="me")
    assert states(store) == ["delivered", "retrying", "dead"]


@pytest.mark.parametrize("rows", [0, 2000])
@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.DUE, "ix_hook_deliveries_due"),
        (statements.DUE_IN_ORDER, "ix_hook_deliveries_order"),
        (statements.KNOWN, "event_id"),
        (statements.KNOWN_FOR_RUN, "ix_hook_events_run_id"),
    ],
    ids=["due", "due in order", "known", "known for run"],
)
def test_a_question_is_one_range_of_an_index(
    shared_store: HookStore, statement: Select[Any], index: str, rows: int
) -> None:
    """Nothing is sorted and no table is read through, with or without statistics."""
    shared_store.record(make_entries(rows))
    names = ["of_hook", "of_scope", "of_scopes", "now", "most", "ids", "of_run"]
    values = dict(
        zip(names, [HOOK, "", [""], START, 50, [f"a{n}" for n in range(500)], "run-1"], strict=True)
    )

    def explain(connection: Connection) -> str:
        literal = {"literal_binds": True, "render_postcompile": True}
        used = {name: values[name] for name in statement.compile().params if name in values}
        query = statement.params(**used).compile(connection, compile_kwargs=literal)
        how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        return "\n".join(str(row) for row in connection.exec_driver_sql(f"{how} {query}"))

    plan = shared_store._database.write(explain)

    assert index in plan
    # MariaDB has no partial index: what is due in order it takes from the index of what is due, and sorts.
    sorts = statement is statements.DUE_IN_ORDER and shared_store.url.get_backend_name() == "mysql"
    for bad in ("Sort", "Seq Scan", "TEMP B-TREE", "SCAN hook_", *(() if sorts else ("filesort",))):
        assert bad not in plan
