"""How each hook is doing, at a cost that does not grow with what was delivered."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.dialects import mysql, postgresql

from phlo_hooks.delivery import admin_statements as admin
from phlo_hooks.delivery.health import HookHealth
from phlo_hooks.delivery.store import Entry, HookStore, Settlement, Target
from phlo_hooks.delivery.switches import HookCircuit
from phlo_hooks_tests.delivery.helpers import HOOK, START, Clock, claim, deliver, make_entries, make_event

NAMES = [name for name in vars(admin) if name.isupper() and hasattr(getattr(admin, name), "compile")]
HEALTH = ("OPEN_BY_HOOK", "DEAD_BY_HOOK", "SETTLED_SINCE", "RECENT_HOOKS", "LAST_ERRORS")
VALUES = {"now": START, "time": START, "most": 1000, "ids": [1, 2]}


def test_nothing_is_known_of_an_empty_store(store: HookStore) -> None:
    """But a hook that is asked for is in good health."""
    assert store.health() == []
    assert store.health([HOOK]) == [HookHealth(HOOK)]
    assert store.health([HOOK])[0].problems() == ()


def test_every_figure(store: HookStore, clock: Clock) -> None:
    """Each delivery is counted once, by where it is."""
    store.record(make_entries(9))
    clock.advance(100)
    claims = claim(store, limit=6)
    deliver(store, *claims[:3])
    store.settle(
        [
            Settlement.dead(claims[3].delivery_id, "410 Gone"),
            Settlement.retrying(claims[4].delivery_id, "503", after=600),
        ],
        owner="me",
    )
    clock.advance(10)
    (found,) = store.health(window=60)
    assert found == HookHealth(
        HOOK,
        pending=3,
        retrying=1,
        in_flight=1,
        dead=1,
        oldest_age=110.0,
        delivered_per_second=3 / 60,
        dead_per_second=1 / 60,
        last_error="503",
    )
    assert found.problems() == ("1 dead",)
    assert found.problems(max_age=109) == ("1 dead", "oldest waits for 110 s")
    clock.advance(60)
    (later,) = store.health(window=60)
    assert (later.delivered_per_second, later.in_flight, later.pending) == (0, 0, 4)


def test_hooks_are_told_apart(store: HookStore) -> None:
    """By name, and only those that are asked for, if any are."""
    store.record([Entry(make_event(0), (Target("b.hook"), Target("a.hook", scope="loc")))])
    store.disable("c.hook", "noisy")
    assert [("a.hook", 1), ("b.hook", 1), ("c.hook", 0)] == [(h.hook, h.pending) for h in store.health()]
    assert [("b.hook", 1), ("x.hook", 0)] == [(h.hook, h.pending) for h in store.health(["x.hook", "b.hook"])]


def test_a_hook_whose_deliveries_are_all_made(store: HookStore, clock: Clock) -> None:
    """Is listed, as long as it is among the last that were used."""
    store.record(make_entries(2))
    deliver(store, *claim(store))
    clock.advance(86_400)
    assert store.health() == [HookHealth(HOOK)]


def test_a_dead_letters_error_is_told(store: HookStore) -> None:
    """Where nothing that waits has one."""
    store.record(make_entries(2))
    first, second = claim(store)
    store.settle([Settlement.dead(first.delivery_id, "old")], owner="me")
    store.settle([Settlement.dead(second.delivery_id, "new")], owner="me")
    assert store.health()[0].last_error == "new"


def test_a_circuit(store: HookStore) -> None:
    """As a relay writes it."""
    until = datetime(2026, 3, 14, 10, tzinfo=timezone.utc)
    value = {
        "state": "open",
        "failures": 5,
        "openings": 1,
        "until": until.timestamp(),
        "reason": "5 in a row",
    }
    store.put_state("circuit", HOOK, {**value, "changed_at": START.timestamp()})
    assert store.circuits() == {HOOK: HookCircuit("open", 5, until, "5 in a row", START)}
    (found,) = store.health()
    assert (found.circuit, found.problems()) == (store.circuits()[HOOK], ("circuit open",))


def test_a_hook_of_several_locations(store: HookStore) -> None:
    """The worst of its circuits is shown; one that this release does not know counts as open."""
    for scope, state in (("a", "half_open"), ("b c", "disabled"), ("d", "melted")):
        store.put_state("circuit", f"{HOOK} {scope}", {"state": state})
    store.put_state("circuit", "other.hook d", {"state": "melted"})
    found = store.circuits()
    assert (found[HOOK].state, found[HOOK].scope) == ("disabled", "b c")
    assert (found["other.hook"].state, found["other.hook"].scope) == ("open", "d")
    assert {"a", "b c", "d"} == store.circuit_scopes(HOOK)


def test_a_hook_is_switched_off_and_on(store: HookStore, clock: Clock) -> None:
    """Each returns whether it changed anything; no row at all is a closed circuit."""
    assert not store.enable(HOOK)
    assert store.get_state("circuit", HOOK) is None
    assert store.disable(HOOK, "noisy", scope="loc")
    clock.advance(60)
    assert not store.disable(HOOK, "noisy", scope="loc")
    assert store.disable(HOOK, "very noisy", scope="loc")
    disabled = HookCircuit("disabled", reason="very noisy", changed_at=START, scope="loc")
    assert store.circuits() == {HOOK: disabled}
    assert not store.enable(HOOK)
    assert store.enable(HOOK, scope="loc")
    assert not store.enable(HOOK, scope="loc")
    entry = store.get_state("circuit", f"{HOOK} loc")
    assert entry is not None
    assert entry.value == {
        "state": "closed",
        "failures": 0,
        "openings": 0,
        "until": None,
        "reason": "enabled",
        "changed_at": clock().timestamp(),
        "changes": 2,
    }


def test_a_pause_is_ended(store: HookStore) -> None:
    """A receiver asked for a day; the operator knows better. The state stays as it was, and so does its count."""
    value = {"state": "closed", "until": START.timestamp() + 86_400, "changes": 3}
    store.put_state("circuit", HOOK, value)
    assert store.enable(HOOK)
    entry = store.get_state("circuit", HOOK)
    assert entry is not None
    assert (entry.value["until"], entry.value["changes"]) == (None, 3)


def test_a_relay_writes_meanwhile(store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch wins, after another look."""
    get, times = store.get_state, []

    def overtaken(namespace: str, key: str) -> object:
        entry = get(namespace, key)
        if len(times) < 2:
            times.append(1)
            store.put_state(namespace, key, {"state": "open", "failures": len(times)})
        return entry

    monkeypatch.setattr(store, "get_state", overtaken)
    assert store.disable(HOOK, "noisy")
    assert store.circuits()[HOOK].state == "disabled"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dialect", [mysql.dialect(), postgresql.dialect()], ids=["mysql", "postgresql"])
