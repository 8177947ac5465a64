"""Definitions that other processes load; LINEAGE_URL says where their backend is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg
from dagster._core.execution.api import execute_run

from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import on_openlineage
from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import asset, definitions

URL = "LINEAGE_URL"
JOB = "everything"
READY = "LINEAGE_READY"


def in_processes(scene: dg.Definitions) -> dg.Definitions:
    """A scene, each of its steps in a process of its own."""
    # Children of a server that has loaded everything already: a step is a fork, not seconds of imports.
    forked = {"start_method": {"forkserver": {"preload_modules": [__name__]}}}
    executor = dg.multiprocess_executor.configured({"max_concurrent": 2, **forked})
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


def endless() -> dg.Definitions:
    """The second of three assets never ends by itself; it says when it has begun."""

    @dg.asset(deps=["orders"])
    def halfway() -> None:
        Path(os.environ[READY]).touch()
        time.sleep(600)

    assets = [asset("orders"), halfway, asset("after", ["halfway"])]
    jobs = [dg.define_asset_job(JOB)]
    return on_openlineage(definitions(*assets, jobs=jobs), None, url=dg.EnvVar(URL))


def endless_job() -> dg.JobDefinition:
    return endless().resolve_job_def(JOB)


def execute(job: str, run_id: str) -> None:
    """A run that another process has created."""
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        execute_run(dg.reconstructable(globals()[job]), run, instance)
