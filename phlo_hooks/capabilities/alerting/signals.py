"""What a rule can listen for: one name for each thing that people want to hear of.

The names are those of Dagster+ alert policies where it has one; `docs/capabilities/alerting.md` has the
table, which a test holds against this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from phlo_hooks.envelope import known_event_types, suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import SEVERITIES, HookEvent


class Mood(str, Enum):
    """PROBLEM: somebody has to look. RECOVERY: it is over. NOTICE: it happened."""

    PROBLEM = "problem"
    RECOVERY = "recovery"
    NOTICE = "notice"


@dataclass(frozen=True)
class Signal:
    """One kind of thing that people want to hear of.

    Args:
        name: as rules write it.
        event_types: of the events that may carry it.
        mood: what it asks of people.
        severity: of an event that says none itself.
        verb: what the subject did.
        test: whether an event of these types carries it.
    """

    name: str
    event_types: tuple[str, ...]
    mood: Mood
    severity: str
    verb: str
    test: Callable[[Any], bool] = lambda event: True


_ENDS = ("ingestion.end", "transform.end", "publish.end")
_HEALTH = ("asset.health_changed",)
_P, _R, _N = Mood.PROBLEM, Mood.RECOVERY, Mood.NOTICE


def _is(name: str, *values: object) -> Callable[[Any], bool]:
    return lambda event: getattr(event, name) in values


def _has(name: str) -> Callable[[Any], bool]:
    return lambda event: bool(getattr(event, name))


SIGNALS = (
    Signal("run.started", ("run.start",), _N, "INFO", "started"),
    Signal("run.success", ("run.success",), _R, "INFO", "succeeded"),
    Signal("run.failure", ("run.failure",), _P, "ERROR", "failed"),
    Signal("run.canceled", ("run.canceled",), _P, "WARN", "was canceled"),
    Signal("run.long_running", ("run.long_running",), _P, "WARN", "is running for too long"),
    Signal("run.stuck", ("run.stuck",), _P, "WARN", "does not start"),
    Signal("asset.success", _ENDS, _R, "INFO", "was materialized", _is("status", "success", "no_data")),
    Signal("asset.failure", _ENDS, _P, "ERROR", "failed", _is("status", "failure")),
    Signal("asset.skipped", _ENDS, _P, "WARN", "was skipped", _is("status", "skipped")),
    Signal("check.passed", ("quality.result",), _R, "INFO", "passed", _is("passed", True)),
    Signal("check.failed", ("quality.result",), _P, "ERROR", "failed", _is("passed", False)),
    Signal("check.error", ("quality.error",), _P, "ERROR", "crashed"),
    Signal("freshness.passed", ("freshness.changed",), _R, "INFO", "is fresh", _is("to_state", "PASS")),
    Signal(
        "freshness.warned", ("freshness.changed",), _P, "WARN", "is getting stale", _is("to_state", "WARN")
    ),
    Signal("freshness.failed", ("freshness.changed",), _P, "ERROR", "is stale", _is("to_state", "FAIL")),
    Signal("asset.healthy", _HEALTH, _R, "INFO", "is healthy", _is("to_state", "HEALTHY")),
    Signal("asset.warning", _HEALTH, _P, "WARN", "has a warning", _is("to_state", "WARNING")),
    Signal("asset.degraded", _HEALTH, _P, "ERROR", "is degraded", _is("to_state", "DEGRADED")),
    Signal("schema.removed", ("schema.changed",), _N, "WARN", "lost columns", _has("removed")),
    Signal("schema.retyped", ("schema.changed",), _N, "WARN", "has columns of another type", _has("retyped")),
    Signal("schema.added", ("schema.changed",), _N, "INFO", "has new columns", _has("added")),
    Signal("drift.detected", ("drift.detected",), _P, "WARN", "drifts"),
    Signal("profiling.failed", ("profiling.failed",), _P, "WARN", "could not be profiled"),
    Signal("tick.failure", ("tick.failure",), _P, "ERROR", "failed to evaluate"),
    Signal("tick.recovered", ("tick.recovered",), _R, "INFO", "evaluates again"),
    Signal("backfill.started", ("backfill.start",), _N, "INFO", "started"),
    Signal("backfill.success", ("backfill.end",), _R, "INFO", "succeeded", _is("status", "success")),
    Signal("backfill.failure", ("backfill.end",), _P, "ERROR", "failed", _is("status", "failure")),
    Signal("backfill.canceled", ("backfill.end",), _P, "WARN", "was canceled", _is("status", "canceled")),
    Signal("daemon.unhealthy", ("deployment.daemon_unhealthy",), _P, "CRITICAL", "has no heartbeat"),
    Signal("daemon.recovered", ("deployment.daemon_recovered",), _R, "INFO", "has its heartbeat again"),
    Signal("semantic.refreshed", ("semantic.refreshed",), _R, "INFO", "was refreshed"),
    Signal("semantic.refresh_failed", ("semantic.refresh_failed",), _P, "ERROR", "could not be refreshed"),
    Signal("hook.disabled", ("hook.disabled",), _P, "ERROR", "is not being called"),
    Signal("hook.enabled", ("hook.enabled",), _R, "INFO", "is called again"),
    Signal("hook.dead_letter", ("hook.dead_letter",), _P, "ERROR", "could not be given an event"),
)
BY_NAME = {signal.name: signal for signal in SIGNALS}

# Nothing that people could want to hear of: it says when to look again.
_STEPS = ("semantic.due",)

# What ends what. Only the same subject counts: an asset's success does not heal another asset.
HEALS = {
    "run.started": ("run.stuck",),
    "run.success": ("run.failure", "run.canceled", "run.long_running", "run.stuck"),
    "run.failure": ("run.long_running", "run.stuck"),
    "run.canceled": ("run.long_running", "run.stuck"),
    "asset.success": ("asset.failure", "asset.skipped"),
    "check.passed": ("check.failed", "check.error"),
    "freshness.passed": ("freshness.warned", "freshness.failed"),
    "asset.healthy": ("asset.warning", "asset.degraded"),
    "tick.recovered": ("tick.failure",),
    "backfill.success": ("backfill.failure", "backfill.canceled"),
    "daemon.recovered": ("daemon.unhealthy",),
    "semantic.refreshed": ("semantic.refresh_failed",),
    "hook.enabled": ("hook.disabled",),
}


def signals_of(event: HookEvent) -> tuple[Signal, ...]:
    """What an event carries, the worst first; its own type, as a notice, if nothing else is known of it."""
    found = tuple(signal for signal in _candidates(event.event_type) if signal.test(event))
    if found or event.event_type in _used_types():
        return found
    severity = getattr(event, "severity", None) or "INFO"
    return (Signal(event.event_type, (event.event_type,), Mood.NOTICE, severity, "happened"),)


def wanted(patterns: Iterable[str]) -> tuple[str, ...]:
    """The event types that carry what these names or patterns stand for.

    Raises:
        ConfigurationError: one of them stands for nothing that there is.
    """
    types: dict[str, None] = {}
    for pattern in patterns:
        types.update(dict.fromkeys(_types(pattern)))
    return tuple(types)


def healing_types(patterns: Iterable[str]) -> tuple[str, ...]:
    """The event types that tell that what these patterns stand for is over."""
    ended = {name for name in BY_NAME if any(fnmatchcase(name, each) for each in patterns)}
    healers = [name for name, healed in HEALS.items() if ended & set(healed)]
    # The failure of a run without a job is over when its steps' assets succeed.
    healers += ["asset.success"] if "run.failure" in ended else []
    return tuple(dict.fromkeys(kind for name in healers for kind in BY_NAME[name].event_types))


def _types(pattern: str) -> tuple[str, ...]:
    types = [kind for signal in SIGNALS if fnmatchcase(signal.name, pattern) for kind in signal.event_types]
    # One that has no signal of its own, such as an event of another system, is called by its type.
    types += [kind for kind in _other_types() if fnmatchcase(kind, pattern)]
    if not types:
        raise ConfigurationError(
            f"no signal is called {pattern!r}{suggest(pattern, [*BY_NAME, *_other_types()])}"
        )
    return tuple(dict.fromkeys(types))


def _other_types() -> tuple[str, ...]:
    return tuple(
        kind
        for kind in known_event_types()
        if kind not in _used_types() and kind not in _STEPS and not kind.startswith("alert.")
    )


@cache
def _used_types() -> frozenset[str]:
    return frozenset(kind for signal in SIGNALS for kind in signal.event_types)


@cache
def _candidates(event_type: str) -> tuple[Signal, ...]:
    own = [signal for signal in SIGNALS if event_type in signal.event_types]
    return tuple(sorted(own, key=lambda signal: -SEVERITIES.index(signal.severity)))
