"""The same with a process for each step, as most deployments run it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import dagster as dg
import duckdb
import pytest

from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import HOME_VARIABLE, DemoHome
from phlo_hooks.demo.warehouse import Warehouse

pytestmark = pytest.mark.e2e

# A step opens the file within a second of its start, on a busy machine within a few.
HELD_AFTER_START = 6.0


def lakehouse() -> dg.JobDefinition:
    """What each process loads for itself."""
    definitions = build_definitions(executor=dg.multiprocess_executor)
    return definitions.resolve_job_def("lakehouse")


@pytest.fixture
def persistent() -> Iterator[dg.DagsterInstance]:
    """An instance on disk: other processes write to it."""
    with dg.instance_for_test() as instance:
        yield instance


def step_has_started(instance: dg.DagsterInstance) -> bool:
    """Whether any step of any run has."""
    return any(
        instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START) for run in instance.get_runs()
    )


def hold_until_a_step_waits(
    home: DemoHome, instance: dg.DagsterInstance, held: threading.Event, over: threading.Event
) -> None:
    """Keep the warehouse open for writing here while a step in another process wants it."""
    warehouse = Warehouse(path=str(home.warehouse), published_path=str(home.published))
    with warehouse.reserved(), duckdb.connect(warehouse.path):
        held.set()
        while not over.wait(0.1):
            if step_has_started(instance):
                over.wait(HELD_AFTER_START)
                return


@pytest.mark.timeout(300)
def test_steps_in_processes_wait_for_the_file(
    persistent: dg.DagsterInstance, copied_home: DemoHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB would refuse the step, as this process has the file open; the step waits, then works."""
    monkeypatch.setenv(HOME_VARIABLE, str(copied_home.root))
    held, over = threading.Event(), threading.Event()
    arguments = (copied_home, persistent, held, over)
    holder = threading.Thread(target=hold_until_a_step_waits, args=arguments, daemon=True)
    holder.start()
    try:
        assert held.wait(timeout=30)
        done = steps_that_succeed(persistent)
    finally:
        # Before the instance goes: the thread asks it.
        over.set()
        holder.join(timeout=30)
    assert done == {"load_reference", "transform"}


def steps_that_succeed(instance: dg.DagsterInstance) -> set[str | None]:
    """Run one table through two layers, with a process for each step."""
    planes = [dg.AssetKey(["raw", "planes"]), dg.AssetKey(["staging", "planes"])]
    job = dg.reconstructable(lakehouse)
    with dg.execute_job(job, instance=instance, asset_selection=planes) as result:
        return {event.step_key for event in result.all_events if event.is_step_success}
