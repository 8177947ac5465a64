"""The peer of `backends.py` and `lineage.py`: dagster-openlineage. Run in an environment that has it.

    python benchmarks/openlineage_peer.py http://127.0.0.1:5000 [--assets 10] [--sensor-runs 20]

Prints the seconds of one run without its storage wrapper and of one with it, as JSON. With `--sensor-runs`,
lets its sensor tick after so many runs, on a consolidated log, until it finds nothing more, and prints how
many ticks that took and how many records there were for it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
import warnings
from typing import Any

import dagster as dg


def chain(length: int) -> dg.JobDefinition:
    """The same assets as in `runs.py`, which needs phlo-hooks."""
    return dg.Definitions(assets=[_asset(n) for n in range(length)]).resolve_implicit_global_asset_job_def()


def _asset(index: int) -> dg.AssetsDefinition:
    deps = [f"asset_{index - 1}"] if index else []

    @dg.asset(name=f"asset_{index}", deps=deps)
    def nothing() -> None: ...

    return nothing


def storage(folder: str) -> dict[str, Any]:
    """The wrapper around Dagster's default SQLite log, as in its README."""
    wrapped = {
        "module": "dagster._core.storage.event_log",
        "class": "SqliteEventLogStorage",
        "config": {"base_dir": folder},
    }
    config = {"wrapped": wrapped, "namespace": "bench"}
    return {"module": "dagster_openlineage", "class": "OpenLineageEventLogStorage", "config": config}


def seconds(job: dg.JobDefinition, overrides: dict[str, Any], warm_up: bool) -> float:
    with dg.instance_for_test(overrides=overrides) as instance:
        if warm_up:
            job.execute_in_process(instance=instance)
        began = time.perf_counter()
        job.execute_in_process(instance=instance)
        return time.perf_counter() - began


def sensor(job: dg.JobDefinition, runs: int) -> dict[str, int]:
    """So many runs, and then the sensor's ticks; with its defaults, but for the events of assets."""
    from dagster_openlineage import openlineage_sensor

    definition = openlineage_sensor(include_asset_events=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        dg.instance_for_test(overrides=consolidated(folder)) as instance,
    ):
        for _ in range(runs):
            job.execute_in_process(instance=instance)
        cursor, ticks = None, 0
        while True:
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            definition.evaluate_tick(context)
            ticks += 1
            if context.cursor == cursor:
                return {"runs": runs, "ticks": ticks}
            cursor = context.cursor


def consolidated(folder: str) -> dict[str, Any]:
    """Its sensor needs one log for all runs, as PostgreSQL has."""
    storage = {
        "module": "dagster._core.storage.event_log",
        "class": "ConsolidatedSqliteEventLogStorage",
        "config": {"base_dir": folder},
    }
    return {"event_log_storage": storage}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="of the backend")
    parser.add_argument("--assets", type=int, default=10)
    parser.add_argument("--sensor-runs", type=int, default=0)
    options = parser.parse_args()
    os.environ["OPENLINEAGE_URL"] = options.url
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    job = chain(options.assets)
    if options.sensor_runs:
        print(json.dumps(sensor(job, options.sensor_runs)))
        return
    bare = seconds(job, {}, warm_up=True)
    with tempfile.TemporaryDirectory() as folder:
        wrapped = seconds(job, {"event_log_storage": storage(folder)}, warm_up=False)
    print(json.dumps({"bare": bare, "wrapped": wrapped}))


if __name__ == "__main__":
    main()
