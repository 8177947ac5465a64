"""What running `lake` must be told as: each row is one event, whoever saw it and wherever it was kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from phlo_hooks.events import HookCorrelation, HookEvent
from phlo_hooks.identity import derive_event_id


class Row(NamedTuple):
    """One event. `inputs` are the assets and columns that lineage names."""

    event_type: str
    step: str = ""
    attempt: int = 0
    asset: str = ""
    check: str = ""
    partition: str = ""
    status: str = ""
    inputs: tuple[str, ...] = ()


def _made(kind: str, step: str, asset: str, attempt: int = 1, status: str = "success") -> list[Row]:
    return [
        Row(f"{kind}.start", step, attempt, asset, status="started"),
        Row(f"{kind}.end", step, attempt, asset, status=status),
    ]


def _lineage(asset: str, *inputs: str, step: str = "", attempt: int = 1) -> Row:
    return Row("lineage.edges", step or asset, attempt, asset, inputs=inputs)


def _check(name: str, status: str, event_type: str = "quality.result") -> Row:
    return Row(event_type, f"raw__orders_{name}", 1, "raw/orders", name, status=status)


# What the steps of `nightly` bring, as the step hook sees it in their own processes.
NIGHTLY_STEPS = (
    *_made("ingestion", "raw__orders", "raw/orders"),
    *_made("transform", "customers", "customers"),
    _lineage("customers", "raw/orders", "raw/orders.customer_id -> customer"),
    *_made("transform", "flaky", "flaky", status="failure"),
    *_made("transform", "flaky", "flaky", attempt=2),
    _lineage("flaky", "raw/orders", attempt=2),
    *_made("transform", "bad", "bad", status="failure"),
    *_made("transform", "some_of_two", "kept"),
    _lineage("kept", "raw/orders", step="some_of_two"),
    *_made("ingestion", "some_of_two", "left_out", status="skipped"),
    _check("has_rows", "passed"),
    _check("has_no_gaps", "failed WARN"),
    _check("breaks", "crashed", "quality.error"),
    Row("run.start", status="started"),
)
# What only the log of the whole run can say.
NIGHTLY_RUN = (
    Row("transform.end", "child", 1, "child", status="skipped"),
    Row("run.failure", status="failure"),
)
OBSERVE_STEPS = (Row("telemetry.metric", "look", 1, "raw/orders"), Row("run.start", status="started"))
OBSERVE_RUN = (Row("run.success", status="success"),)
MONTH_STEPS = tuple(
    row._replace(partition="2024-01")
    for row in (*_made("ingestion", "monthly", "monthly"), Row("run.start", status="started"))
)
MONTH_RUN = tuple(row._replace(partition="2024-01") for row in OBSERVE_RUN)
# Reported from outside of any run.
OUTSIDE = (
    Row("transform.end", asset="customers", partition="2024-01", status="success"),
    _lineage("customers", "raw/orders")._replace(step="", attempt=0, partition="2024-01"),
    Row("quality.result", asset="raw/orders", check="has_rows", status="failed ERROR"),
    Row("telemetry.metric", asset="raw/orders"),
)

STEPS = {"nightly": NIGHTLY_STEPS, "observe": OBSERVE_STEPS, "month": MONTH_STEPS}
RUNS = {"nightly": NIGHTLY_RUN, "observe": OBSERVE_RUN, "month": MONTH_RUN}

# One id for each job, so that the ids of its events are known beforehand.
RUN_IDS = {
    "nightly": "0e5c7f5a-3a53-4b05-8f34-8f0a2c1d0001",
    "observe": "0e5c7f5a-3a53-4b05-8f34-8f0a2c1d0002",
    "month": "0e5c7f5a-3a53-4b05-8f34-8f0a2c1d0003",
}


def rows(events: Iterable[HookEvent]) -> list[Row]:
    """Events as rows, in an order that does not depend on who came first."""
    return sorted(row_of(event) for event in events)


def row_of(event: HookEvent) -> Row:
    """An event as a row."""
    where = event.correlation
    return Row(
        event.event_type,
        where.step_key or "",
        where.attempt or 0,
        where.asset_key or "",
        where.check_name or "",
        where.partition_key or "",
        _status(event),
        _inputs(event),
    )


def expected_id(run_id: str, row: Row) -> str:
    """The id that the event of a row must have: its coordinates say it, no clock and no storage."""
    correlation = HookCorrelation(
        run_id=run_id,
        step_key=row.step or None,
        attempt=row.attempt or None,
        asset_key=row.asset or None,
        check_name=row.check or None,
        partition_key=row.partition or None,
    )
    subject = ["dagster.observation"] if row.event_type == "telemetry.metric" else []
    return derive_event_id(row.event_type, correlation, *subject)


def _status(event: Any) -> str:
    if not event.event_type.startswith("quality."):
        return getattr(event, "status", None) or ""
    if event.passed is None:
        return "crashed"
    return "passed" if event.passed else f"failed {event.severity}"


def _inputs(event: Any) -> tuple[str, ...]:
    edges = getattr(event, "edges", ())
    columns = getattr(event, "column_edges", ())
    return (
        *(upstream for upstream, _ in edges),
        *(f"{each.upstream_asset}.{each.upstream_column} -> {each.column}" for each in columns),
    )
