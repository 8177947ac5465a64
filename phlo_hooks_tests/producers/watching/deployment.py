"""One code location, its server, and the daemons' own functions, called one iteration at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.remote_representation.external import RemoteRepository
from dagster._core.test_utils import create_test_daemon_workspace_context, load_remote_repo
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.freshness import FreshnessDaemon
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._scheduler.scheduler import launch_scheduled_runs

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.watching.watchers import Watchers, WatchReport
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.watching import deployed

LOCATION = "post_office"
CATALOG = Catalog(deployed.defs.assets)
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
SYNCHRONOUS = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    },
    # Runs are launched as they are submitted: no daemon takes them from a queue here.
    "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"},
}

logger = logging.getLogger("dagster.daemon")


@dataclass(frozen=True)
class Deployment:
    """A workspace with its instance."""

    workspace: WorkspaceProcessContext
    trouble: Path
    defs: dg.Definitions = deployed.defs

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.workspace.instance

    @property
    def repository(self) -> RemoteRepository:
        return load_remote_repo(self.workspace, "__repository__")

    def break_(self, *names: str) -> None:
        """What fails from now on."""
        self.trouble.write_text(" ".join(names))

    def create_run(self, job: str, **tags: str) -> DagsterRun:
        """A run of the location, as a launch creates it."""
        remote = self.repository.get_full_job(job)
        return self.instance.create_run_for_job(
            self.defs.resolve_job_def(job),
            remote_job_origin=remote.get_remote_origin(),
            job_code_origin=remote.get_python_origin(),
            tags={**remote.run_tags, **tags},
            status=DagsterRunStatus.NOT_STARTED,
        )

    def submit(self, run: DagsterRun) -> None:
        """Hand it to the coordinator."""
        self.instance.submit_run(run.run_id, self.workspace.create_request_context())

    def launch(self, run: DagsterRun) -> None:
        """Hand it to the launcher, as the coordinator does."""
        self.instance.launch_run(run.run_id, self.workspace.create_request_context())

    def evaluate_sensors(self) -> None:
        """As the sensor daemon does; past the sensors' own interval."""
        time.sleep(1.05)
        _drain(execute_sensor_iteration(self.workspace, logger, None, None))

    def evaluate_schedules(self, when: datetime, retries: int = 0) -> None:
        """As the scheduler does at that time."""
        _drain(launch_scheduled_runs(self.workspace, logger, when, {}, max_tick_retries=retries))

    def work_on_backfills(self) -> None:
        """As the backfill daemon does."""
        _drain(execute_backfill_iteration(self.workspace, logger))

    def look_at_freshness(self) -> None:
        """As the freshness daemon does."""
        _drain(FreshnessDaemon().run_iteration(self.workspace))


def _drain(iteration: Any) -> None:
    for _ in iteration:
        pass


@contextmanager
def deploy(folder: Path, module: ModuleType = deployed, **overrides: Any) -> Iterator[Deployment]:
    """Serve the location, on default storage."""
    trouble, root = folder / "trouble", str(Path(__file__).parents[3])
    target = ModuleTarget(module.__name__, attribute="defs", working_directory=root, location_name=LOCATION)
    settings = {**SYNCHRONOUS, **overrides}
    with (
        no_fsync(),
        dg.instance_for_test(overrides=settings, temp_dir=str(folder)) as instance,
        create_test_daemon_workspace_context(target, instance) as workspace,
    ):
        yield Deployment(workspace, trouble, module.defs)


@contextmanager
def new_store(folder: Path) -> Iterator[HookStore]:
    with closing(HookStore(folder / "hooks.db")) as store:
        yield store


def make_watchers(instance: dg.DagsterInstance, store: HookStore, **options: Any) -> Watchers:
    """As one tick has them: nothing but the store outlives the tick."""
    scope = options.get("scope", LOCATION)
    settings = {
        "recorder": Recorder(store, scope=scope),
        "bus": HookBus(),
        "scope": scope,
        "since": LONG_AGO,
        **options,
    }
    return Watchers(instance, settings.pop("catalog", CATALOG), store=store, **settings)


def look(instance: dg.DagsterInstance, store: HookStore, **options: Any) -> WatchReport:
    """One tick's look."""
    return make_watchers(instance, store, **options).look(budget=60)


def told(store: HookStore, prefix: str = "") -> list[Any]:
    """What is recorded, in the order it was."""
    return [each.event for each in store.events() if each.event.event_type.startswith(prefix)]


def minutes_ago(minutes: float) -> datetime:
    return utc_now() - timedelta(minutes=minutes)
