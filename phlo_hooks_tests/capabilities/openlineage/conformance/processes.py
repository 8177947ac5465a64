"""Definitions that other processes load; LINEAGE_URL says where their backend is."""

from __future__ import annotations

import sys

import dagster as dg

from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import on_openlineage

URL = "LINEAGE_URL"
JOB = "everything"


def in_processes(scene: dg.Definitions) -> dg.Definitions:
    """A scene, each of its steps in a process of its own."""
    executor = dg.multiprocess_executor.configured({"max_concurrent": 2})
    plain = dg.Definitions(assets=scene.assets, jobs=[dg.define_asset_job(JOB)], executor=executor)
    return on_openlineage(plain, None, url=dg.EnvVar(URL))


def ten() -> dg.Definitions:
    """One fails, six succeed, three never start."""
    return in_processes(scenes.ten_assets())


def ten_job() -> dg.JobDefinition:
    return ten().resolve_job_def(JOB)


def still_running() -> dg.Definitions:
    """One branch fails while the other runs."""
    return in_processes(scenes.still_running())


def still_running_job() -> dg.JobDefinition:
    return still_running().resolve_job_def(JOB)


def execute(run_id: str) -> None:
    """A run that another process has created."""
    from dagster._core.execution.api import execute_run

    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        execute_run(dg.reconstructable(ten_job), run, instance)


if __name__ == "__main__":
    execute(sys.argv[1])
