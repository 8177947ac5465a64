"""Events as they come from Dagster, and rules to play them through."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import count
from types import SimpleNamespace
from typing import Any

from phlo_hooks.capabilities.alerting.plan import make_plan
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.simulation import Simulation
from phlo_hooks.events import (
    BackfillEvent,
    ErrorInfo,
    FailedStep,
    HookCorrelation,
    HookEvent,
    HookStatusEvent,
    IngestionEvent,
    QualityResultEvent,
    RunEvent,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
_numbers = count()


def at(seconds: float = 0, **more: float) -> datetime:
    return NOON + timedelta(seconds=seconds, **more)


def channel(name: str) -> Any:
    return SimpleNamespace(
        name=name, takes_target="anything", takes_address=False, check_target=lambda target: None
    )


def play(*rules: Rule, channels: tuple[str, ...] = ("slack", "mail", "pager"), **options: Any) -> Simulation:
    fails = options.pop("fails", lambda sent: False)
    plan = make_plan(rules, {name: channel(name) for name in channels}, **options)
    return Simulation(plan, fails=fails)


def rule(name: str = "r", on: Any = ("asset.failure",), to: Any = ("slack",), **more: Any) -> Rule:
    return Rule(name=name, on=list(on), to=list(to), **more)


def asset(when: datetime, status: str = "failure", key: str = "orders", **more: Any) -> HookEvent:
    where = {name: more.pop(name) for name in list(more) if name in HookCorrelation.model_fields}
    error = more.pop("error", ErrorInfo(message="no such table", error_class="OperationalError"))
    return IngestionEvent(
        event_id=more.pop("event_id", f"e{next(_numbers)}"),
        event_type="ingestion.end",
        asset_key=key,
        status=status,
        timestamp=when,
        error=error if status == "failure" else None,
        correlation=HookCorrelation(
            run_id=where.pop("run_id", f"run{next(_numbers)}"),
            asset_key=key,
            step_key=where.pop("step_key", key.replace("/", "__")),
            **where,
        ),
        **more,
    )


def run(when: datetime, status: str = "failure", job: str = "nightly", **more: Any) -> HookEvent:
    where = {name: more.pop(name) for name in list(more) if name in HookCorrelation.model_fields}
    error = more.pop("step_error", ErrorInfo(message="no such table", error_class="OperationalError"))
    steps = tuple(FailedStep(step_key=step, error=error) for step in more.pop("steps", ()))
    return RunEvent(
        event_id=f"e{next(_numbers)}",
        event_type=f"run.{status}",
        status=status,
        timestamp=when,
        failed_steps=steps,
        correlation=HookCorrelation(
            run_id=where.pop("run_id", f"run{next(_numbers)}"), job_name=job, **where
        ),
        **more,
    )


def check(when: datetime, passed: bool = False, name: str = "not_null", **more: Any) -> HookEvent:
    where = {field: more.pop(field) for field in list(more) if field in HookCorrelation.model_fields}
    key = where.pop("asset_key", "orders")
    return QualityResultEvent(
        event_id=f"e{next(_numbers)}",
        event_type="quality.result",
        asset_key=key,
        check_name=name,
        passed=passed,
        severity=more.pop("severity", "ERROR"),
        timestamp=when,
        correlation=HookCorrelation(
            run_id=where.pop("run_id", "run1"), asset_key=key, check_name=name, **where
        ),
        **more,
    )


def backfill_end(when: datetime, **partitions: int) -> HookEvent:
    return BackfillEvent(
        event_id=f"e{next(_numbers)}",
        event_type="backfill.end",
        backfill_id="bf1",
        status="failure",
        partitions=partitions,
        timestamp=when,
        correlation=HookCorrelation(backfill_id="bf1"),
    )


def dead_letter(when: datetime, about: str) -> HookEvent:
    return HookStatusEvent(
        event_id=f"e{next(_numbers)}",
        event_type="hook.dead_letter",
        hook="alerting.slack",
        about_event_id=about,
        timestamp=when,
    )


def told(simulation: Simulation) -> list[tuple[str, str, str, int]]:
    """(minutes since noon, recipient, kind and title, how many further) of each message."""
    return [
        (
            f"{(sent.at - NOON).total_seconds() / 60:g}",
            sent.recipient,
            f"{sent.message.kind.value}: {sent.message.title}",
            sent.message.suppressed,
        )
        for sent in simulation.sent
    ]


def outcomes(simulation: Simulation, event: HookEvent) -> dict[str, str]:
    kept = simulation.state.get(f"decision/{event.event_id}")
    return {} if kept is None else {name: each["outcome"] for name, each in kept.value["rules"].items()}
