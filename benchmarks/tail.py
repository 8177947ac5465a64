"""How fast the tail sensor catches up: a backlog of finished runs, read from Dagster's log and recorded.

    python benchmarks/tail.py [--events 30000] [--assets 100]

One real run of a chain of assets is executed; its log is then stored again under the ids of as many other
runs as it takes. What is timed is `Tail.collect` alone: reading, translating, matching, recording.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sqlite3
import time
import uuid
import warnings
from pathlib import Path

import dagster as dg

from phlo_hooks import with_hooks
from phlo_hooks.resources import BoundHooks

from runs import chain, listen  # isort: skip  # beside this file


def copy_run(instance: dg.DagsterInstance, run_id: str) -> str:
    """Store a finished run once more, under another id. Default SQLite keeps a file for each run's log."""
    new_id = str(uuid.uuid4())
    logs = Path(instance.storage_directory()).parent / "history" / "runs"
    source = logs / f"{run_id}.db" if (logs / f"{run_id}.db").exists() else _find(instance, run_id)
    target = source.with_name(f"{new_id}.db")
    shutil.copy(source, target)
    with sqlite3.connect(target) as database:
        values = (new_id, run_id, new_id)
        database.execute("UPDATE event_logs SET run_id = ?, event = replace(event, ?, ?)", values)
    run = instance.get_run_by_id(run_id)
    instance.run_storage.add_run(run._replace(run_id=new_id))
    return new_id


def _find(instance: dg.DagsterInstance, run_id: str) -> Path:
    return next(Path(instance.root_directory).rglob(f"{run_id}.db"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--assets", type=int, default=100)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    definitions = with_hooks(chain(options.assets), hooks=[listen], step_hooks=False)
    bound = definitions.resources["hooks"]
    assert isinstance(bound, BoundHooks)
    with dg.instance_for_test() as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        first = job.execute_in_process(instance=instance).run_id
        per_run = 3 * options.assets + 1
        for _ in range(options.events // per_run):
            copy_run(instance, first)
        tail = bound.runtime.tail(instance, "")
        began = time.perf_counter()
        report = tail.collect(budget=3600.0)
        seconds = time.perf_counter() - began
    print(
        f"{report.new} events of {report.runs} runs in {seconds:.1f} s: {report.new / seconds:,.0f}/s, "
        f"100,000 in {100_000 * seconds / report.new:.0f} s"
    )


if __name__ == "__main__":
    main()
