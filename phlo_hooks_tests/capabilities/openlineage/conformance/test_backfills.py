"""A backfill is a run of its own, above the Dagster runs that it launches."""

from __future__ import annotations

import pytest

from phlo_hooks.capabilities.openlineage.run_ids import backfill_run_id
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import (
    QUIET,
    facet,
    on_openlineage,
    undelivered,
)
from phlo_hooks_tests.capabilities.openlineage.lifecycle import is_terminal
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.producers.watching import test_backfills as daemon
from phlo_hooks_tests.producers.watching.conftest import deployment
from phlo_hooks_tests.producers.watching.deployment import LOCATION

__all__ = ["deployment"]

pytestmark = [*QUIET, *daemon.pytestmark, pytest.mark.e2e]


def test_parent_of_its_runs_and_root_of_all(deployment, backend, tmp_path):  # the fixture
    """Three partitions of which one fails: so has the backfill."""
    store = f"sqlite:///{tmp_path}/hooks.db"
    hooked = on_openlineage(deployment.defs, backend, store=store, since=utc_now())
    backfill = daemon.of_job(deployment)
    runtime = runtime_of(hooked)
    runtime.watchers(deployment.instance, LOCATION).look(10)
    daemon.work(deployment, backfill)
    runtime.watchers(deployment.instance, LOCATION).look(10)
    tick(deployment.instance, runtime, LOCATION)
    assert [] == undelivered(runtime.store(deployment.instance))
    backend.check_lifecycle()

    run_id = backfill_run_id(backfill.backfill_id)
    began, ended = backend.of_job("parted.backfill")
    assert (run_id, run_id) == (began["run"]["runId"], ended["run"]["runId"])
    assert ("START", "FAIL") == (began["eventType"], ended["eventType"])
    runs = [event for event in backend.of_job("parted") if is_terminal(event)]
    assert ["COMPLETE", "COMPLETE", "FAIL"] == sorted(event["eventType"] for event in runs)
    for event in runs:
        assert (run_id, run_id) == _ancestors(event)
    for event in backend.of_job("letters"):
        parent, root = _ancestors(event)
        assert (True, run_id) == (parent in {each["run"]["runId"] for each in runs}, root)


def _ancestors(event) -> tuple[str, str]:
    parent = facet(event, "run.facets.parent")
    assert "parted.backfill" == parent["root"]["job"]["name"]
    return parent["run"]["runId"], parent["root"]["run"]["runId"]