def test_every_statement_can_be_written(name: str, dialect: object) -> None:
    """Also for the database that no test runs on."""
    statement = str(getattr(admin, name).compile(dialect=dialect))
    assert "RETURNING" not in statement


def _plan(connection: Connection, name: str) -> list[str]:
    engine = connection.engine
    query = str(getattr(admin, name).params(**VALUES).compile(engine, compile_kwargs={"literal_binds": True}))
    if engine.dialect.name == "postgresql":
        # For a table as small as this it would not bother; so it shows whether there is a way at all.
        connection.execute(text("SET LOCAL enable_seqscan = off"))
    prefix = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    rows = connection.execute(text(prefix + query)).all()
    if engine.dialect.name == "mysql":
        # It has no partial index, so that the settled rows are in all of them; but no table is read as a whole.
        return [f"Seq Scan on {row.table}" if row.type == "ALL" else str(row.key) for row in rows]
    return [str(row[-1]) for row in rows]


@pytest.mark.parametrize("name", HEALTH)
def test_health_reads_no_whole_table(store: HookStore, clock: Clock, name: str) -> None:
    """Each statement goes by an index that the settled deliveries are not in, or by a part of one."""
    store.record(make_entries(2000))
    for _ in range(20):
        deliver(store, *claim(store, limit=95))
    analyze = "ANALYZE TABLE hook_deliveries" if store.url.get_backend_name() == "mysql" else "ANALYZE"
    store._database.write(lambda c: c.execute(text(analyze)))
    plan = store._database.read(lambda c: _plan(c, name))
    assert not [line for line in plan if "Seq Scan" in line and "hook_deliveries" in line], plan
    for line in plan:
        if line.startswith("SCAN"):
            # Of these two indexes the settled rows are no part.
            assert "ix_hook_deliveries_due" in line or "ix_hook_deliveries_dead" in line, plan
