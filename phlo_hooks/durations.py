"""Durations as people write them: `2h`, `90m`, `1h 30m`, `1w`, or a number of seconds."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from phlo_hooks.errors import ConfigurationError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])")
# A century: what is longer is a mistake, and would overflow a date.
_MOST = 100 * 365 * 86_400


def duration(value: str | float | timedelta, what: str = "a duration", *, zero: bool = False) -> timedelta:
    """What `value` stands for.

    Args:
        value: such as `2h`, `90m`, `1d 12h`, a `timedelta`, or seconds as a number or as text.
        what: the setting or the tag that has it, for the message.
        zero: whether it may be none at all.

    Raises:
        ConfigurationError: it is no duration, or not above 0.
    """
    found = None if isinstance(value, bool) else _seconds(value)
    if found is None or not 0 <= found <= _MOST or not (found or zero):
        raise ConfigurationError(
            f"{what} is {value!r}: write a time above 0 such as 90m, 2h, 1d 12h, or a number of seconds"
        )
    return timedelta(seconds=found)


def in_words(seconds: float) -> str:
    """How long something took, as people read it: `0.4 s`, `12 min 5 s`, `26 h 3 min`."""
    seconds = max(0.0, round(seconds, 1))
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def _seconds(value: str | float | timedelta) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    try:
        number = float(value)
    except ValueError:
        return _sum_of_parts(str(value))
    return number if math.isfinite(number) else None


def _sum_of_parts(text: str) -> float | None:
    parts = list(_PART.finditer(text))
    if not parts or _PART.sub("", text).strip():
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
