"""An asset's health: worst of materialization, checks and freshness; each change of it told once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from dagster._core.definitions.asset_health.asset_health import (
    AssetHealthStatus,
    overall_status_from_component_statuses,
)
from hypothesis import given, strategies as st

from phlo_hooks.events import AssetHealthEvent
from phlo_hooks.identity import follow_up_id
from phlo_hooks.monitors import health
from phlo_hooks.monitors.health import HealthMonitor
from phlo_hooks_tests.monitors.cases import ASSET, checked, ended, followed, fresh, table

MONITOR = HealthMonitor()


def changes(*events: Any) -> list[str]:
    """What was told, as `from -> to: reasons`."""
    told = followed(MONITOR, events)[1]
    return [f"{each.from_state} -> {each.to_state}: {'; '.join(each.reasons)}" for each in told]


def partition(minute: float, key: str, status: str = "success", **fields: Any) -> Any:
    return ended(minute, status, partition_key=key, **fields)


TOLD = [
    pytest.param([ended(0)], [], id="healthy from the start is no news"),
    pytest.param(
        [ended(0, "failure")], ["UNKNOWN -> DEGRADED: materialization failed"], id="failed from the start"
    ),
    pytest.param(
        [ended(0), ended(1, "failure"), ended(2, "failure"), ended(3)],
        ["HEALTHY -> DEGRADED: materialization failed", "DEGRADED -> HEALTHY: "],
        id="failed twice and recovered",
    ),
    pytest.param([ended(0), ended(1, "skipped"), ended(2, "canceled")], [], id="not attempted"),
    pytest.param([ended(0), ended(1, "failure", will_retry=True), ended(2)], [], id="step tried again"),
    pytest.param(
        [ended(0), ended(1, "failure", run_may_retry=True), ended(2, "failure")],
        [
            "HEALTHY -> WARNING: materialization failed, and may be tried again",
            "WARNING -> DEGRADED: materialization failed",
        ],
        id="run tried again",
    ),
    pytest.param(
        [ended(0), checked(1, False, "WARN"), checked(2, False), checked(3)],
        [
            "HEALTHY -> WARNING: check unique failed (WARN)",
            "WARNING -> DEGRADED: check unique failed (ERROR)",
            "DEGRADED -> HEALTHY: ",
        ],
        id="a check",
    ),
    pytest.param(
        [ended(0), checked(1, None)], ["HEALTHY -> DEGRADED: check unique crashed"], id="a check that crashed"
    ),
    pytest.param(
        [ended(0), fresh(1, "WARN"), fresh(2, "FAIL"), fresh(3, "PASS")],
        [
            "HEALTHY -> WARNING: freshness WARN",
            "WARNING -> DEGRADED: freshness FAIL",
            "DEGRADED -> HEALTHY: ",
        ],
        id="freshness",
    ),
    pytest.param([fresh(0, "PASS"), checked(1)], [], id="never materialized"),
    pytest.param([ended(0), fresh(1, "UNKNOWN")], [], id="freshness not known"),
    pytest.param(
        [checked(0, False), checked(1), ended(2)],
        [
            "UNKNOWN -> DEGRADED: check unique failed (ERROR)",
            "DEGRADED -> UNKNOWN: ",
            "UNKNOWN -> HEALTHY: ",
        ],
        id="told of once, told of always",
    ),
    pytest.param(
        [
            checked(0, False, "WARN", name="b"),
            checked(1, False, "WARN", name="a"),
            fresh(2, "WARN"),
            checked(3, False, name="z"),
        ],
        [
            "UNKNOWN -> WARNING: check b failed (WARN)",
            "WARNING -> DEGRADED: check z failed (ERROR); check a failed (WARN); check b failed (WARN); freshness WARN",
        ],
        id="the worst first",
    ),
    pytest.param(
        [ended(0), checked(1, False, name="a"), checked(2, False, name="b"), checked(3, name="a")],
        ["HEALTHY -> DEGRADED: check a failed (ERROR)"],
        id="other reasons for the same state",
    ),
    pytest.param(
        [partition(0, "1"), partition(1, "2", "failure"), partition(2, "3"), partition(3, "2")],
        ["HEALTHY -> DEGRADED: materialization of partition 2 failed", "DEGRADED -> HEALTHY: "],
        id="a partition",
    ),
    pytest.param(
        [*(partition(key, str(key), "failure", run_may_retry=True) for key in range(5)), fresh(6, "FAIL")],
        [
            "UNKNOWN -> WARNING: materialization of partition 0 failed, and may be tried again",
            "WARNING -> DEGRADED: freshness FAIL; materialization of 5 partitions failed, and may be tried again: 0, 1, 2 and 2 more",
        ],
        id="many partitions",
    ),
    pytest.param(
        [ended(0, "failure"), partition(1, "1")],
        ["UNKNOWN -> DEGRADED: materialization failed", "DEGRADED -> HEALTHY: "],
        id="a range failed as a whole",
    ),
    pytest.param(
        [partition(0, "1", "failure"), ended(1)],
        ["UNKNOWN -> DEGRADED: materialization of partition 1 failed", "DEGRADED -> HEALTHY: "],
        id="partitions given up",
    ),
    pytest.param([ended(1), ended(0, "failure")], [], id="a failure that comes late"),
]


@pytest.mark.parametrize(("events", "expected"), TOLD)
def test_told(events: list[Any], expected: list[str]) -> None:
    """Each change of the whole, with what makes it so."""
    assert changes(*events) == expected


COMPONENTS = {
    "HEALTHY": ((ended(0),), (checked(0),), (fresh(0, "PASS"),)),
    "WARNING": (
        (ended(0, "failure", run_may_retry=True),),
        (checked(0, False, "WARN"),),
        (fresh(0, "WARN"),),
    ),
    "DEGRADED": ((ended(0, "failure"),), (checked(0, False),), (fresh(0, "FAIL"),)),
    "UNKNOWN": ((), (), ()),
}


@pytest.mark.parametrize(("run", "check", "freshness"), list(itertools.product(COMPONENTS, repeat=3)))
def test_the_whole_is_what_dagster_makes_of_its_parts(run: str, check: str, freshness: str) -> None:
    """All combinations, by Dagster's own function."""
    events = [*COMPONENTS[run][0], *COMPONENTS[check][1], *COMPONENTS[freshness][2]]
    known, _ = followed(MONITOR, events)
    expected = overall_status_from_component_statuses(
        materialization_status=AssetHealthStatus(run),
        asset_checks_status=AssetHealthStatus(check),
        freshness_status=AssetHealthStatus(freshness),
    )
    assert (known.state if known else "UNKNOWN") == expected.value


