"""Daemons that fall silent, and their heartbeats in a real instance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from phlo_hooks import HookRegistration
from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.dagster_private import heartbeat_tolerance
from phlo_hooks.producers.watching import daemons
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.watching.deployment import look, minutes_ago, told

SENSOR = "SENSOR"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """With no heartbeat yet."""
    with no_fsync(), dg.instance_for_test() as made:
        yield made


def beat(instance: dg.DagsterInstance, when: datetime, daemon: str = SENSOR) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(when.timestamp(), daemon, "me", []))


def rows(store: HookStore) -> list[tuple[str, str]]:
    return [(event.event_type, event.daemon_type) for event in told(store, "deployment.")]


def wanting() -> HookBus:
    """The bus of a location with a hook for everything."""
    bus = HookBus()
    bus.register(HookRegistration("any", lambda event: None), plugin_name="test")
    return bus


def watch(instance: dg.DagsterInstance, store: HookStore, **options: Any) -> int:
    return look(instance, store, **{"bus": wanting(), **options}).new


def test_silent_and_back(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Once each, with the last heartbeat, at the time when Dagster lost patience."""
    last = minutes_ago(60)
    beat(instance, last)
    beat(instance, utc_now(), "SCHEDULER")
    assert [watch(instance, store) for _ in range(2)] == [1, 0]
    (event,) = told(store)
    assert rows(store) == [("deployment.daemon_unhealthy", SENSOR)]
    assert event.timestamp == last + heartbeat_tolerance()
    assert abs(event.last_heartbeat - last) < timedelta(milliseconds=1)
    beat(instance, utc_now())
    assert [watch(instance, store) for _ in range(2)] == [1, 0]
    assert rows(store)[1:] == [("deployment.daemon_recovered", SENSOR)]
    assert store.list_state("watch", "daemon/") == []


def test_silent_again(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Another silence is another event, also where nobody saw it come back."""
    for last in (minutes_ago(120), minutes_ago(60)):
        beat(instance, last)
        watch(instance, store)
    assert rows(store) == [("deployment.daemon_unhealthy", SENSOR)] * 2


def test_within_the_tolerance(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Dagster's own: half an hour."""
    beat(instance, minutes_ago(29))
    assert watch(instance, store) == 0


def test_never_there(instance: dg.DagsterInstance, store: HookStore) -> None:
    """A deployment without daemons, whose relay does it all."""
    assert watch(instance, store) == 0


def test_a_daemon_that_is_not_required(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Somebody has switched its feature off."""
    beat(instance, minutes_ago(60), "MONITORING")
    assert watch(instance, store) == 0


def test_silent_before_there_was_a_tail(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Is not told: a daemon of last year is no news."""
    beat(instance, minutes_ago(60))
    assert watch(instance, store, since=minutes_ago(10)) == 0


def test_all_locations_share_one_event(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Whoever sees it first tells it, and whoever sees it end tells that."""
    beat(instance, minutes_ago(60))
    assert [watch(instance, store, scope=scope) for scope in ("a", "b")] == [1, 0]
    beat(instance, utc_now())
    assert [watch(instance, store, scope=scope) for scope in ("b", "a")] == [1, 0]


def test_locations_at_the_same_time(instance: dg.DagsterInstance, store: HookStore) -> None:
    """They agree on the id: it comes from the daemon and its last heartbeat."""
    beat(instance, minutes_ago(60))
    watch(instance, store, scope="a")
    store.delete_state("watch", f"daemon/{SENSOR}")
    seen = look(instance, store, scope="b", bus=wanting())
    assert (seen.events, seen.new) == (1, 0)


def test_nobody_here_wants_to_know(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A location without such hooks leaves it to one that has them; if there is none, it is told all the same."""
    beat(instance, minutes_ago(60))
    assert watch(instance, store, scope="a", bus=HookBus()) == 0
    assert watch(instance, store, scope="b") == 1
    beat(instance, utc_now())
    assert watch(instance, store, scope="a", bus=HookBus()) == 0
    monkeypatch.setattr(daemons, "_LEFT_TO_OTHERS", timedelta(0))
    assert watch(instance, store, scope="a", bus=HookBus()) == 1
    assert [each.split(".")[1] for each, _ in rows(store)] == ["daemon_unhealthy", "daemon_recovered"]


def test_back_before_anybody_was_told(instance: dg.DagsterInstance, store: HookStore) -> None:
    """A recovery alone would only puzzle."""
    beat(instance, minutes_ago(60))
    assert watch(instance, store, bus=HookBus()) == 0
    assert len(store.list_state("watch", "daemon/")) == 1
    beat(instance, utc_now())
    assert watch(instance, store) == 0
    assert store.list_state("watch", "daemon/") == []
