"""The part of the catalogue that is about the platform, and not about one asset or run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from phlo_hooks.envelope import HookEvent, UtcDatetime
from phlo_hooks.event_parts import Error, Plain, Severity, Status


class TelemetryEvent(HookEvent):
    """A measurement, a log line or a span; an asset observation comes as one too."""

    event_types = ("telemetry.metric", "telemetry.log", "telemetry.span")
    identity = ("name",)

    name: str
    value: Plain[Any] = None
    unit: str | None = Field(default=None, description="UCUM, such as s, By, 1")
    level: str | None = None
    asset_key: str | None = None
    partition_key: str | None = None
    payload: dict[str, Any] = Field(default_factory=dict)


class ServiceLifecycleEvent(HookEvent):
    """A service of the platform starts or stops."""

    event_types = (
        "service.pre_start",
        "service.post_start",
        "service.pre_stop",
        "service.post_stop",
    )
    identity = ("service_name",)

    service_name: str
    project_name: str | None = None
    project_root: str | None = None
    container_name: str | None = None
    phase: str | None = None
    status: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class BackfillEvent(HookEvent):
    """A backfill was launched, or all its partitions have ended."""

    event_types = ("backfill.start", "backfill.end")
    identity = ("backfill_id",)

    backfill_id: str
    asset_keys: tuple[str, ...] = ()
    job_name: str | None = None
    status: Status | None = None
    partitions: dict[str, int] = Field(default_factory=dict, description="count by status")
    error: Error | None = Field(default=None, description="why Dagster gave up on the backfill itself")


class TickEvent(HookEvent):
    """A schedule or a sensor failed to evaluate, or does so again."""

    event_types = ("tick.failure", "tick.recovered")
    identity = ("instigator_name",)

    instigator_name: str
    instigator_type: Literal["schedule", "sensor"]
    consecutive_failures: int = 0
    error: Error | None = None


class DeploymentEvent(HookEvent):
    """A Dagster daemon stopped its heartbeat, or has it again."""

    event_types = ("deployment.daemon_unhealthy", "deployment.daemon_recovered")
    identity = ("daemon_type",)

    daemon_type: str
    last_heartbeat: UtcDatetime | None = None


class DefinitionsEvent(HookEvent):
    """The assets, checks or jobs of a code location are no longer those that it had before."""

    event_types = ("definitions.changed",)
    identity = ("location", "fingerprint")

    location: str
    fingerprint: str = Field(description="of all that the definitions say")
    assets: int = Field(default=0, description="how many there are")


class HookStatusEvent(HookEvent):
    """The bus's own health. Never delivered to the hook it is about."""

    event_types = ("hook.disabled", "hook.enabled", "hook.probe", "hook.dead_letter")
    identity = ("hook", "about_event_id", "change")

    hook: str = Field(description="plugin.hook_name")
    state: Literal["closed", "open", "half_open", "disabled"] | None = None
    failures: int | None = Field(default=None, description="how many in a row")
    about_event_id: str | None = Field(default=None, description="the event that could not be delivered")
    change: int = Field(default=0, description="counts the circuit's changes, or the delivery's replays")
    attempts: int | None = None
    reason: str | None = None


class AlertEvent(HookEvent):
    """A message to people is due: to one recipient, about one incident."""

    event_types = (
        "alert.firing",
        "alert.reminder",
        "alert.escalation",
        "alert.resolved",
        "alert.notice",
        "alert.digest",
        "alert.flapping",
        "alert.look_again",
    )
    identity = ("incident_id", "channel", "target", "number")

    incident_id: str
    rule: str
    channel: str
    target: str | None = Field(default=None, description="where or whom, if not the channel's default")
    number: int = Field(default=0, description="counts the incident's messages to this recipient")
    due: UtcDatetime | None = Field(default=None, description="not to be sent before")
    title: str = ""
    severity: Severity | None = None
    details: dict[str, Any] = Field(default_factory=dict)


class SemanticEvent(HookEvent):
    """A semantic layer was brought up to date with what was published, or could not be."""

    event_types = ("semantic.refreshed", "semantic.refresh_failed", "semantic.due")
    identity = ("location", "layer", "number")

    layer: str = Field(description="key of the resource, such as cube")
    location: str = Field(default="", description="the code location")
    number: int = Field(default=0, description="counts the layer's steps")
    model_names: tuple[str, ...] = Field(default=(), description="what was refreshed, or was to be")
    metric_names: tuple[str, ...] = Field(default=(), description="what of these models feeds")
    asset_keys: tuple[str, ...] = Field(default=(), description="the published assets that made it due")
    recompiled: bool = Field(default=False, description="whether a schema had changed")
    range_start: UtcDatetime | None = Field(default=None, description="of the partitions; None for all of it")
    range_end: UtcDatetime | None = Field(default=None, description="not part of the range")
    publications: int = Field(default=0, description="how many were put together")
    duration: Plain[float | None] = Field(default=None, description="seconds from its start to its end")
    attempt: int = Field(default=0, description="0 for the first time, counts failures in a row")
    due: UtcDatetime | None = Field(default=None, description="not to be looked at before")
    details: dict[str, Any] = Field(default_factory=dict)
    error: Error | None = None
