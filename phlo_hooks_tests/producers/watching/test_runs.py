"""Runs that take too long: real ones, held by a queue, by a cluster, or by a process that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun

from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.watching import runs
from phlo_hooks.producers.watching.limits import Limits
from phlo_hooks_tests.e2e.conftest import ROOT
from phlo_hooks_tests.producers.watching.deployment import (
    Deployment,
    deploy,
    look,
    make_watchers,
    minutes_ago,
    told,
)

AT_ONCE = timedelta(microseconds=1)
QUEUE = {
    "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "QueuedRunCoordinator"},
    "run_launcher": {"module": "phlo_hooks_tests.producers.watching.never_begins", "class": "NeverBegins"},
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A queue that no daemon empties, before a cluster without room."""
    folder = tmp_path_factory.mktemp("queue")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATCHED_TROUBLE", str(folder / "trouble"))
        with deploy(folder, **QUEUE) as made:
            yield made


@pytest.fixture(autouse=True)
def _end_all(deployment: Deployment) -> Iterator[None]:
    yield
    for run in deployment.instance.get_runs():
        deployment.instance.delete_run(run.run_id)


def begin(deployment: Deployment, run: DagsterRun) -> None:
    """What a run's process reports when it begins."""
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name, message="begun"
    )
    deployment.instance.report_dagster_event(event, run.run_id)


def watch(deployment: Deployment, store: HookStore, limits: Limits, **options: Any) -> list[Any]:
    """What a look tells."""
    before = len(told(store))
    look(deployment.instance, store, limits=lambda: limits, **options)
    return told(store)[before:]


def test_waits_in_the_queue(deployment: Deployment, store: HookStore) -> None:
    """Told once, with how long it has been waiting; forgotten when it has left the queue."""
    run = deployment.create_run("one", team="sales", **{"dagster/schedule_name": "nightly"})
    deployment.submit(run)
    assert watch(deployment, store, Limits()) == []
    (event,) = watch(deployment, store, Limits(stuck_queued=AT_ONCE))
    assert (event.event_type, event.phase, event.status) == ("run.stuck", "queued", None)
    assert (event.run_id, event.job_name, event.correlation.job_name) == (run.run_id, "one", "one")
    assert (event.launched_by, event.tags) == ("schedule:nightly", {"team": "sales"})
    assert 0 < event.duration < 60
    assert watch(deployment, store, Limits(stuck_queued=AT_ONCE)) == []
    assert len(store.list_state("watch:post_office", "run/")) == 1
    deployment.instance.report_run_canceled(run)
    assert watch(deployment, store, Limits(stuck_queued=AT_ONCE)) == []
    assert store.list_state("watch:post_office", "run/") == []


def test_waits_for_a_place(deployment: Deployment, store: HookStore) -> None:
    """Counted from its launch, not from when it came into the queue; each phase is told on its own."""
    run = deployment.create_run("one")
    deployment.submit(run)
    limits = Limits(stuck_queued=AT_ONCE, stuck_starting=timedelta(seconds=1))
    assert [event.phase for event in watch(deployment, store, limits)] == ["queued"]
    time.sleep(1)
    deployment.launch(run)
    assert watch(deployment, store, limits) == []
    time.sleep(1)
    (event,) = watch(deployment, store, limits)
    assert (event.event_type, event.phase) == ("run.stuck", "starting")
    assert 1 <= event.duration < 2
    assert len({each.event_id for each in told(store)}) == 2


def test_runs_of_a_backfill_wait_for_one_another(deployment: Deployment, store: HookStore) -> None:
    """Ten thousand of them are no ten thousand alerts."""
    deployment.submit(deployment.create_run("one", **{"dagster/backfill": "abcdefgh"}))
    assert watch(deployment, store, Limits(stuck_queued=AT_ONCE)) == []


LIMITS = [
    pytest.param("one", {}, Limits(), False, id="a day"),
    pytest.param("one", {}, Limits(long_running=AT_ONCE), True, id="the setting"),
    pytest.param("one", {}, Limits(long_running=None), False, id="the setting, never"),
    pytest.param("brief", {}, Limits(long_running=AT_ONCE), False, id="the job's tag wins"),
    pytest.param("brief", {"phlo/long_running": "0.001"}, Limits(), True, id="the run's tag wins"),
    pytest.param("one", {"phlo/long_running": "never"}, Limits(long_running=AT_ONCE), False, id="never"),
    pytest.param("one", {"dagster/max_runtime": "0.001"}, Limits(), True, id="Dagster's own"),
    pytest.param(
        "one",
        {"dagster/max_runtime": "0.001", "phlo/long_running": "2h"},
        Limits(),
        False,
        id="ours before Dagster's",
    ),
]


