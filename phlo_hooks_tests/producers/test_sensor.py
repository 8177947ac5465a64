"""The tail sensor as the daemon evaluates it: what it does in a tick, and what it says."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from phlo_hooks import HookBusResource, HookFilter, HookRegistration, with_hooks
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import SENSOR_NAME, look, make_tail_sensor
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import Spy, runtime_of


@dg.asset
def orders() -> None: ...


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Default storage; the store is beside it, and so shared by the tests of this file."""
    folder = str(tmp_path_factory.mktemp("dagster"))
    with no_fsync(), dg.instance_for_test(temp_dir=folder) as made:
        yield made


def definitions(tmp_path: Path, *hooks: Any, **options: Any) -> dg.Definitions:
    """One asset on the bus, with a store of its own; what other tests ran before is not looked at."""
    plain = dg.Definitions(assets=[orders], executor=dg.in_process_executor)
    settings = {"store": f"sqlite:///{tmp_path}/hooks.db", "plugins": False, "since": utc_now(), **options}
    return with_hooks(plain, hooks=hooks, **settings)


def run(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    job = defs.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=instance).success


def evaluate(sensor: dg.SensorDefinition, instance: dg.DagsterInstance) -> str:
    """One tick; what it says."""
    with dg.build_sensor_context(instance=instance) as context:
        result = sensor(context)
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def tick(defs: dg.Definitions, instance: dg.DagsterInstance, **options: Any) -> str:
    return evaluate(make_tail_sensor(runtime_of(defs), **options), instance)


def store_of(defs: dg.Definitions, instance: dg.DagsterInstance) -> HookStore:
    return runtime_of(defs).store(instance)


def test_the_definition(tmp_path: Path) -> None:
    """It runs without anybody switching it on, and as often as an alert may wait."""
    defs = definitions(tmp_path)
    sensor = defs.resolve_sensor_def(SENSOR_NAME)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 10


