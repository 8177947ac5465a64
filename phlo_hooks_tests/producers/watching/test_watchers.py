"""All sources together: what time each has, and what trouble of one does to the others."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import StoreUnavailableError
from phlo_hooks.events import DeploymentEvent, HookEvent
from phlo_hooks.producers.runtime import WATCH_EVERY, Runtime
from phlo_hooks.producers.watching.notes import Notes
from phlo_hooks.producers.watching.post import OutOfTime, Post
from phlo_hooks.producers.watching.ticks import watch_ticks
from phlo_hooks.producers.watching.watchers import SOURCES, Source
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.watching.deployment import CATALOG, LOCATION, look, make_watchers, told

MANY = 300
ERROR = SerializableErrorInfo("ValueError: no\n", [], "ValueError")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """300 schedules, each with 4 ticks, of which the last failed."""
    folder = str(tmp_path_factory.mktemp("many"))
    with no_fsync(), dg.instance_for_test(temp_dir=folder) as made:
        for number in range(MANY):
            add_schedule(made, f"schedule_{number}")
        yield made


def add_schedule(instance: dg.DagsterInstance, name: str) -> None:
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), "__repository__")
    origin = RemoteInstigatorOrigin(repository, name)
    data = ScheduleInstigatorData("* * * * *", utc_now().timestamp())
    state = InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)
    instance.add_instigator_state(state)
    for minute in range(4, 0, -1):
        add_tick(instance, state, TickStatus.SKIPPED if minute > 1 else TickStatus.FAILURE, minute)


def add_tick(instance: dg.DagsterInstance, state: InstigatorState, status: TickStatus, minutes: int) -> None:
    instance.create_tick(
        TickData(
            state.instigator_origin_id,
            state.instigator_name,
            state.instigator_type,
            status,
            (utc_now() - timedelta(minutes=minutes)).timestamp(),
            error=ERROR if status is TickStatus.FAILURE else None,
            selector_id=state.selector_id,
        )
    )


def test_three_hundred_schedules(instance: dg.DagsterInstance, store: HookStore) -> None:
    """They take a second of a tick, each time, and their turns."""
    took = []
    for _ in range(4):
        began = time.monotonic()
        look(instance, store)
        took.append(time.monotonic() - began)
    # A busy machine may make any one of them wait.
    assert min(took) < 1.5
    assert {event.event_type for event in told(store)} == {"tick.failure"}


class Clock:
    """Goes on by a second each time it is asked."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_who_had_no_turn_is_first(instance: dg.DagsterInstance, store: HookStore) -> None:
    """All are looked at in the end, and none twice."""
    sources = (Source("tick", watch_ticks),)
    looks = [
        make_watchers(instance, store, sources=sources, clock=Clock()).look(budget=100) for _ in range(4)
    ]
    assert [95 < report.new < 100 for report in looks] == [True, True, True, False]
    assert len({event.instigator_name for event in told(store)}) == len(told(store)) == MANY


def one(post: Post, notes: Notes) -> Iterator[HookEvent]:
    notes.keep("one", True)
    yield DeploymentEvent(event_type="deployment.daemon_unhealthy", daemon_type="SENSOR")


def fails(post: Post, notes: Notes) -> Iterator[HookEvent]:
    yield from one(post, notes)
    raise ConnectionError("no database")


def late(post: Post, notes: Notes) -> Iterator[HookEvent]:
    yield from one(post, notes)
    raise OutOfTime


def watch(instance: dg.DagsterInstance, store: HookStore, *sources: Source) -> tuple[int, bool]:
    report = look(instance, store, sources=sources)
    return report.new, report.complete


def test_trouble_of_one(
    instance: dg.DagsterInstance, store: HookStore, caplog: pytest.LogCaptureFixture
) -> None:
    """What it found before is recorded, the others are looked at, and the log says it once, until it is over."""
    broken, sound = Source("broken", fails), Source("sound", one)
    with caplog.at_level(logging.ERROR, "phlo_hooks"):
        assert [watch(instance, store, broken, sound) for _ in range(2)] == [(2, True)] * 2
        assert caplog.text.count("brokens cannot be watched; it is tried again") == 1
        assert caplog.text.count("ConnectionError: no database") == 1
        watch(instance, store, Source("broken", one))
        watch(instance, store, broken)
    assert caplog.text.count("brokens cannot be watched") == 2
    assert store.get_state(f"watch:{LOCATION}", "broken/one") is not None


def test_one_that_is_out_of_time(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Is no trouble; the look says that there is more."""
    assert watch(instance, store, Source("slow", late), Source("sound", one)) == (2, False)
    assert store.list_state(f"watch:{LOCATION}", "trouble/") == []


def test_a_store_that_is_down(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Is the trouble of all: nothing is noted, and nothing lost."""

    def down(post: Post, notes: Notes) -> Iterator[HookEvent]:
        raise StoreUnavailableError("no store")
        yield

    with pytest.raises(StoreUnavailableError):
        watch(instance, store, Source("any", down))


def test_shares(instance: dg.DagsterInstance, store: HookStore) -> None:
    """What one source leaves of its time, the next ones have; none takes the time of another."""
    seen: dict[str, int] = {}

    def until_out_of_time(name: str) -> Source:
        def watch(post: Post, notes: Notes) -> Iterator[HookEvent]:
            seen[name] = 0
            while not post.out_of_time():
                seen[name] += 1
            yield from ()

        return Source(name, watch)

    quick = Source("quick", lambda post, notes: iter(()))
    sources = (quick, until_out_of_time("first"), until_out_of_time("second"))
    make_watchers(instance, store, sources=sources, clock=Clock()).look(budget=100)
    assert 40 < seen["first"] < 52
    assert 40 < seen["second"] < 52


def test_the_beginning_is_kept(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Whatever a later process says: what was before its own beginning may be news, too."""
    began = utc_now()
    look(instance, store, since=began, sources=())
    found = []
    look(
        instance,
        store,
        since=utc_now(),
        sources=(Source("x", lambda post, _: iter(found.append(post.since) or ())),),
    )
    assert found == [began]


def test_not_each_time(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay looks every second at runs; at all else, every few seconds."""
    runtime = Runtime(CATALOG, lambda bus, place: None, start=utc_now() - timedelta(hours=1))
    assert runtime.watch(instance, LOCATION, 60).events > 0
    runtime.store(instance).delete_state(f"watch:{LOCATION}", "since")
    assert runtime.watch(instance, LOCATION, 60).events == 0
    assert runtime.store(instance).get_state(f"watch:{LOCATION}", "since") is None
    later = time.monotonic() + WATCH_EVERY
    monkeypatch.setattr(time, "monotonic", lambda: later)
    runtime.watch(instance, LOCATION, 60)
    assert runtime.store(instance).get_state(f"watch:{LOCATION}", "since") is not None


def test_the_cheapest_first() -> None:
    """Ticks, of which there may be thousands, have what the others leave, and not all of it."""
    assert [source.name for source in SOURCES] == ["daemon", "definition", "backfill", "run", "tick"]
    assert [source.most for source in SOURCES[:4]] == [math.inf] * 4
    assert SOURCES[4].most == 1.0
