"""The event catalogue: one class per kind of thing that happens in a Dagster deployment.

Field names follow Dagster, dbt and OpenLineage; class and event-type names follow Phlo's ADR 0033.
Docs: `docs/events.md`, which a test holds against this file. JSON Schemas: `docs/schemas/`.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field, model_validator
from typing_extensions import Self

from phlo_hooks.envelope import (
    EVENT_VERSION,
    HookCorrelation,
    HookEvent,
    UtcDatetime,
    known_event_types,
)
from phlo_hooks.event_parts import (
    SEVERITIES,
    Column,
    ColumnChange,
    ColumnEdge,
    Error,
    ErrorInfo,
    FailedStep,
    Plain,
    Severity,
    Status,
)
from phlo_hooks.platform_events import (
    AlertEvent,
    BackfillEvent,
    DefinitionsEvent,
    DeploymentEvent,
    HookStatusEvent,
    SemanticEvent,
    ServiceLifecycleEvent,
    TelemetryEvent,
    TickEvent,
)

__all__ = [
    "EVENT_VERSION",
    "SEVERITIES",
    "AlertEvent",
    "AssetEvent",
    "AssetHealthEvent",
    "BackfillEvent",
    "Column",
    "ColumnChange",
    "ColumnEdge",
    "DefinitionsEvent",
    "DeploymentEvent",
    "DriftEvent",
    "ErrorInfo",
    "ExternalEvent",
    "FailedStep",
    "FreshnessEvent",
    "HookCorrelation",
    "HookEvent",
    "HookStatusEvent",
    "IngestionEvent",
    "LineageEvent",
    "ProfilingEvent",
    "PublishEvent",
    "QualityResultEvent",
    "RunEvent",
    "SchemaChangeEvent",
    "SemanticEvent",
    "ServiceLifecycleEvent",
    "TelemetryEvent",
    "TickEvent",
    "TransformEvent",
    "known_event_types",
]


class RunEvent(HookEvent):
    """A Dagster run changed its state."""

    event_types = (
        "run.queued",
        "run.start",
        "run.success",
        "run.failure",
        "run.canceled",
        "run.long_running",
        "run.stuck",
    )

    job_name: str | None = None
    status: Status | None = None
    duration: Plain[float | None] = Field(
        default=None, description="seconds from start to end; of a slow run, so far"
    )
    failed_steps: tuple[FailedStep, ...] = ()
    error: Error | None = Field(default=None, description="why the run failed, where no step says it")
    will_retry: bool | None = Field(default=None, description="whether Dagster launches it once more")
    retry_number: int = Field(default=0, description="0 for the first run of a chain")
    launched_by: str | None = Field(
        default=None, description="schedule:x, sensor:x, backfill:x, user:x, manual"
    )
    partition_key: str | None = None
    phase: str | None = Field(default=None, description="of a run that is stuck: queued or starting")


class AssetEvent(HookEvent):
    """What the stages of an asset's life have in common."""

    asset_key: str | None = Field(default=None, description="path joined with '/'")
    partition_key: str | None = None
    group_name: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = Field(default=(), description="an email address, or team:name")
    status: Status | None = None
    metrics: dict[str, Any] = Field(default_factory=dict, description="rows, bytes, seconds …")
    columns: tuple[Column, ...] = ()
    column_lineage: tuple[ColumnEdge, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)
    started_at: UtcDatetime | None = Field(
        default=None, description="when its step began; None where it never did, or there is no step"
    )
    data_version: str | None = Field(default=None, description="as Dagster has it")
    code_version: str | None = None
    input_versions: dict[str, str] = Field(
        default_factory=dict, description="data version of each upstream asset, by asset key"
    )
    error: Error | None = None
    will_retry: bool | None = Field(default=None, description="whether this step is tried once more")
    run_may_retry: bool | None = Field(
        default=None, description="whether Dagster may launch the run once more, should it fail"
    )


class IngestionEvent(AssetEvent):
    """Data came in from a source: dlt, Airbyte, Fivetran, Sling, or your own asset."""

    event_types = ("ingestion.start", "ingestion.end")

    asset_key: str
    table_name: str | None = Field(default=None, description="the physical table, such as raw.orders")
    branch_name: str | None = None
    load_ids: tuple[str, ...] = Field(default=(), description="dlt load ids")


