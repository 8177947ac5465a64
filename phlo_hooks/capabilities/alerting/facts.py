"""What an alert can say of an event: plain values, the same for every kind of event."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from phlo_hooks.capabilities.alerting.descriptions import description_of
from phlo_hooks.capabilities.alerting.signals import BY_NAME, HEALS, Mood, Signal, signals_of
from phlo_hooks.events import SEVERITIES, ErrorInfo, HookEvent
from phlo_hooks.filters import event_asset_keys

# An incident keeps its facts; enough to see what happened, the whole of it stands in the event.
_MAX_TEXT = 2_000
_MAX_STACK = 4_000
_MAX_DETAILS = 20
_MAX_STEPS = 3
# What Dagster calls the job of assets that are materialized without one.
_AD_HOC = "__"


@dataclass(frozen=True)
class Facts:
    """One event, as rules, incidents and templates see it.

    Args:
        event_id, event_type: of the event.
        signal: what it is taken for, see `signals`.
        severity: INFO, WARN, ERROR or CRITICAL.
        subject: what it is about, such as `asset marts/orders`; the same for its failure and its recovery.
        title: one line.
        timestamp: ISO 8601, UTC.
        details: numbers and short texts that the event carries: rows, metadata of a check, partitions.
    """

    event_id: str
    event_type: str
    signal: str
    mood: str
    severity: str
    subject: str
    title: str
    timestamp: str
    asset_key: str | None = None
    asset_keys: tuple[str, ...] = ()
    partition_key: str | None = None
    check_name: str | None = None
    job_name: str | None = None
    run_id: str | None = None
    step_key: str | None = None
    steps: tuple[str, ...] = ()
    attempt: int | None = None
    retry_number: int = 0
    backfill_id: str | None = None
    group: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str | None = None
    error_class: str | None = None
    error: str = ""
    stack: str = ""
    description: str = ""
    launched_by: str | None = None
    duration: float | None = None
    will_retry: bool = False
    run_may_retry: bool = False
    is_retry: bool = False
    hook: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def when(self) -> datetime:
        """When it happened, aware."""
        return datetime.fromisoformat(self.timestamp)

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is wrong, so that each can be right again on its own: partition, or steps of a run."""
        ad_hoc = (self.job_name or "").startswith(_AD_HOC)
        return (self.steps if ad_hoc and self.signal == "run.failure" else ()) or (self.partition_key or "",)

    @property
    def is_problem(self) -> bool:
        """Whether somebody has to look."""
        return self.mood == Mood.PROBLEM.value

    @property
    def first_line(self) -> str:
        """What its error says, in a line."""
        line = self.error.strip().partition("\n")[0]
        return f"{self.error_class}: {line}" if self.error_class else line

    @property
    def whole_error(self) -> str:
        """What its error says, and of which class it is."""
        return f"{self.error_class}: {self.error}" if self.error_class else self.error

    def written(self) -> dict[str, Any]:
        """As JSON keeps it, without what says nothing."""
        return {name: value for name, value in vars(self).items() if value not in (None, "", (), {}, False)}

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Facts:
        """What `written` gave."""
        known: dict[str, Any] = {
            name: tuple(item) if isinstance(item, list) else item
            for name, item in value.items()
            if name in cls.__dataclass_fields__
        }
        return cls(**known)


@dataclass(frozen=True)
class Recovery:
    """That something is right again.

    Args:
        subject: what.
        signals: which problems of it are over.
        place: its partition; empty for none.
        step: a step of a run that was not one of a job; its failure is over, too.
        when: when it happened, aware.
    """

    subject: str
    signals: tuple[str, ...]
    place: str
    step: str | None
    when: datetime


def recoveries_of(event: HookEvent) -> tuple[Recovery, ...]:
    """What an event ends."""
    where, found = event.correlation, []
    for signal in signals_of(event):
        healed = HEALS.get(signal.name, ())
        # What concerns a single run and what concerns its job have different subjects.
        subjects = {subject_of(event, BY_NAME[name]): name for name in healed}
        step = where.step_key if signal.name == "asset.success" else None
        for subject in subjects:
            signals = tuple(name for name in healed if subject_of(event, BY_NAME[name]) == subject)
            found.append(Recovery(subject, signals, where.partition_key or "", step, event.timestamp))
    return tuple(found)


def facts_of(event: HookEvent, signal: Signal | None = None) -> Facts:
    """The facts of an event, taken for `signal`, or for the worst that it carries."""
    signal = signal or next(iter(signals_of(event)), _NOTHING)
    where, subject = event.correlation, subject_of(event, signal)
    error = _error(event)
    return Facts(
        event_id=event.event_id,
        event_type=event.event_type,
        signal=signal.name,
        mood=signal.mood.value,
        severity=_severity(event, signal),
        subject=subject,
        title=f"{subject[:1].upper()}{subject[1:]} {signal.verb}",
        timestamp=event.timestamp.isoformat(),
        asset_key=where.asset_key,
        asset_keys=event_asset_keys(event),
        partition_key=where.partition_key,
        check_name=where.check_name,
        job_name=where.job_name,
        run_id=where.run_id,
        step_key=where.step_key,
        steps=tuple(step.step_key for step in _get(event, "failed_steps", ())),
        attempt=where.attempt,
        retry_number=_get(event, "retry_number", 0),
        backfill_id=where.backfill_id or _get(event, "backfill_id"),
        group=_get(event, "group_name"),
        kinds=_get(event, "kinds", ()),
        owners=_get(event, "owners", ()),
        tags=event.tags,
        status=_get(event, "status") or _get(event, "to_state") or _get(event, "state"),
        error_class=error.error_class if error else None,
        error=_cut(error.message if error else _reason(event, signal), _MAX_TEXT),
        stack=_cut(_own_frames(error.stack or "") if error else "", _MAX_STACK),
        description=_cut(description_of(event), _MAX_TEXT),
        launched_by=_get(event, "launched_by"),
        duration=_get(event, "duration"),
        will_retry=bool(_get(event, "will_retry")),
        run_may_retry=bool(_get(event, "run_may_retry")),
        is_retry=bool(where.parent_run_id) or (where.attempt or 1) > 1 or _get(event, "retry_number", 0) > 0,
        hook=_get(event, "hook"),
        details=_details(event),
    )


