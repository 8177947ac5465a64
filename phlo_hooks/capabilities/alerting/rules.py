"""What a rule is: which events, where, to whom, and how. Checked when it is built."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field, field_validator

from phlo_hooks.capabilities.alerting.quiet import QuietHours, next_time, zone
from phlo_hooks.capabilities.alerting.signals import SIGNALS, healing_types, wanted
from phlo_hooks.capabilities.alerting.strict import StrictConfig
from phlo_hooks.durations import duration
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import SEVERITIES

ATTEMPTS = ("last", "first", "every")
GROUPS = ("subject", "run", "backfill", "asset", "group", "owner", "job")
# How long a group waits for more, unless its run or backfill ends before.
_WAITS = {"run": "1h", "backfill": "1d"}
_DURATIONS = ("window", "max_window", "group_wait", "renotify", "escalate_after", "flap_within")
# Telling of a repetition: once an hour, then less and less, once a day in the end.
WINDOW, MAX_WINDOW, BACKOFF = "1h", "1d", 2.0
# A window has long been as long as it may be by then; more would be too large a number.
_GROWTHS, _MAX_BACKOFF = 20, 1e6


class Threshold(StrictConfig):
    """A limit for a number that an asset's materializations carry as metadata, such as rows."""

    name: str = Field(
        description="Of the metadata, such as dagster/row_count, or of the metric, such as rows."
    )
    above: float | None = Field(default=None, description="More than this is a problem.")
    below: float | None = Field(default=None, description="Less than this is a problem.")
    change_above: float | None = Field(
        default=None, description="A rise since the last time by more than so many percent is a problem."
    )
    change_below: float | None = Field(
        default=None, description="A fall since the last time by more than so many percent is a problem."
    )

    def check(self, owner: str) -> None:
        """Refuse one without a limit.

        Raises:
            ConfigurationError: there is none.
        """
        limits = [self.above, self.below, self.change_above, self.change_below]
        if any(limit is not None and math.isnan(limit) for limit in limits):
            raise ConfigurationError(f"{owner}: threshold {self.name!r} has a limit that is no number")
        if limits == [None] * len(limits):
            raise ConfigurationError(
                f"{owner}: threshold {self.name!r} has no limit: set above, below, change_above, change_below"
            )

    def broken_by(self, value: float, before: float | None) -> str:
        """What `value` breaks, in words; empty for nothing.

        Args:
            value: the number now.
            before: the number of the last time; None for the first.
        """
        if self.above is not None and value > self.above:
            return f"{value:g} is above {self.above:g}"
        if self.below is not None and value < self.below:
            return f"{value:g} is below {self.below:g}"
        if not before:
            return ""
        change = 100 * (value - before) / abs(before)
        risen = self.change_above is not None and change > self.change_above
        fallen = self.change_below is not None and -change > self.change_below
        return f"{value:g} is {change:+.0f} % from {before:g}" if risen or fallen else ""


