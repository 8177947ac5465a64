"""What the tests of the monitors have in common: events at moments, and a monitor that is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from phlo_hooks.events import (
    FreshnessEvent,
    HookEvent,
    QualityResultEvent,
    TransformEvent,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
ASSET = "marts/orders"
OWN = {"group_name": "marts", "kinds": ("dbt",), "owners": ("team:data",)}


def at(minute: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minute)


def ended(minute: float, status: str = "success", **fields: Any) -> TransformEvent:
    """The end of a materialization, or of the attempt at one; each moment is a run of its own."""
    fields = {"asset_key": ASSET, "run_id": f"run-{minute}", **OWN, **fields}
    return TransformEvent(event_type="transform.end", timestamp=at(minute), status=status, **fields)


def table(minute: float, *columns: str, **fields: Any) -> TransformEvent:
    """A materialization with columns, each written as `name type`."""
    split = [column.partition(" ") for column in columns]
    found = tuple({"name": name, "type": kind or None} for name, _, kind in split)
    return ended(minute, columns=found, **fields)


def checked(
    minute: float, passed: bool | None = True, severity: str = "ERROR", name: str = "unique", **fields: Any
) -> QualityResultEvent:
    """The result of a check; None for one that crashed."""
    return QualityResultEvent(
        event_type="quality.error" if passed is None else "quality.result",
        timestamp=at(minute),
        asset_key=ASSET,
        run_id=f"run-{minute}",
        check_name=name,
        passed=passed,
        severity=severity,
        **OWN,
        **fields,
    )


def fresh(minute: float, to_state: str) -> FreshnessEvent:
    """An asset's freshness, from now on."""
    return FreshnessEvent(
        event_type="freshness.changed",
        event_id=f"freshness-{minute}-{to_state}",
        timestamp=at(minute),
        asset_key=ASSET,
        to_state=to_state,
        **OWN,
    )


def followed(monitor: Any, events: Iterable[HookEvent], known: Any = None) -> tuple[Any, list[Any]]:
    """What a monitor knows after these events, and what it told."""
    told = []
    for event in events:
        known, news = monitor.follow(known, event)
        told += [news] if news else []
        assert known is None or monitor.load(monitor.dump(known)) == known
    return known, told
