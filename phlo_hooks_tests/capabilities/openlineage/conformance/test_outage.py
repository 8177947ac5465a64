"""A backend in trouble: nothing is lost, nothing comes twice, everything comes in order, and no run waits for it."""

from __future__ import annotations

import time
from collections import defaultdict

import dagster as dg
import pytest

from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.sensor import tick
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.backend import Backend
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import (
    QUIET,
    on_openlineage,
    undelivered,
)
from phlo_hooks_tests.capabilities.openlineage.scenes.partitions import RANGE_TAGS
from phlo_hooks_tests.delivery.helpers import Clock
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import ASSET_JOB, runtime_of

pytestmark = QUIET

EVENTS = 500
# Of a run: its own two, and two for each day of each of two assets.
MONTH = 2 + 2 * 2 * 31
# Seconds that a request may take.
HANGS = 0.3


@pytest.fixture(scope="module")
def instance():
    """One for all; each test has a store of its own."""
    with no_fsync(), dg.instance_for_test() as made:
        yield made


def run_all(defs: dg.Definitions, instance: dg.DagsterInstance) -> int:
    """Runs that come to more than `EVENTS` OpenLineage events; gives their number."""
    job = defs.resolve_job_def(ASSET_JOB)
    runs = 4
    for _ in range(runs):
        assert job.execute_in_process(instance=instance, tags=RANGE_TAGS).success
    return runs * MONTH


def on_time_of(clock: Clock, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """The store's time, and with it that of retries and circuit breakers, is moved by hand."""
    runtime = runtime_of(defs)
    url = str(runtime._url(instance))
    runtime._stores[url] = HookStore(url, clock=clock)


def pass_time(clock: Clock, defs: dg.Definitions, instance: dg.DagsterInstance, passes: int = 40) -> None:
    """Ticks, a quarter of an hour apart, until nothing waits any more."""
    for _ in range(passes):
        tick(instance, runtime_of(defs), "")
        if not runtime_of(defs).store(instance).pending_count():
            return
        clock.advance(900)


def check(backend: Backend, defs: dg.Definitions, instance: dg.DagsterInstance, count: int) -> None:
    """All came, once each, the events of a Dagster run in the order of its log; nothing is dead."""
    assert [] == undelivered(runtime_of(defs).store(instance))
    backend.check_lifecycle()
    assert count == len(backend.events)
    assert count == len({(e["run"]["runId"], e["eventType"]) for e in backend.events})
    by_run = defaultdict(list)
    for event in backend.events:
        parent = event["run"]["facets"].get("parent", event)
        by_run[parent["run"]["runId"]].append(event["eventType"])
    assert all((types[0], types[-1]) == ("START", "COMPLETE") for types in by_run.values())


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.now = utc_now()
    return made


@pytest.fixture
def defs(backend, instance, tmp_path, clock) -> dg.Definitions:
    """A month of two assets, with a store of its own."""
    store = f"sqlite:///{tmp_path}/hooks.db"
    made = on_openlineage(scenes.range_in_one_run(), backend, store=store, since=utc_now())
    on_time_of(clock, made, instance)
    return made


def run_once(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    job = defs.resolve_job_def(ASSET_JOB)
    assert job.execute_in_process(instance=instance, tags=RANGE_TAGS).success


@pytest.mark.e2e
@pytest.mark.parametrize(
    "fault", [Fault.refuse(), Fault.answer(500), Fault.reset()], ids=["refuses", "500", "resets"]
)
def test_down_for_five_hundred_events(fault, backend, defs, instance, clock):
    """For an hour, and then up."""
    backend.always(fault)
    count = run_all(defs, instance)
    assert count > EVENTS
    for _ in range(4):
        tick(instance, runtime_of(defs), "", budget=5)
        clock.advance(900)
    assert [] == backend.events
    states = {state for _, state in runtime_of(defs).store(instance).counts()}
    assert {DeliveryState.PENDING, DeliveryState.RETRYING} >= states
    # Few probes, not one for each event that waits.
    assert len(backend.server.requests) < 50
    backend.recover()
    pass_time(clock, defs, instance)
    check(backend, defs, instance, count)


def test_asks_to_be_left_alone(backend, defs, instance, clock):
    """429 with Retry-After: that long it is, for all of them."""
    backend.next(Fault.retry_after(3000))
    run_once(defs, instance)
    for _ in range(4):
        tick(instance, runtime_of(defs), "")
        clock.advance(700)
    assert 1 == len(backend.server.requests)
    pass_time(clock, defs, instance)
    check(backend, defs, instance, MONTH)


def test_comes_and_goes(backend, defs, instance, clock):
    """Every second request fails, each in another way: still once each."""
    faults = [Fault.answer(503), Fault.reset(), Fault.answer(500), Fault.truncate(500)]
    backend.next(*faults[:2], *faults[2:], *faults)
    run_once(defs, instance)
    pass_time(clock, defs, instance)
    assert len(backend.server.requests) >= MONTH + 2 * len(faults)
    check(backend, defs, instance, MONTH)


def test_an_answer_that_was_lost(backend, defs, instance, clock):
    """The event counts as not sent, and is sent again: the same one, which no backend takes for another."""
    backend.next(Fault.lose_answer())
    run_once(defs, instance)
    pass_time(clock, defs, instance)
    assert [] == undelivered(runtime_of(defs).store(instance))
    backend.check_lifecycle(redelivered=True)
    assert MONTH + 1 == len(backend.events)


def test_no_run_waits_for_one_that_hangs(backend, instance, tmp_path, clock):
    """In turns with the same run without any hook: the quickest of each is what it takes."""
    plain = scenes.ten_assets(fails=False)
    told = on_openlineage(
        plain, backend, store=f"sqlite:///{tmp_path}/hooks.db", timeout=HANGS, since=utc_now()
    )
    backend.always(Fault.hang())
    on_time_of(clock, told, instance)
    jobs = [each.resolve_job_def(ASSET_JOB) for each in (plain, told)]
    took = [[_timed(job, instance) for job in jobs] for _ in range(3)]
    without, with_it = (min(each) for each in zip(*took, strict=True))
    assert with_it < 2 * without + 0.5, (without, with_it)
    tick(instance, runtime_of(told), "", budget=2)
    assert [] == backend.events
    backend.recover()
    pass_time(clock, told, instance)
    backend.check_lifecycle()
    assert [] == undelivered(runtime_of(told).store(instance))
    # The runs without a hook are in the log, too: they are told by whoever reads it.
    assert 6 * 2 * 11 == len(backend.events)


def _timed(job: dg.JobDefinition, instance: dg.DagsterInstance) -> float:
    began = time.monotonic()
    assert job.execute_in_process(instance=instance).success
    return time.monotonic() - began
