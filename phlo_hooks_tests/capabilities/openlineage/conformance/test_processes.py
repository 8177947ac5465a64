"""Runs of many processes: what is told does not depend on who executes what."""

from __future__ import annotations

import os
import subprocess
import sys

import dagster as dg
import pytest

from phlo_hooks_tests.capabilities.openlineage.conformance import processes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import QUIET, catch_up, facet, states_of
from phlo_hooks_tests.capabilities.openlineage.lifecycle import is_terminal
from phlo_hooks_tests.capabilities.openlineage.scenes.graphs import FAILED, SUCCEEDED, TEN
from phlo_hooks_tests.e2e.conftest import ROOT

pytestmark = [*QUIET, pytest.mark.e2e]

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


def test_a_process_for_each_step(backend, instance):
    """As the multiprocess executor has it."""
    with dg.execute_job(dg.reconstructable(processes.ten_job), instance) as result:
        assert not result.success
    catch_up(processes.ten(), instance)
    check_ten(backend)


def test_created_here_and_executed_there(backend, instance):
    """As the daemon and a run worker."""
    run = instance.create_run_for_job(processes.ten_job())
    environment = {**os.environ, "DAGSTER_HOME": instance.root_directory, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", processes.__name__, run.run_id]
    subprocess.run(command, env=environment, check=True, capture_output=True, cwd=ROOT)
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
