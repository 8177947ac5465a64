"""An event in one readable line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phlo_hooks.events import HookEvent


def describe(event: HookEvent) -> str:
    """What happened, to what, and how it went: `ingestion.end raw/orders success 120 rows in 1.2 s`."""
    return " ".join(_words(event))


def subject(event: HookEvent) -> str:
    """What an event is about: an asset, a check, a job, a service and so on."""
    where = event.correlation
    if where.check_name:
        return f"{where.asset_key}:{where.check_name}"
    for name in ("service_name", "instigator_name", "backfill_id", "daemon_type", "hook"):
        if getattr(event, name, None):
            return str(getattr(event, name))
    return where.asset_key or where.job_name or ""


def outcome(event: HookEvent) -> str:
    """How it went, in a word."""
    if event.event_type == "quality.error":
        return "crashed"
    passed = getattr(event, "passed", None)
    if passed is not None:
        return "passed" if passed else f"failed ({getattr(event, 'severity', None)})"
    return str(getattr(event, "status", None) or "")


def _words(event: HookEvent) -> Iterator[str]:
    yield event.event_type
    about = subject(event)
    if about:
        yield about
    if event.correlation.partition_key:
        yield f"[{event.correlation.partition_key}]"
    if outcome(event):
        yield outcome(event)
    yield from measures(event)
    yield from details(event)


def measures(event: HookEvent) -> Iterator[str]:
    """How much, and how long it took."""
    metrics: dict[str, Any] = getattr(event, "metrics", {})
    # A load that cannot count what it brought may still know what is there now.
    rows, seconds = metrics.get("rows", metrics.get("table_rows")), metrics.get("seconds")
    if isinstance(rows, int):
        yield f"{rows:,} rows"
    if isinstance(seconds, (int, float)):
        yield f"in {seconds:.1f} s"


def details(event: HookEvent) -> Iterator[str]:
    """Where it came from, or what went wrong."""
    edges = getattr(event, "edges", ())
    if edges:
        yield f"from {', '.join(upstream for upstream, _ in edges)}"
    error = getattr(event, "error", None)
    if error:
        yield f"- {str(error).splitlines()[0] if str(error) else ''}"
    for step in getattr(event, "failed_steps", ()):
        yield f"- step {step.step_key}: {str(step.error or '').partition(chr(10))[0]}"