def test_a_tick_says_what_it_did(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """What it read, recorded and delivered; a tick without news says so too."""
    spy = Spy()
    defs = definitions(tmp_path, spy.hook())
    run(defs, instance)
    assert tick(defs, instance) == "read 1 runs, recorded 1 new of 4 events; 4 delivered"
    assert sorted(spy.types) == ["ingestion.end", "ingestion.start", "run.start", "run.success"]
    assert tick(defs, instance) == "read 0 runs, recorded 0 new of 0 events; 0 delivered"


def test_a_tick_delivers_what_a_run_queued(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """In the order in which it was recorded."""
    spy = Spy()
    defs = definitions(tmp_path, spy.hook())
    run(defs, instance)
    assert spy.types == []
    tick(defs, instance)
    assert spy.types[:3] == ["run.start", "ingestion.start", "ingestion.end"]


def test_a_failing_hook_is_named(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """With its error, in one line."""

    def fails(event: object) -> None:
        raise ConnectionError("no route to host\nsecond line")

    defs = definitions(tmp_path, HookRegistration("fails", fails, filters=HookFilter({"run.success"})))
    run(defs, instance)
    said = tick(defs, instance)
    assert said == (
        "read 1 runs, recorded 1 new of 4 events; 0 delivered, 1 to be retried; "
        "definitions.fails: ConnectionError: no route to host"
    )


@pytest.mark.parametrize("way", ["tick", "look"])
def test_what_no_log_tells(tmp_path: Path, way: str) -> None:
    """Is told in the same tick; by a relay's look, too, which delivers beside it."""
    spy = Spy()
    defs = definitions(tmp_path, spy.hook(), since=utc_now() - timedelta(days=1))
    with no_fsync(), dg.instance_for_test() as instance:
        an_hour_ago = (utc_now() - timedelta(hours=1)).timestamp()
        instance.add_daemon_heartbeat(DaemonHeartbeat(an_hour_ago, "SENSOR", None, []))
        if way == "tick":
            assert tick(defs, instance) == "read 0 runs, recorded 1 new of 1 events; 1 delivered"
        else:
            assert str(look(instance, runtime_of(defs), "")) == "read 0 runs, recorded 1 new of 1 events"
            runtime_of(defs).relay(instance, "").run(budget=30)
    assert spy.types == ["deployment.daemon_unhealthy"]


def test_limits_are_those_of_the_resource(tmp_path: Path) -> None:
    """What a team writes in its definitions is what a run is measured by."""
    spy = Spy()
    settings = HookBusResource(store_url=f"sqlite:///{tmp_path}/hooks.db", long_running_after=0.001)  # type: ignore[arg-type]
    plain = dg.Definitions(assets=[orders], resources={"hooks": settings})
    defs = with_hooks(plain, hooks=[spy.hook()], plugins=False, since=utc_now())
    with no_fsync(), dg.instance_for_test() as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        run = instance.create_run_for_job(job)
        begun = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job.name, message="begun")
        instance.report_dagster_event(begun, run.run_id)
        time.sleep(0.01)
        tick(defs, instance)
    assert spy.types == ["run.start", "run.long_running"]


@pytest.mark.e2e
def test_a_hook_that_hangs_does_not_hold_the_tick(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Nor does it keep events from the other hooks."""
    spy, release = Spy(), threading.Event()
    hangs = HookRegistration("hangs", lambda event: release.wait(120))
    defs = definitions(tmp_path, spy.hook(), hangs)
    run(defs, instance)
    began = time.monotonic()
    said = tick(defs, instance, budget=2.0)
    took = time.monotonic() - began
    release.set()
    # The budget, what a call that began at its end is waited for, and a slow machine.
    assert took < 2.0 + 5.0 + 8.0
    assert len(spy.events) == 4
    assert "1 under way, 3 still due; definitions.hangs: a call has not returned yet" in said


def test_a_tick_keeps_within_its_budget(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """More to read and to deliver than it has time for: it stops, says so, and the next ticks go on."""
    spy = Spy()

    def slow(event: Any) -> None:
        time.sleep(0.15)
        spy(event)

    defs = definitions(tmp_path, HookRegistration("slow", slow))
    for _ in range(3):
        run(defs, instance)
    began = time.monotonic()
    said = tick(defs, instance, budget=1.0)
    assert time.monotonic() - began < 1.0 + 5.0 + 4.0
    assert "still due" in said
    while store_of(defs, instance).pending_count():
        tick(defs, instance)
    assert len(spy.events) == len({event.event_id for event in spy.events}) == 12


def test_a_store_that_is_down(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The tick says so and does not fail; nothing is lost, and a later tick records and delivers all."""
    spy = Spy()
    defs = definitions(tmp_path, spy.hook(), step_hooks=False)
    store = HookStore(f"sqlite:///{tmp_path}/hooks.db", timeout=0.05)
    store.put_state("any", "thing", 1)
    monkeypatch.setattr(Runtime, "store", lambda self, instance: store)
    run(defs, instance)
    with closing(sqlite3.connect(tmp_path / "hooks.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = tick(defs, instance)
    assert "cannot be used right now: database is locked" in said
    assert "the next tick tries again" in capsys.readouterr().err
    assert store.events() == []
    assert tick(defs, instance) == "read 1 runs, recorded 4 new of 4 events; 4 delivered"
    assert len(spy.events) == 4


def test_a_run_goes_on_while_the_store_is_down(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Its place cannot even be made: the run succeeds, and the tail records it once the place is there."""
    (tmp_path / "place").write_text("a file where a folder should be")
    spy = Spy()
    defs = definitions(tmp_path, spy.hook(), store=f"sqlite:///{tmp_path}/place/hooks.db")
    run(defs, instance)
    assert "hook store" in tick(defs, instance)
    (tmp_path / "place").unlink()
    assert tick(defs, instance) == "read 1 runs, recorded 4 new of 4 events; 4 delivered"


def test_two_tails_on_one_store(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The sensor and a relay beside it, at the same moment: each event is recorded and delivered once."""
    spy = Spy()
    defs = definitions(tmp_path, spy.hook())
    for _ in range(4):
        run(defs, instance)
    barrier, said = threading.Barrier(2), []

    def at_once() -> None:
        barrier.wait(10)
        said.append(tick(defs, instance))

    threads = [threading.Thread(target=at_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    tick(defs, instance)
    assert len(said) == 2
    assert len(spy.events) == len({event.event_id for event in spy.events}) == 16
    counts = store_of(defs, instance).counts()
    assert counts == {("definitions.spy", DeliveryState.DELIVERED): 16}