def test_the_event_says_where_and_why() -> None:
    """It is about the whole asset, whichever partition or check brought it about."""
    cause = checked(1, False, partition_key="2026-01", tags={"tier": "1"})
    _, (event,) = followed(MONITOR, [ended(0), cause])
    where = {"causation_id": cause.event_id, "partition_key": None, "check_name": None}
    assert event == AssetHealthEvent(
        event_id=follow_up_id("asset.health_changed", cause.event_id),
        event_type="asset.health_changed",
        timestamp=cause.timestamp,
        asset_key=ASSET,
        tags={"tier": "1"},
        group_name="marts",
        kinds=("dbt",),
        owners=("team:data",),
        correlation=cause.correlation.model_copy(update=where),
        from_state="HEALTHY",
        to_state="DEGRADED",
        reasons=("check unique failed (ERROR)",),
    )


def test_only_what_says_something_is_asked_for() -> None:
    """The rest never becomes a delivery."""
    asked = [ended(0), ended(0, "failure"), checked(0), checked(0, None), fresh(0, "FAIL")]
    silent = [ended(0, "skipped"), ended(0, "canceled"), ended(0, "failure", will_retry=True)]
    assert [MONITOR.filters.matches(event) for event in asked + silent] == [True] * 5 + [False] * 3


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions that are well are forgotten first; of the failing ones, the oldest, which are counted."""
    monkeypatch.setattr(health, "MOST_PARTITIONS", 3)
    known, _ = followed(MONITOR, [partition(minute, str(minute)) for minute in range(10)])
    assert sorted(known.marks) == ["run/7", "run/8", "run/9"]
    known, _ = followed(
        MONITOR,
        [partition(10, "9", "failure"), *(partition(minute, str(minute)) for minute in range(11, 15))],
        known,
    )
    assert sorted(known.marks) == ["run/13", "run/14", "run/9"]
    failures = [partition(minute, str(minute), "failure") for minute in range(20, 24)]
    known, told = followed(MONITOR, failures, known)
    assert sorted(known.marks) == ["run/21", "run/22", "run/23"]
    assert (told, known.forgotten) == ([], 2)
    _, (event,) = followed(MONITOR, [fresh(30, "FAIL")], replace(known, state="WARNING"))
    assert event.reasons == (
        "materialization of 5 partitions failed: 21, 22, 23 and 2 more",
        "freshness FAIL",
    )


def test_those_that_were_forgotten_recover_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could say of one by one that it has: the asset would never be healthy again."""
    monkeypatch.setattr(health, "MOST_PARTITIONS", 3)
    failures = [partition(minute, str(minute), "failure") for minute in range(5)]
    recoveries = [partition(10 + minute, str(minute)) for minute in range(5)]
    known, told = followed(MONITOR, failures + recoveries)
    assert [(event.from_state, event.to_state) for event in told] == [
        ("UNKNOWN", "DEGRADED"),
        ("DEGRADED", "HEALTHY"),
    ]
    assert known.forgotten == 0


