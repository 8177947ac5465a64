"""An event in one line."""

from __future__ import annotations

import pytest

from phlo_hooks.describe import describe, outcome, subject
from phlo_hooks.events import (
    BackfillEvent,
    DeploymentEvent,
    HookStatusEvent,
    IngestionEvent,
    LineageEvent,
    QualityResultEvent,
    RunEvent,
    ServiceLifecycleEvent,
    TelemetryEvent,
    TickEvent,
)
from phlo_hooks_tests.samples import every_event

CHECK = {"asset_key": "raw/orders", "check_name": "not_null"}

LINES = {
    "load": (
        IngestionEvent(
            event_type="ingestion.end",
            asset_key="raw/orders",
            partition_key="2013-01",
            status="success",
            metrics={"rows": 336776, "seconds": 1.23},
        ),
        "ingestion.end raw/orders [2013-01] success 336,776 rows in 1.2 s",
    ),
    "failure": (
        IngestionEvent(event_type="ingestion.end", asset_key="a", status="failure", error="boom\nand more"),
        "ingestion.end a failure - boom",
    ),
    "empty error": (
        IngestionEvent(event_type="ingestion.end", asset_key="a", status="failure", error={"message": ""}),
        "ingestion.end a failure - ",
    ),
    "odd metrics": (
        IngestionEvent(event_type="ingestion.end", asset_key="a", metrics={"rows": "many", "seconds": None}),
        "ingestion.end a",
    ),
    "passed": (
        QualityResultEvent(event_type="quality.result", **CHECK, passed=True),
        "quality.result raw/orders:not_null passed",
    ),
    "failed": (
        QualityResultEvent(event_type="quality.result", **CHECK, passed=False, severity="WARN"),
        "quality.result raw/orders:not_null failed (WARN)",
    ),
    "crashed": (
        QualityResultEvent(
            event_type="quality.error", **CHECK, error={"message": "m", "error_class": "KeyError"}
        ),
        "quality.error raw/orders:not_null crashed - KeyError: m",
    ),
    "lineage": (
        LineageEvent(asset_key="c", edges=[("a", "c"), ("b", "c")]),
        "lineage.edges c from a, b",
    ),
    "run": (
        RunEvent(
            event_type="run.failure",
            job_name="nightly",
            status="failure",
            failed_steps=[{"step_key": "s", "error": "boom\nx"}],
        ),
        "run.failure nightly failure - step s: boom",
    ),
    "service": (
        ServiceLifecycleEvent(event_type="service.pre_start", service_name="postgres", status="running"),
        "service.pre_start postgres running",
    ),
    "tick": (
        TickEvent(
            event_type="tick.failure", instigator_name="hourly", instigator_type="sensor", error="boom"
        ),
        "tick.failure hourly - boom",
    ),
    "backfill": (
        BackfillEvent(event_type="backfill.end", backfill_id="b", status="success"),
        "backfill.end b success",
    ),
    "daemon": (
        DeploymentEvent(event_type="deployment.daemon_unhealthy", daemon_type="SENSOR"),
        "deployment.daemon_unhealthy SENSOR",
    ),
    "hook": (HookStatusEvent(event_type="hook.disabled", hook="a.b"), "hook.disabled a.b"),
    "nothing to say": (TelemetryEvent(event_type="telemetry.log", name="x"), "telemetry.log"),
}


@pytest.mark.parametrize(("event", "line"), LINES.values(), ids=LINES)
def test_describe(event, line):
    """What happened, to what, how it went."""
    assert line == describe(event)


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.event_type)
def test_every_event_is_one_line(event):
    """Whatever it carries."""
    assert describe(event).startswith(event.event_type)
    assert "\n" not in describe(event)


def test_parts():
    """The parts are there for tables."""
    event, _ = LINES["failed"]
    assert ("raw/orders:not_null", "failed (WARN)") == (subject(event), outcome(event))