@pytest.mark.parametrize(("job", "tags", "limits", "expected"), LIMITS)
def test_executes_for_long(
    deployment: Deployment, store: HookStore, job: str, tags: dict[str, str], limits: Limits, expected: bool
) -> None:
    """What the run says, or its job, or Dagster, or the setting."""
    begin(deployment, deployment.create_run(job, **tags))
    time.sleep(0.01)
    found = watch(deployment, store, limits)
    assert [event.event_type for event in found] == ["run.long_running"] * expected
    assert [event.status for event in found] == ["started"] * expected
    assert watch(deployment, store, limits) == []


def test_a_limit_that_is_none(
    deployment: Deployment, store: HookStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A tag given at launch cannot be refused; the log says so once, and other runs are watched."""
    begin(deployment, deployment.create_run("one", **{"phlo/long_running": "soon"}))
    begin(deployment, deployment.create_run("one"))
    limits = Limits(long_running=AT_ONCE)
    assert len(watch(deployment, store, limits)) == 1
    assert watch(deployment, store, limits) == []
    assert caplog.text.count("tag phlo/long_running is 'soon': write a time above 0") == 1


def test_what_was_too_long_before_there_was_a_tail(deployment: Deployment, store: HookStore) -> None:
    """Is not told; what becomes so afterwards is."""
    begin(deployment, deployment.create_run("one"))
    begun = utc_now()
    assert watch(deployment, store, Limits(long_running=AT_ONCE), since=utc_now()) == []
    time.sleep(0.5)
    just_now = Limits(long_running=utc_now() - begun)
    assert len(watch(deployment, store, just_now, since=minutes_ago(0))) == 1


@pytest.mark.parametrize("scope", ["elsewhere", ""])
def test_the_runs_of_another_location(deployment: Deployment, store: HookStore, scope: str) -> None:
    """Are left to its own tail."""
    begin(deployment, deployment.create_run("one"))
    assert watch(deployment, store, Limits(long_running=AT_ONCE), scope=scope) == []


def test_more_than_a_page(deployment: Deployment, store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, the oldest first: with no time for all, those that have waited longest are told."""
    monkeypatch.setattr(runs, "_PAGE", 2)
    waiting = [deployment.create_run("one") for _ in range(5)]
    for run in waiting:
        begin(deployment, run)
    time.sleep(0.01)
    limits = Limits(long_running=AT_ONCE)
    late = make_watchers(deployment.instance, store, limits=lambda: limits).look(budget=0)
    assert (late.new, late.complete) == (2, False)
    assert [event.run_id for event in told(store)] == [run.run_id for run in waiting[:2]]
    assert [event.run_id for event in watch(deployment, store, limits)] == [run.run_id for run in waiting[2:]]


def test_an_environment_that_says_nothing_useful(
    deployment: Deployment, store: HookStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Runs are not watched; all else is, and is delivered."""

    def limits() -> Limits:
        raise ConfigurationError("long_running_after is 'soon'")

    assert look(deployment.instance, store, limits=limits).complete
    assert "runs cannot be watched; it is tried again" in caplog.text
    assert store.get_state("watch:post_office", "backfill/seen") is not None


KILLED = """
import os, signal, sys, time
import dagster as dg

@dg.op
def hangs():
    sys.stdout.write("begun\\n")
    sys.stdout.flush()
    time.sleep(600)

@dg.job(executor_def=dg.in_process_executor)
def hanging():
    hangs()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    hanging.execute_in_process(instance=instance)
"""


@pytest.mark.e2e
def test_a_worker_that_was_killed(tmp_path: Path, store: HookStore) -> None:
    """Its run is open for ever, and nobody else says so: it has no location, so any tail tells it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    command = [sys.executable, "-c", KILLED, str(home)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment, stderr=subprocess.DEVNULL
    ) as worker:
        assert worker.stdout is not None
        while b"begun" not in worker.stdout.readline():
            assert worker.poll() is None
        worker.send_signal(signal.SIGKILL)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        look(instance, store, limits=lambda: Limits(long_running=timedelta(seconds=0.01)))
        (event,) = told(store)
        assert (event.event_type, event.job_name) == ("run.long_running", "hanging")
        assert event.run_id == instance.get_runs()[0].run_id
