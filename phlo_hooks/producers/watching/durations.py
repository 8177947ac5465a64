"""Durations as people write them: `2h`, `90m`, `1h 30m`, or a number of seconds."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from phlo_hooks.errors import ConfigurationError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhd])")
# A century: what is longer is a mistake, and would overflow a date.
_MOST = 100 * 365 * 86_400


def duration(value: str | float, what: str = "a duration") -> timedelta:
    """What `value` stands for.

    Args:
        value: such as `2h`, `90m`, `1d 12h`, or seconds as a number or as text.
        what: the setting or the tag that has it, for the message.

    Raises:
        ConfigurationError: it is no duration, or not above 0.
    """
    found = None if isinstance(value, bool) else _seconds(str(value))
    if found is None or not 0 < found <= _MOST:
        raise ConfigurationError(
            f"{what} is {value!r}: write a time above 0 such as 90m, 2h, 1d 12h, or a number of seconds"
        )
    return timedelta(seconds=found)


def _seconds(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return _sum_of_parts(text)
    return number if math.isfinite(number) else None


def _sum_of_parts(text: str) -> float | None:
    parts = list(_PART.finditer(text))
    if not parts or _PART.sub("", text).strip():
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
