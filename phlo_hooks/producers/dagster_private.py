"""Everything we use of Dagster that it does not promise to keep, and why. Nothing else here is private.

A test runs each of these on the lowest and the highest supported Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from inspect import getclosurevars
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterRun, EventLogEntry
from dagster._check import CheckError
from dagster._core import definitions
from dagster._core.definitions.dependency import NodeHandle
from dagster._core.definitions.partitions import utils as partition_utils
from dagster._core.event_api import EventLogCursor
from dagster._core.events import EngineEventData
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.execution.context.compute import current_execution_context
from dagster_shared import error as dagster_error

# Events reported from outside a run are stored under this run id, also by the sharded SQLite storage.
RUNLESS_RUN_ID = ""

# What a hook's function returns. Public as `dg.HookExecutionResult`, but not yet in Dagster 1.12.0.
HookExecutionResult = definitions.HookExecutionResult

# How Dagster records an exception: its message, class, stack and cause. In its log, not in its public names.
SerializableErrorInfo = dagster_error.SerializableErrorInfo


def log_cursor(storage_id: int) -> str:
    """A cursor for `get_records_for_run` that stands after this record; its public form is opaque."""
    return EventLogCursor.from_storage_id(storage_id).to_string()


def location_of(context: Any) -> str:
    """The code location that a sensor is evaluated in; empty where there is none, as in a test."""
    origin = context.code_location_origin
    return origin.location_name if origin else ""


def default_store_url(instance: dg.DagsterInstance) -> str | None:
    """Where the store goes beside the instance's own storage; None for an ephemeral instance.

    Dagster has no public way to ask an instance for its database, and a team that runs PostgreSQL should
    not have to name it twice.
    """
    if instance.is_ephemeral:
        return None
    storage: Any = instance.event_log_storage
    for name in ("postgres_url", "mysql_url"):
        url = getattr(storage, name, None)
        if isinstance(url, str):
            return url
    path = Path(instance.storage_directory()) / "phlo_hooks" / "hooks.db"
    return f"sqlite:///{path}"


def find_backfills(
    instance: dg.DagsterInstance,
    *,
    statuses: Iterable[str] | None = None,
    created_after: datetime | None = None,
    ids: Sequence[str] | None = None,
) -> list[Any]:
    """The backfills that meet every condition, newest first, as `PartitionBackfill`s; none for no `ids`.

    `get_backfills` belongs to the instance, but what it is asked with is not among Dagster's public names.
    """
    if ids is not None and not ids:
        return []
    wanted = BulkActionsFilter(
        statuses=None if statuses is None else [BulkActionStatus(each) for each in statuses],
        created_after=created_after,
        backfill_ids=ids,
    )
    # All at once, as Dagster's daemon reads them: with a cursor, its query is one that SQLAlchemy warns of.
    return list(instance.get_backfills(filters=wanted))


def heartbeat_tolerance() -> timedelta:
    """How old a daemon's last heartbeat may be before Dagster takes it for dead.

    The instance says whether a daemon is healthy, but not since when it is not. Imported here, as in the
    instance: the daemons themselves hang on it.
    """
    from dagster._daemon import controller

    interval = controller.DEFAULT_HEARTBEAT_INTERVAL_SECONDS
    return timedelta(seconds=interval + controller.DEFAULT_DAEMON_HEARTBEAT_TOLERANCE_SECONDS)


def on_run_events(instance: dg.DagsterInstance, run_id: str, call: Callable[[EventLogEntry], None]) -> None:
    """Have `call` called in this process with each log entry of a run, once it is stored.

    A step hook is not told when its events were recorded, and nothing public tells the end of a run: with an
    ephemeral instance nobody outside of the process will ever see it.
    """
    instance.add_event_listener(run_id, call)


def running_step() -> Any | None:
    """The context of the step that runs in this thread or task; None outside of one.

    `AssetExecutionContext.get()` is public but raises for a check, and outside a step.
    """
    return current_execution_context.get()


def step_key_of(context: Any) -> str:
    """The key of the step a context belongs to: public on hooks, not on executions."""
    key: str = context.get_step_execution_context().step.key
    return key


def asset_of_output(context: Any, output_name: str) -> dg.AssetKey | None:
    """The asset that an output of the running step is; None for what one op only hands on to another.

    `asset_key_for_output` is public, but what it raises then is not.
    """
    try:
        key: dg.AssetKey = context.asset_key_for_output(output_name)
    except CheckError:
        return None
    return key


def report_row(
    instance: dg.DagsterInstance,
    run: DagsterRun,
    message: str,
    metadata: dict[str, dg.MetadataValue],
    step_key: str | None,
) -> None:
    """Put a structured row into the run's event view, also when the run has ended.

    `EngineEventData` is what Dagster's own launchers use; nothing public writes a row that is not an asset's.
    """
    data = EngineEventData(metadata=metadata)
    instance.report_engine_event(message, run, data, step_key=step_key)


def made_of(definition: dg.ResourceDefinition) -> Any:
    """What a resource definition holds: a `ConfigurableResource`, the config of `.configured(…)`, or a value.

    Dagster turns into definitions what is bound on an asset or a job. None where a function makes it.
    """
    function = definition.resource_fn
    owner = getattr(function, "__self__", None)
    if owner is not None:
        return None if owner is definition else owner
    resolve = getattr(definition.config_schema, "resolve_config", None)
    return [getclosurevars(function).nonlocals, resolve({}).value if resolve else None]


def targeted_assets(instigator: Any) -> list[Any]:
    """The assets that a schedule or sensor has as its target; `Definitions` need not have them, too."""
    if isinstance(instigator, dg.ScheduleDefinition):
        return list(instigator.target.assets_defs)
    if isinstance(instigator, dg.SensorDefinition):
        return [asset for target in instigator.targets for asset in target.assets_defs]
    return []


def with_jobs(instigator: Any, jobs: Sequence[Any]) -> Any:
    """A schedule or sensor that launches other jobs, as Dagster itself makes one to bind resources."""
    if isinstance(instigator, dg.ScheduleDefinition):
        return instigator.with_updated_job(jobs[0])
    return instigator.with_updated_jobs(jobs)


def lacks_resources(job: dg.JobDefinition) -> bool:
    """Whether the definitions are yet to give a job its resources; they give a complete one no more.

    Nothing public tells the two apart, and an incomplete job accepts no resource on its own.
    """
    return job.is_missing_required_resources()


def jobs_of(instigator: Any) -> list[Any]:
    """The jobs a schedule or sensor launches, not those it only names."""
    if isinstance(instigator, dg.ScheduleDefinition):
        return [instigator.job] if instigator.target.has_job_def else []
    if isinstance(instigator, dg.SensorDefinition):
        return [target.job_def for target in instigator.targets if target.has_job_def]
    return []


def ops_of(job: dg.JobDefinition) -> frozenset[str]:
    """The keys of the steps of a job, one for each op; an execution plan has them too, but needs a config."""
    tops = ((node, NodeHandle(node.name, None)) for node in job.graph.nodes)
    return frozenset(str(handle) for node, top in tops for handle in node.definition.get_op_handles(top))


def op_edges(job: dg.JobDefinition) -> frozenset[tuple[str, str]]:
    """Which op of a job waits for which: upstream and downstream, through the graphs that they are in."""
    pairs = job.graph.get_op_input_output_handle_pairs(None)
    return frozenset((str(output.node_handle), str(input_.node_handle)) for output, input_ in pairs)


def ops_by_asset(job: dg.JobDefinition) -> Mapping[dg.AssetKey, str]:
    """The op of a job that yields each of its assets; publicly a job says no more than which they are."""
    layer = job.asset_layer
    return {key: str(layer.get_op_output_handle(key).node_handle) for key in layer.selected_asset_keys}


def mapping_between(
    stated: dg.PartitionMapping | None, downstream: dg.PartitionsDefinition, upstream: dg.PartitionsDefinition
) -> dg.PartitionMapping:
    """How partitions depend on those of another asset: as stated, or as Dagster guesses by their kinds.

    What it guesses is documented, but only its asset graph, which is private too, can be asked for it.
    """
    return partition_utils.infer_partition_mapping(stated, downstream, upstream)