class TransformEvent(AssetEvent):
    """A table was computed from others: a dbt model, a SQLMesh model, a Python asset."""

    event_types = ("transform.start", "transform.end")

    tool: str = Field(default="dagster", description="dbt, sqlmesh, spark …")
    model_names: tuple[str, ...] = ()
    table_name: str | None = Field(default=None, description="the physical table, such as marts.orders")
    project_dir: str | None = None
    target: str | None = None
    sql: str | None = Field(default=None, description="the statement that computed it, as dbt compiled it")


class PublishEvent(AssetEvent):
    """Data was handed to those who use it."""

    event_types = ("publish.start", "publish.end")

    target_system: str | None = Field(default=None, description="such as duckdb, snowflake, s3")
    tables: dict[str, str] = Field(default_factory=dict, description="published name to source")


class QualityResultEvent(HookEvent):
    """A check was evaluated, or (`quality.error`) crashed before it could be."""

    event_types = ("quality.result", "quality.error")

    asset_key: str
    check_name: str
    passed: bool | None = Field(default=None, description="None when the check crashed")
    severity: Severity | None = Field(default=None, description="INFO, WARN, ERROR or CRITICAL")
    blocking: bool | None = Field(default=None, description="whether a failure stops downstream assets")
    check_type: str | None = None
    partition_key: str | None = None
    group_name: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    started_at: UtcDatetime | None = Field(default=None, description="when its step began")
    error: Error | None = None


class LineageEvent(HookEvent):
    """Which assets, and which columns, an asset was computed from."""

    event_types = ("lineage.edges",)

    asset_key: str | None = None
    partition_key: str | None = None
    edges: tuple[tuple[str, str], ...] = Field(default=(), description="(upstream, downstream) asset keys")
    column_edges: tuple[ColumnEdge, ...] = ()
    asset_keys: tuple[str, ...] = Field(default=(), description="every asset at an end of an edge")
    metadata: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _name_the_ends(self) -> Self:
        if not self.asset_keys:
            ends = dict.fromkeys(key for edge in self.edges for key in edge)
            self.__dict__["asset_keys"] = tuple(ends)
        return self


class SchemaChangeEvent(HookEvent):
    """A table's columns are no longer those of its last materialization."""

    event_types = ("schema.changed",)

    asset_key: str
    partition_key: str | None = None
    group_name: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    added: tuple[Column, ...] = ()
    removed: tuple[Column, ...] = ()
    retyped: tuple[ColumnChange, ...] = ()
    breaking: bool = Field(default=False, description="a column is gone or has another type")


class DriftEvent(HookEvent):
    """A metric of an asset has moved away from its baseline."""

    event_types = ("drift.detected",)
    identity = ("metric",)

    asset_key: str
    partition_key: str | None = None
    metric: str
    baseline: Plain[float | None] = None
    current: Plain[float | None] = None
    change: Plain[float | None] = Field(default=None, description="(current - baseline) / baseline")
    severity: Severity | None = None


class ProfilingEvent(HookEvent):
    """A table was profiled."""

    event_types = ("profiling.start", "profiling.end", "profiling.failed")

    asset_key: str
    partition_key: str | None = None
    profile: dict[str, Any] = Field(default_factory=dict)
    error: Error | None = None


class FreshnessEvent(HookEvent):
    """An asset's freshness went from one state to another."""

    event_types = ("freshness.changed",)

    asset_key: str
    group_name: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    from_state: str | None = Field(default=None, description="PASS, WARN, FAIL or UNKNOWN")
    to_state: str


class AssetHealthEvent(HookEvent):
    """An asset's health, computed from its last materialization, checks and freshness, is another one."""

    event_types = ("asset.health_changed",)

    asset_key: str
    group_name: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    from_state: str | None = Field(default=None, description="HEALTHY, WARNING, DEGRADED or UNKNOWN")
    to_state: str
    reasons: tuple[str, ...] = Field(default=(), description="what makes it so, the worst first")


class ExternalEvent(HookEvent):
    """An event of another system, received by the collector: `system.name`.

    Subclass it, with `event_types`, so that filters can name your types.
    """

    _form: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)+")

    asset_key: str | None = None
    partition_key: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_a_system(self) -> Self:
        if not self._form.fullmatch(self.event_type):
            raise ValueError(f"event_type {self.event_type!r} is not of the form 'system.name'")
        return self