class Rule(StrictConfig):
    """Which events become messages, to whom, and how often.

    Times are texts such as `90s`, `15m`, `1h30m`, `1d`; numbers of seconds and `timedelta`s are taken too.

    Raises:
        ConfigurationError: a value that cannot work, named with the rule and what to do about it.
    """

    name: str = Field(description="Unique; stands in every message.")
    on: list[str] = Field(description="Signals or patterns: asset.failure, check.*, run.failure …")
    to: list[str] = Field(
        default=[],
        description="Channels, as slack or slack:#data, and `owners` for those of the asset; left out, the "
        "resource's default_to.",
    )

    status: list[str] | None = Field(default=None, description="Only events with one of these.")
    min_severity: str = Field(default="INFO", description="INFO, WARN, ERROR or CRITICAL.")
    assets: str | None = Field(default=None, description='A Dagster asset selection, such as group:"marts".')
    jobs: list[str] | None = Field(default=None, description="Job names or patterns.")
    partitions: list[str] | None = Field(default=None, description="Partition keys or patterns.")
    locations: list[str] | None = Field(default=None, description="Code locations or patterns.")
    tags: dict[str, str] | None = Field(default=None, description="All of them must stand on the event.")
    threshold: Threshold | None = Field(default=None, description="With on: [metric], the limit.")

    severity: str | None = Field(default=None, description="Of its messages, whatever the event says.")
    attempts: str = Field(
        default="last", description="Of what Dagster retries: last, first or every failed attempt."
    )
    after: int = Field(default=1, ge=1, description="Only after so many failures in a row.")
    distinguish: list[str] = Field(
        default=["error_class", "check_name"],
        description="What tells causes apart: error_class, check_name, partition_key, step_key, error.",
    )
    window: str | None = Field(
        default=None,
        description="Repetitions within it are counted, not sent; it begins with a message that was sent. "
        "1h for problems, none for notices.",
    )
    backoff: float = Field(default=BACKOFF, ge=1, description="Each further window is longer by this factor.")
    max_window: str = Field(default=MAX_WINDOW, description="No window is longer.")
    group_by: str = Field(
        default="subject",
        description="One message for each: subject, run, backfill, asset, group, owner or job.",
    )
    group_wait: str | None = Field(
        default=None,
        description="How long a group waits for more; 1m, or the end of the run or backfill.",
    )
    digest: str | None = Field(default=None, description="A cron schedule: one message then, with all of it.")
    recovery: bool = Field(default=True, description="Tell when it is right again.")
    renotify: str | None = Field(default=None, description="Tell again, as long as it is not.")
    escalate_after: str | None = Field(default=None, description="If it is not right again by then, …")
    escalate_to: list[str] = Field(default=[], description="… tell these channels, too.")
    flap_changes: int = Field(default=6, ge=0, description="So many changes within flap_within; 0 for never.")
    flap_within: str = Field(default="1h", description="See flap_changes.")
    quiet_hours: QuietHours | None = Field(default=None, description="When messages wait.")
    timezone: str = Field(default="UTC", description="By whose clock digest goes, and times are written.")
    mute_until: str | None = Field(default=None, description="ISO 8601: until then nothing is sent.")
    advice: str | None = Field(
        default=None, description="What to do next: a sentence, the link to a runbook."
    )
    template: str | None = Field(default=None, description="Jinja2, for the text of the message.")

    @field_validator(*_DURATIONS, mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if not isinstance(value, (int, float, timedelta)):
            return value
        return f"{duration(value, zero=True).total_seconds():g}s"

    @field_validator("mute_until", mode="before")
    @classmethod
    def _as_iso(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        self._check()

    @property
    def muted_until(self) -> datetime | None:
        """Until when nothing is sent, aware."""
        if self.mute_until is None:
            return None
        when = datetime.fromisoformat(self.mute_until.replace("Z", "+00:00"))
        return when if when.tzinfo else when.replace(tzinfo=zone(self.timezone))

    @property
    def event_types(self) -> tuple[str, ...]:
        """All events it has to see: what it listens for, what ends that, and what ends a group."""
        ends: tuple[str, ...] = ()
        if self.group_by == "run" or self._may_hold:
            ends += ("run.success", "run.failure", "run.canceled")
        if self.group_by == "backfill":
            ends += ("backfill.end",)
        return tuple(dict.fromkeys((*self._wanted, *healing_types(self.on), *ends)))

    @property
    def _may_hold(self) -> bool:
        return self.attempts == "last" and self.listens_for("asset.failure")

    @property
    def _wanted(self) -> tuple[str, ...]:
        metric = ("ingestion.end", "transform.end", "publish.end") if "metric" in self.on else ()
        return (*metric, *wanted(name for name in self.on if name != "metric"))

    def listens_for(self, signal: str) -> bool:
        """Whether a signal is among those it asks for."""
        return any(fnmatchcase(signal, pattern) for pattern in self.on)

    def span(self, name: str) -> timedelta | None:
        """One of its times; None where it is not set."""
        text = getattr(self, name)
        return None if text is None else duration(text, name, zero=True)

    @property
    def patience(self) -> timedelta:
        """How long a group waits for more."""
        return duration(self.group_wait or _WAITS.get(self.group_by, "1m"), zero=True)

    def awake(self, due: datetime, severity: str) -> datetime:
        """`due`, or the end of the quiet hours that it falls into."""
        return (self.quiet_hours and self.quiet_hours.ends(due, self.severity or severity)) or due

    def window_after(self, sent: int) -> timedelta:
        """How long repetitions are not sent after the message with this number, the first being 1."""
        first, most = duration(self.window or WINDOW, zero=True), duration(self.max_window, zero=True)
        grown = first.total_seconds() * min(self.backoff, _MAX_BACKOFF) ** min(max(0, sent - 1), _GROWTHS)
        return timedelta(seconds=min(max(most, first).total_seconds(), grown))

    def _check(self) -> None:
        who = f"rule {self.name!r}"
        if not self.name.strip() or any(char in self.name for char in "/\n"):
            raise ConfigurationError(f"{who}: a name is needed, without slash or newline")
        if not self.on:
            raise ConfigurationError(f"{who}: on is empty: name signals, such as asset.failure")
        self._check_words(who)
        for name in _DURATIONS:
            _labelled(who, lambda name=name: self.span(name))
        _labelled(who, lambda: self._wanted)
        _labelled(f"{who}: mute_until", lambda: self.muted_until)
        zone(self.timezone, who)
        if self.quiet_hours:
            self.quiet_hours.check(who)
        self._check_pairs(who)

    def _check_words(self, who: str) -> None:
        for name, known in (("attempts", ATTEMPTS), ("group_by", GROUPS), ("min_severity", SEVERITIES)):
            _one_of(who, name, getattr(self, name), known)
        if self.severity is not None:
            _one_of(who, "severity", self.severity, SEVERITIES)
        for name in ("status", "jobs", "partitions", "locations"):
            if getattr(self, name) == []:
                raise ConfigurationError(f"{who}: {name} is empty, which nothing matches: leave it out")
        for each in self.distinguish:
            _one_of(who, "distinguish", each, CAUSES)

    def _check_pairs(self, who: str) -> None:
        if bool(self.escalate_after) != bool(self.escalate_to):
            raise ConfigurationError(f"{who}: escalation needs both escalate_after and escalate_to")
        if (self.threshold is None) != ("metric" not in self.on):
            raise ConfigurationError(f"{who}: a threshold needs on: [metric], and that needs a threshold")
        if self.threshold:
            self.threshold.check(who)
            if SEVERITIES.index(self.min_severity) > SEVERITIES.index("WARN"):
                raise ConfigurationError(
                    f"{who}: min_severity {self.min_severity}: a metric beyond its threshold is a WARN; "
                    "to have its messages say more, set severity"
                )
        ignored = [name for name in ("renotify", "escalate_after") if self.digest and getattr(self, name)]
        if ignored:
            raise ConfigurationError(f"{who}: {ignored[0]} has no meaning with a digest: leave one out")
        if self.digest:
            at = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
            _labelled(f"{who}: digest", lambda: next_time(self.digest or "", self.timezone, at))


CAUSES = ("error_class", "check_name", "partition_key", "step_key", "error")


def _one_of(who: str, name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigurationError(f"{who}: {name} {value!r} is unknown{suggest(value, known)}")


def _labelled(who: str, look: Any) -> None:
    """Look at something that may be wrong, and say whose it is."""
    try:
        look()
    except ValueError as exc:
        raise ConfigurationError(f"{who}: {exc}") from None


def all_signals() -> tuple[str, ...]:
    """Every name that `on` may have, besides the types of your own events."""
    return (*(signal.name for signal in SIGNALS), "metric")
