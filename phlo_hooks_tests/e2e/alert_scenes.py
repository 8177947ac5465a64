"""What happens in a deployment so that each signal is told: trouble first, then what ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun
from dagster._core.definitions import freshness_evaluator
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.utils import make_new_backfill_id
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.types import DaemonHeartbeat
from dagster._grpc.types import ExecuteRunArgs

from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.dagster_private import heartbeat_tolerance
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import alert_location as location
from phlo_hooks_tests.e2e.conftest import ROOT
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.producers.watching.deployment import LOCATION, Deployment, deploy

QUEUE = {"run_coordinator": {"module": "dagster._core.run_coordinator", "class": "QueuedRunCoordinator"}}
TROUBLES = (
    *("nightly", "revenue", "orders", "stock", "shops", "files", "at_night"),
    *("crm", "lake", "mail"),
)
# One iteration plans or submits a backfill's runs, another takes them from the queue, another counts them.
_ITERATIONS = 12


@dataclass(frozen=True)
class Stage:
    """The deployment, and what its daemons and people do."""

    deployment: Deployment

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.deployment.instance

    def tell(self) -> None:
        """The tail, the watchers and the relay, as in a tick of the sensor."""
        runtime = runtime_of(location.defs)
        # Else what no run's log tells is looked at every few seconds only.
        runtime._watched.clear()
        tick(self.instance, runtime, LOCATION)

    def run(self, *jobs: str) -> None:
        """Launch a run of each, and see it through."""
        for job in jobs:
            self.deployment.launch(self.deployment.create_run(job))

    def enqueue(self, job: str) -> DagsterRun:
        """A run that waits for the daemon of the queue."""
        run = self.deployment.create_run(job)
        self.deployment.submit(run)
        return run

    def dequeue(self) -> None:
        """As that daemon does."""
        for _ in QueuedRunCoordinatorDaemon(interval_seconds=1).run_iteration(self.deployment.workspace):
            pass

    def beat(self, when: datetime) -> None:
        """The heartbeat of the sensor daemon."""
        self.instance.add_daemon_heartbeat(DaemonHeartbeat(when.timestamp(), "SENSOR", "me", []))

    def look_at_freshness(self, later: timedelta = timedelta()) -> None:
        """As the freshness daemon does, so much later."""
        now = freshness_evaluator.get_current_timestamp
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(freshness_evaluator, "get_current_timestamp", lambda: now() + later.total_seconds())
            self.deployment.look_at_freshness()

    def backfill_job(self) -> PartitionBackfill:
        """As "launch backfill" of the job adds one."""
        sets = self.deployment.repository.get_partition_sets()
        (partitions,) = [each for each in sets if each.job_name == "parted"]
        backfill = PartitionBackfill(
            backfill_id=make_new_backfill_id(),
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=utc_now().timestamp(),
            partition_set_origin=partitions.get_remote_origin(),
            partition_names=["a", "b", "c"],
        )
        self.instance.add_backfill(backfill)
        return backfill

    def backfill_asset(self, asset: str) -> PartitionBackfill:
        """As "materialize" of several partitions adds one."""
        backfill = PartitionBackfill.from_asset_partitions(
            backfill_id=make_new_backfill_id(),
            asset_graph=self.deployment.workspace.create_request_context().asset_graph,
            partition_names=["a", "b", "c"],
            asset_selection=[dg.AssetKey(asset)],
            backfill_timestamp=utc_now().timestamp(),
            tags={},
            dynamic_partitions_store=self.instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
        self.instance.add_backfill(backfill)
        return backfill

    def work_on(self, *backfills: PartitionBackfill) -> None:
        """As the backfill daemon and that of the queue do, until all have ended."""
        ids = [each.backfill_id for each in backfills]
        for _ in range(_ITERATIONS):
            self.deployment.work_on_backfills()
            self.dequeue()
            found = [self.instance.get_backfill(each) for each in ids]
            if all(each and each.status is not BulkActionStatus.REQUESTED for each in found):
                return
        pytest.fail(f"still {[each and each.status for each in found]}")

    @contextmanager
    def worker(self, job: str) -> Iterator[DagsterRun]:
        """A run in a process of its own, as launchers start it, which is killed at the end."""
        run = self.deployment.create_run(job)
        assert run.job_code_origin is not None
        arguments = ExecuteRunArgs(run.job_code_origin, run.run_id, self.instance.get_ref())
        environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            [sys.executable, "-m", "dagster", *arguments.get_command_args()[-3:]],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            while b"begun" not in (line := process.stdout.readline()):
                assert line or process.poll() is None, "the worker ended before it began"
            yield run
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """The location, served; its runs are executed by this process, in turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATCHED_TROUBLE", str(folder / "trouble"))
        with deploy(folder, location, **QUEUE) as deployment:
            yield Stage(deployment)


def play(stage: Stage) -> None:
    """All scenes, in an order in which they have little to wait for."""
    minute = utc_now().replace(second=5, microsecond=0)
    stage.deployment.evaluate_schedules(minute)
    stage.tell()
    with stage.worker("endless_job") as run:
        trouble(stage, minute)
    stage.instance.report_run_failed(run, "The run worker died: its process was killed")
    recovery(stage, minute)


def trouble(stage: Stage, minute: datetime) -> None:
    """All that can go wrong does, and something that does not."""
    stage.deployment.break_(*TROUBLES)
    stage.run("hourly", "nightly", "customers", "orders", "revenue", "stock", "shops", "daily", "tables")
    stage.run("profiled", "posted", "dropped")
    stage.instance.run_coordinator.cancel_run(stage.enqueue("weekly").run_id)
    stage.enqueue("monthly")
    stage.deployment.evaluate_sensors()
    stage.deployment.evaluate_schedules(minute + timedelta(minutes=1))
    stage.beat(utc_now() - heartbeat_tolerance() - timedelta(seconds=1))
    canceled = stage.backfill_asset("letters")
    stage.look_at_freshness()
    stage.tell()
    stage.instance.update_backfill(canceled.with_status(BulkActionStatus.CANCELED))
    # The retries of the other hooks: at once, one after the other.
    for _ in range(3):
        stage.tell()


def recovery(stage: Stage, minute: datetime) -> None:
    """What was wrong is right again."""
    stage.deployment.break_("columns")
    stage.work_on(stage.backfill_job(), stage.backfill_asset("answers"))
    stage.run("nightly", "orders", "revenue", "stock", "shops", "tables", "weekly")
    stage.look_at_freshness(location.WARN_AFTER)
    stage.deployment.evaluate_sensors()
    stage.deployment.evaluate_schedules(minute + timedelta(minutes=2))
    stage.beat(utc_now())
    runtime_of(location.defs).store(stage.instance).enable("definitions.lake", scope=LOCATION)
    stage.tell()
    stage.look_at_freshness(location.FAIL_AFTER)
    stage.tell()
    stage.look_at_freshness()
    # The other hook's circuit has been open for a second by now.
    time.sleep(0.5)
    stage.tell()
