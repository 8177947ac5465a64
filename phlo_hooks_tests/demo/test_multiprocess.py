"""The same with a process for each step, as most deployments run it."""

from __future__ import annotations

import dagster as dg
import pytest

from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import HOME_VARIABLE, DemoHome

pytestmark = pytest.mark.e2e

# One table through all layers: five steps, of which both checks and the dbt build want the file at once.
SELECTED = [["raw", "flights"], ["staging", "flights"], ["published", "route_traffic"]]


def lakehouse() -> dg.JobDefinition:
    """What each process loads for itself."""
    definitions = build_definitions(executor=dg.multiprocess_executor)
    return definitions.resolve_job_def("lakehouse")


@pytest.mark.timeout(300)
def test_steps_in_processes_take_turns(
    copied_home: DemoHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB would refuse whoever comes second."""
    monkeypatch.setenv(HOME_VARIABLE, str(copied_home.root))
    selection = [dg.AssetKey(key) for key in SELECTED]
    with dg.instance_for_test() as instance:
        job = dg.reconstructable(lakehouse)
        with dg.execute_job(job, instance=instance, asset_selection=selection) as result:
            assert result.success
            done = {event.step_key for event in result.all_events if event.is_step_success}
    assert done == {
        "load_flights",
        "raw__flights_tail_numbers_known",
        "raw__flights_whole_year_loaded",
        "transform",
        "published__route_traffic",
    }