THINGS = st.one_of(
    st.builds(
        lambda status, key, fields: lambda minute: ended(minute, status, partition_key=key, **fields),
        st.sampled_from(["success", "failure", "skipped"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from([{}, {"will_retry": True}, {"run_may_retry": True}]),
    ),
    st.builds(
        lambda passed, severity, name: lambda minute: checked(minute, passed, severity, name),
        st.sampled_from([True, False, None]),
        st.sampled_from(["WARN", "ERROR"]),
        st.sampled_from(["a", "b"]),
    ),
    st.builds(lambda state: lambda minute: fresh(minute, state), st.sampled_from(["PASS", "WARN", "FAIL"])),
    st.just(lambda minute: table(minute, "a INT")),
)


@st.composite
def histories(draw: Any) -> tuple[list[Any], list[Any]]:
    """What happened, in order, some of it at once; and what is heard of it: any of it late, again, or both."""
    made = draw(st.lists(st.tuples(THINGS, st.integers(0, 6)), min_size=1, max_size=10))
    happened = sorted((make(minute) for make, minute in made), key=lambda event: event.timestamp)
    again = draw(st.lists(st.sampled_from(happened), max_size=6))
    return happened, draw(st.permutations(happened + again))


@given(histories())
def test_any_order_leads_to_the_same(history: tuple[list[Any], list[Any]]) -> None:
    """What is known in the end is that of the events in order; but for whether anybody had to be told."""
    happened, heard = history
    found, expected = (followed(MONITOR, events)[0] for events in (heard, happened))
    assert (found and replace(found, told=True)) == (expected and replace(expected, told=True))


@given(histories())
def test_each_change_is_told_once(history: tuple[list[Any], list[Any]]) -> None:
    """What is told is a chain from one state to another one; repetitions add nothing to it."""
    _, heard = history
    known, told = followed(MONITOR, heard)
    assert all(event.from_state != event.to_state for event in told)
    assert all(one.to_state == next_.from_state for one, next_ in itertools.pairwise(told))
    assert not told or told[-1].to_state == known.state
    seen: set[str] = set()
    first = [event for event in heard if not (event.to_json() in seen or seen.add(event.to_json()))]
    assert (known, told) == followed(MONITOR, first)
    assert (known, []) == followed(MONITOR, heard, known)
