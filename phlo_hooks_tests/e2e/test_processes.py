"""Runs of many processes, and processes that are killed: what the log of the run still says is told."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import golden, lake
from phlo_hooks_tests.e2e.conftest import ROOT, NewInstance

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# Importing Dagster takes seconds in each process, and several test processes may share the machine.
PATIENCE = 120


@pytest.fixture
def instance(new_instance: NewInstance) -> Iterator[dg.DagsterInstance]:
    """Default storage."""
    with new_instance("sharded") as made:
        yield made


def runtime_of(defs: dg.Definitions) -> Runtime:
    runtime: Runtime = (defs.resources or {})["hooks"].runtime
    return runtime


def recorded(instance: dg.DagsterInstance, defs: dg.Definitions, run_id: str) -> list[HookEvent]:
    """What is recorded of a run so far."""
    return [record.event for record in runtime_of(defs).store(instance).events(run_id=run_id)]


def told(instance: dg.DagsterInstance, defs: dg.Definitions, run_id: str) -> list[HookEvent]:
    """What is recorded of a run after a tick."""
    tick(instance, runtime_of(defs), "")
    return recorded(instance, defs, run_id)


def outcomes(events: list[HookEvent]) -> Counter[tuple[str, str]]:
    """How often each asset, check and run was said to have ended, and how."""
    ends = [row for row in golden.rows(events) if not row.event_type.endswith((".start", ".edges"))]
    return Counter((row.check or row.asset or row.event_type, row.status) for row in ends)


def run_in_processes(instance: dg.DagsterInstance, job: Callable[[], dg.JobDefinition], run_id: str) -> bool:
    """Run a job, each of its steps in a process of its own; return whether it succeeded."""
    definition = job()
    run = instance.create_run_for_job(definition, run_id=run_id, run_config=lake.FORKED)
    from dagster._core.execution.api import execute_run

    return execute_run(dg.reconstructable(job), run, instance).success


# -- many processes --------------------------------------------------------------------------------

OF_TEN = Counter(
    [
        *(
            (asset, "success")
            for asset in ("root", "left", "left_1", "left_2", "right", "right_1", "right_2")
        ),
        ("bad", "failure"),
        *((asset, "skipped") for asset in ("bad_1", "bad_2")),
        ("run.failure", "failure"),
    ]
)


@pytest.mark.parametrize(
    ("job", "step_hooks"),
    [
        pytest.param(lake.ten_in_processes, True, id="step hook and tail"),
        pytest.param(lake.ten_without_step_hook, False, id="tail alone"),
    ],
)
def test_one_of_ten_assets_fails(
    instance: dg.DagsterInstance, job: Callable[[], dg.JobDefinition], step_hooks: bool
) -> None:
    """One failure, with the user's own exception; what needs it is skipped, the others succeed."""
    run_id = str(uuid.uuid4())
    defs = with_hooks(lake.ten(), plugins=False, step_hooks=step_hooks)
    assert not run_in_processes(instance, job, run_id)
    by_steps = recorded(instance, defs, run_id)
    events = told(instance, defs, run_id)
    assert outcomes(events) == OF_TEN
    assert bool(by_steps) is step_hooks
    (failure,) = [e for e in events if e.event_type == "transform.end" and e.status == "failure"]
    assert (failure.error.error_class, failure.error.message) == ("ValueError", "no such column: amount")
    (end,) = [event for event in events if event.event_type == "run.failure"]
    assert [(step.step_key, step.error.message) for step in end.failed_steps] == [
        ("bad", "no such column: amount")
    ]


def test_the_golden_table_with_a_process_for_each_step(instance: dg.DagsterInstance) -> None:
    """The same events, with the same ids, as in one process."""
    run_id = golden.RUN_IDS["nightly"]
    run_in_processes(instance, lake.nightly_in_processes, run_id)
    defs = lake.hooked()
    by_steps = recorded(instance, defs, run_id)
    events = told(instance, defs, run_id)
    assert golden.rows(by_steps) == sorted(golden.STEPS["nightly"])
    everything = [*golden.STEPS["nightly"], *golden.RUNS["nightly"]]
    assert golden.rows(events) == sorted(everything)
    assert {e.event_id for e in events} == {golden.expected_id(run_id, row) for row in everything}


# -- killed processes ------------------------------------------------------------------------------


@contextmanager
def interrupted_run(instance: dg.DagsterInstance, ready: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A run in a process of its own that is in the middle of its second step; gives what kills it."""
    run_id = str(uuid.uuid4())
    code = f"from phlo_hooks_tests.e2e import lake; lake.run_interrupted({run_id!r})"
    environment = {
        **os.environ,
        "DAGSTER_HOME": instance.root_directory,
        "PYTHONPATH": str(ROOT),
        lake.READY: str(ready),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def kill() -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)

    try:
        deadline = time.monotonic() + PATIENCE
        while not ready.exists():
            assert process.poll() is None, "the run ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield run_id, kill
    finally:
        kill()


def test_a_worker_is_killed_in_the_middle_of_a_step(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Dagster's run monitoring finds it and fails the run: then all of it is told, the killed step too."""
    defs = lake.interrupted()
    with interrupted_run(instance, tmp_path / "ready") as (run_id, kill):
        while_it_runs = outcomes(told(instance, defs, run_id))
        kill()
    after_the_kill = outcomes(told(instance, defs, run_id))
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.report_run_failed(run, "Run worker died")
    events = told(instance, defs, run_id)

    assert while_it_runs == after_the_kill == Counter({("before", "success"): 1})
    assert outcomes(events) == Counter(
        {
            ("before", "success"): 1,
            ("halfway", "failure"): 1,
            ("after", "skipped"): 1,
            ("run.failure", "failure"): 1,
        }
    )
    (failure,) = [e for e in events if e.event_type == "transform.end" and e.status == "failure"]
    assert failure.error.error_class == "StepProcessDied"
    assert failure.error.message == "step 'halfway' began and recorded no end: Run worker died"


def test_the_events_of_an_open_run_come_before_its_end(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """A run that takes hours is not told when it is over."""
    defs = lake.interrupted()
    with interrupted_run(instance, tmp_path / "ready") as (run_id, _):
        events = golden.rows(told(instance, defs, run_id))
    assert [(row.event_type, row.asset, row.status) for row in events] == [
        ("ingestion.end", "before", "success"),
        ("ingestion.start", "before", "started"),
        ("run.start", "", "started"),
        ("transform.start", "halfway", "started"),
    ]


def test_the_processes_of_steps_are_killed(instance: dg.DagsterInstance) -> None:
    """The process of the run notices, and the other steps go on: a failure, a crashed check, one skipped."""
    run_id = str(uuid.uuid4())
    assert not run_in_processes(instance, lake.dying_in_processes, run_id)
    events = told(instance, lake.dying(), run_id)
    assert outcomes(events) == Counter(
        {
            ("dies", "failure"): 1,
            ("after", "skipped"): 1,
            ("lives", "success"): 1,
            ("dies_checking", "crashed"): 1,
            ("run.failure", "failure"): 1,
        }
    )
    (failure,) = [e for e in events if e.event_type == "ingestion.end" and e.status == "failure"]
    assert failure.error.error_class == "ChildProcessCrashException"