_NOTHING = Signal("nothing", (), Mood.NOTICE, "INFO", "happened")


def subject_of(event: HookEvent, signal: Signal) -> str:
    """What an event is about, without its partition."""
    where, kind = event.correlation, signal.name.partition(".")[0]
    if signal.name in ("run.long_running", "run.stuck"):
        return _one_run(event)
    if kind in _SUBJECTS:
        return _SUBJECTS[kind](event)
    if where.asset_key:
        return f"asset {where.asset_key}"
    name = _get(event, "name")
    return f"{event.event_type} {name}" if name else event.event_type


def _run_subject(event: HookEvent) -> str:
    """A run's job; where assets have none, its failed steps: unrelated runs share that name."""
    job = event.correlation.job_name or ""
    if not job.startswith(_AD_HOC):
        return f"job {job}"
    steps = [step.step_key for step in _get(event, "failed_steps", ())]
    if not steps:
        return _one_run(event)
    more = f" and {len(steps) - _MAX_STEPS} more" if len(steps) > _MAX_STEPS else ""
    return f"run of {', '.join(steps[:_MAX_STEPS])}{more}"


def _one_run(event: HookEvent) -> str:
    """A single run; nobody reads more than the first letters of its id."""
    where = event.correlation
    job = where.job_name or ""
    what = "assets" if job.startswith(_AD_HOC) else f"job {job}"
    return f"run {(where.run_id or '')[:8]} of {what}"


_SUBJECTS: Mapping[str, Callable[[Any], str]] = {
    "run": _run_subject,
    "check": lambda event: f"check {event.check_name} of {event.asset_key}",
    "tick": lambda event: f"{event.instigator_type} {event.instigator_name}",
    "backfill": lambda event: f"backfill {event.backfill_id}",
    "daemon": lambda event: f"daemon {event.daemon_type}",
    "hook": lambda event: f"hook {event.hook}",
    "semantic": lambda event: f"semantic layer {event.layer}",
    "drift": lambda event: f"metric {event.metric} of {event.asset_key}",
}


def _severity(event: HookEvent, signal: Signal) -> str:
    """What the event says of a failure; of a success it says how bad the failure would have been."""
    own = _get(event, "severity")
    if own is None or signal.mood is not Mood.PROBLEM or own not in SEVERITIES:
        return signal.severity
    return str(own)


def _error(event: HookEvent) -> ErrorInfo | None:
    """The user's own error; of a run, that of its first failed step."""
    errors = (step.error for step in _get(event, "failed_steps", ()) if step.error)
    found: ErrorInfo | None = _get(event, "error") or next(errors, None)
    return found


def _reason(event: HookEvent, signal: Signal) -> str:
    """Why the bus says so of itself; of what is right again it is no error."""
    return _get(event, "reason", "") if signal.mood is Mood.PROBLEM else ""


def _details(event: HookEvent) -> dict[str, Any]:
    """Numbers and short texts, at most so many that people read them."""
    found: dict[str, Any] = {}
    for name in ("metrics", "metadata", "partitions", "payload", "data"):
        found.update(_get(event, name) or {})
    for name in _SAID:
        value = _get(event, name)
        if value not in (None, "") and (value or name != "failures"):
            found[name] = value.isoformat() if isinstance(value, datetime) else value
    short = {name: value for name, value in found.items() if isinstance(value, (str, int, float, bool))}
    return {name: _cut(value, 300) for name, value in list(short.items())[:_MAX_DETAILS]}


def _own_frames(stack: str) -> str:
    """A traceback from the user's first frame on: what Dagster did before is the same every time."""
    frames = _FRAME.split(stack)
    own = next((number for number, frame in enumerate(frames) if _is_own(frame)), 0)
    return "".join(frames[own:])


def _is_own(frame: str) -> bool:
    return frame.lstrip().startswith("File ") and not _DAGSTER_FRAME.search(frame.partition(", line ")[0])


_FRAME = re.compile(r'(?m)^(?=\s*File ")')
_DAGSTER_FRAME = re.compile(r"[/\\\\]dagster(_\w+)?[/\\\\]|contextlib\.py")


_SAID: tuple[str, ...] = (
    *("from_state", "to_state", "baseline", "current", "consecutive_failures", "last_heartbeat"),
    *("failures", "attempts", "about_event_id", "value"),
)


def _cut(value: Any, most: int) -> Any:
    """The head and the tail of a long text."""
    if not isinstance(value, str) or len(value) <= most:
        return value
    half = most // 2 - 20
    return f"{value[:half]}\n… {len(value) - 2 * half} characters cut …\n{value[-half:]}"


def _get(event: HookEvent, name: str, default: Any = None) -> Any:
    value = getattr(event, name, default)
    return default if value is None else value
