"""Times and durations as they are typed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import click

from phlo_hooks import durations
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import ConfigurationError


class TimeType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """A moment: ISO 8601, in UTC unless it says otherwise, or how long ago, as `2h`."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment that `value` says."""
        if isinstance(value, datetime):
            return value
        ago = duration(value)
        try:
            return _iso(value) if ago is None else utc_now() - ago
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time: write 2026-03-14T09:00, or 2h, 3d for so long ago")


class DurationType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """How long, as `90s`, `15m`, `2h`, `3d`; in seconds."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that `value` says."""
        if isinstance(value, (int, float)):
            return float(value)
        found = duration(value)
        if found is None:
            self.fail(f"{value!r} is not a duration: write 90s, 15m, 2h or 3d")
        return found.total_seconds()


def duration(text: str) -> timedelta | None:
    """The duration that a text says; None when it says none."""
    try:
        # A bare number is not typed: 2 of what?
        return None if text.strip().replace(".", "").isdigit() else durations.duration(text, zero=True)
    except ConfigurationError:
        return None


def _iso(text: str) -> datetime:
    # Python 3.10 does not know the Z.
    moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def iso(moment: datetime | None) -> str | None:
    """A moment in UTC, for machines."""
    return None if moment is None else moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def short(moment: datetime | None) -> str:
    """A moment in UTC, for people."""
    return "" if moment is None else f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}"


def age(seconds: float | None) -> str:
    """A duration for people, in its largest unit."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
