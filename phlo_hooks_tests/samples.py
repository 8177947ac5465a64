"""Events for the tests of the core: a full one of every class, and strategies for what users put in."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import strategies as st

from phlo_hooks.events import HookCorrelation, HookEvent
from phlo_hooks.schemas import event_classes

NOON = datetime(2013, 1, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)
WHERE = HookCorrelation(
    run_id="run-1",
    job_name="nightly",
    step_key="orders",
    attempt=1,
    asset_key="raw/orders",
    partition_key="2013-01",
    backfill_id="bf-1",
    parent_run_id="run-0",
    correlation_id="run-0",
    causation_id="event-0",
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
)
ASSET = {"asset_key": "raw/orders", "partition_key": "2013-01"}
COLUMN = {"name": "id", "type": "BIGINT", "description": "Schlüssel", "nullable": False, "tags": {"pk": "1"}}
ERROR = {"message": "no such table: orders", "error_class": "OperationalError", "stack": "line 1\nline 2"}
EDGE = {"column": "id", "upstream_asset": "raw/orders", "upstream_column": "order_id"}
STAGE: dict[str, Any] = {
    **ASSET,
    "group_name": "raw",
    "kinds": ("dlt", "duckdb"),
    "owners": ("team:data", "ana@example.com"),
    "status": "failure",
    "metrics": {"rows": 3, "seconds": 1.5},
    "columns": (COLUMN,),
    "column_lineage": (EDGE,),
    "started_at": NOON,
    "data_version": "v7",
    "code_version": "3",
    "input_versions": {"raw/customers": "v2"},
    "metadata": {"nested": {"list": [1, None, "ü"]}},
    "error": ERROR,
    "will_retry": True,
    "run_may_retry": True,
}
OWN = {"group_name": "raw", "kinds": ("dlt",), "owners": ("team:data",)}

# What each class carries besides the envelope, with every one of its fields set.
FULL: dict[str, dict[str, Any]] = {
    "RunEvent": {
        "status": "failure",
        "duration": 12.5,
        "failed_steps": ({"step_key": "orders", "error": ERROR},),
        "error": ERROR,
        "will_retry": True,
        "retry_number": 1,
        "launched_by": "schedule:nightly",
        "job_name": "nightly",
        "partition_key": "2013-01",
        "phase": "queued",
    },
    "IngestionEvent": {
        **STAGE,
        "table_name": "raw.orders",
        "branch_name": "main",
        "load_ids": ("1.2", "1.3"),
    },
    "TransformEvent": {
        **STAGE,
        "tool": "dbt",
        "model_names": ("orders",),
        "table_name": "marts.orders",
        "project_dir": "/dbt",
        "target": "prod",
        "sql": "select 1",
    },
    "PublishEvent": {**STAGE, "target_system": "duckdb", "tables": {"orders": "marts.orders"}},
    "QualityResultEvent": {
        **ASSET,
        "check_name": "not_null",
        "passed": False,
        "severity": "WARN",
        "blocking": True,
        "check_type": "dbt",
        "group_name": "raw",
        "kinds": ("dbt",),
        "owners": ("team:data",),
        "description": "ids are there",
        "metadata": {"failed_rows": 7},
        "started_at": NOON,
        "error": ERROR,
    },
    "LineageEvent": {
        "asset_key": "marts/orders",
        "partition_key": "2013-01",
        "edges": (("raw/orders", "marts/orders"),),
        "column_edges": (EDGE,),
        "asset_keys": ("raw/orders", "marts/orders"),
        "metadata": {"from": "specs"},
    },
    "TelemetryEvent": {
        **ASSET,
        "name": "rows",
        "value": {"n": [1, 2.5]},
        "unit": "1",
        "level": "info",
        "payload": {"a": {"b": 1}},
    },
    "ServiceLifecycleEvent": {
        "service_name": "postgres",
        "project_name": "shop",
        "project_root": "/srv",
        "container_name": "shop-postgres-1",
        "phase": "post_start",
        "status": "running",
        "metadata": {"port": 5432},
    },
    "SchemaChangeEvent": {
        **ASSET,
        **OWN,
        "added": (COLUMN,),
        "removed": (COLUMN,),
        "retyped": ({"name": "id", "before": "INTEGER", "after": "BIGINT"},),
        "breaking": True,
    },
    "DriftEvent": {
        **ASSET,
        "metric": "row_count",
        "baseline": 100.0,
        "current": 10.0,
        "change": -0.9,
        "severity": "CRITICAL",
    },
    "ProfilingEvent": {**ASSET, "profile": {"id": {"nulls": 0}}, "error": ERROR},
    "FreshnessEvent": {"asset_key": "raw/orders", **OWN, "from_state": "PASS", "to_state": "FAIL"},
    "AssetHealthEvent": {
        "asset_key": "raw/orders",
        **OWN,
        "from_state": "HEALTHY",
        "to_state": "DEGRADED",
        "reasons": ("check not_null failed",),
    },
    "BackfillEvent": {
        "backfill_id": "bf-1",
        "asset_keys": ("raw/orders",),
        "job_name": "nightly",
        "status": "success",
        "partitions": {"success": 3, "failure": 1},
        "error": {"message": "no such partition"},
    },
    "TickEvent": {
        "instigator_name": "nightly",
        "instigator_type": "schedule",
        "consecutive_failures": 2,
        "error": ERROR,
    },
    "DeploymentEvent": {"daemon_type": "SENSOR", "last_heartbeat": NOON},
    "DefinitionsEvent": {"location": "shop", "fingerprint": "0af76519", "assets": 12},
    "HookStatusEvent": {
        "hook": "slack.failures",
        "state": "open",
        "failures": 5,
        "about_event_id": "event-0",
        "change": 1,
        "attempts": 7,
        "reason": "404 Not Found",
    },
    "AlertEvent": {
        "incident_id": "incident-1",
        "rule": "marts",
        "channel": "slack",
        "target": "#data",
        "number": 2,
        "due": NOON,
        "title": "Asset raw/orders failed",
        "severity": "ERROR",
        "details": {"count": 3},
    },
    "SemanticEvent": {
        "layer": "cube",
        "location": "shop",
        "number": 3,
        "model_names": ("orders",),
        "metric_names": ("revenue",),
        "asset_keys": ("marts/orders",),
        "recompiled": True,
        "range_start": NOON,
        "range_end": NOON,
        "publications": 2,
        "duration": 1.5,
        "attempt": 1,
        "due": NOON,
        "details": {"jobs": 1},
        "error": {"message": "no such cube", "error_class": "RefreshError"},
    },
    "ExternalEvent": {**ASSET, "data": {"id": 1, "deep": {"list": [[1], {}]}}},
}


def full_event(cls: type[HookEvent], **changes: Any) -> HookEvent:
    """An event of `cls` with every field set."""
    event_type = cls.event_types[0] if cls.event_types else "airflow.dag_done"
    carried = FULL[cls.__name__]
    where = WHERE.model_copy(
        update={name: carried[name] for name in ("asset_key", "job_name") if name in carried}
    )
    fields = {"event_type": event_type, "timestamp": NOON, "tags": {"team": "data"}, "correlation": where}
    return cls(**{**fields, **carried, **changes})


def every_event() -> list[HookEvent]:
    """One full event of every class."""
    return [full_event(cls) for cls in event_classes()]


# What people put into metadata: JSON's own types, and a good deal that JSON does not know.
oddities = st.sampled_from(
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        NOON,
        date(2013, 1, 1),
        timedelta(minutes=5),
        Decimal("1.10"),
        UUID(int=7),
        PurePosixPath("/data/orders"),
        b"\xff\x00",
        {"a", "b"},
        np.int64(3),
        np.float32(0.5),
        np.float64("nan"),
        np.bool_(True),
        np.array([1, 2]),
        "\udcff from a file name",
        object,
        2**80,
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | oddities
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
metadata = st.dictionaries(st.text(max_size=12), values, max_size=5)
