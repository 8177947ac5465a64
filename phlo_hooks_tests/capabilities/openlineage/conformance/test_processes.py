"""Runs of many processes: what is told does not depend on who executes what."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

from phlo_hooks_tests.capabilities.openlineage.conformance import processes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import QUIET, catch_up, facet, states_of
from phlo_hooks_tests.capabilities.openlineage.lifecycle import is_terminal
from phlo_hooks_tests.capabilities.openlineage.scenes.graphs import FAILED, SUCCEEDED, TEN
from phlo_hooks_tests.e2e.conftest import ROOT

pytestmark = [*QUIET, pytest.mark.e2e]

# Importing Dagster takes seconds in each process, and several test processes may share the machine.
PATIENCE = 120

DONE, FAIL = "START COMPLETE", "START FAIL"
OF_TEN = {processes.JOB: FAIL, FAILED: FAIL, **dict.fromkeys(SUCCEEDED, DONE)}


@pytest.fixture(autouse=True)
def _url(backend, monkeypatch):
    monkeypatch.setenv(processes.URL, backend.url)


def check_ten(backend) -> None:
    """One of ten has failed, and the run; with the user's own error, and each with its inputs."""
    backend.check_lifecycle()
    assert OF_TEN == states_of(backend.events)
    (failed,) = [event for event in backend.of_job(FAILED) if is_terminal(event)]
    assert "Broken: no such table: orders" == facet(failed, "run.facets.errorMessage.message")
    tried = {(up, name) for name in {*SUCCEEDED, FAILED} for up in TEN[name]}
    assert tried == backend.graph().flows


@contextmanager
def worker(instance, job: str, run_id: str) -> Iterator[subprocess.Popen]:
    """A process that executes a run, and no longer than this."""
    environment = {**os.environ, "DAGSTER_HOME": instance.root_directory, "PYTHONPATH": str(ROOT)}
    code = f"from {processes.__name__} import execute; execute({job!r}, {run_id!r})"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT, **quiet)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_process_for_each_step(backend, instance):
    """As the multiprocess executor has it."""
    with dg.execute_job(dg.reconstructable(processes.ten_job), instance) as result:
        assert not result.success
    catch_up(processes.ten(), instance)
    check_ten(backend)


def test_created_here_and_executed_there(backend, instance):
    """As the daemon and a run worker."""
    run = instance.create_run_for_job(processes.ten_job())
    with worker(instance, "ten_job", run.run_id) as process:
        assert 0 == process.wait(PATIENCE)
    catch_up(processes.ten(), instance)
    check_ten(backend)


def test_a_branch_still_runs(backend, instance):
    """When another fails: only that one has failed, and what ends later has succeeded."""
    with dg.execute_job(dg.reconstructable(processes.still_running_job), instance) as result:
        assert not result.success
    catch_up(processes.still_running(), instance)
    backend.check_lifecycle()
    expected = dict.fromkeys(("source", "slow", "after_slow"), DONE)
    assert {processes.JOB: FAIL, "quick_broken": FAIL, **expected} == states_of(backend.events)


def test_terminated_by_a_user(backend, instance, tmp_path, monkeypatch):
    """As the UI does: the run is marked, its process gets a signal, and what it was at is aborted."""
    ready = tmp_path / "ready"
    monkeypatch.setenv(processes.READY, str(ready))
    run = instance.create_run_for_job(processes.endless_job())
    with worker(instance, "endless_job", run.run_id) as process:
        deadline = time.monotonic() + PATIENCE
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        instance.report_run_canceling(instance.get_run_by_id(run.run_id))
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    catch_up(processes.endless(), instance)
    backend.check_lifecycle()
    aborted = dict.fromkeys((processes.JOB, "halfway"), "START ABORT")
    assert {"orders": DONE, **aborted} == states_of(backend.events)
