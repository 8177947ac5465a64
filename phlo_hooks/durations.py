"""Durations as people write them."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from phlo_hooks.errors import ConfigurationError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")


def duration(value: str | float | timedelta) -> timedelta:
    """What `90s`, `15m`, `1h30m`, `3d`, `1w`, a number of seconds, or a `timedelta` says.

    Raises:
        ConfigurationError: it says no duration, or a negative one.
    """
    seconds = _seconds(value)
    try:
        if seconds is not None and seconds >= 0:
            return timedelta(seconds=seconds)
    except OverflowError:
        pass
    raise ConfigurationError(f"{value!r} is not a duration: write 90s, 15m, 1h30m or 3d")


def _seconds(value: str | float | timedelta) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        text = value.strip()
        if not _WHOLE.fullmatch(text):
            return None
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return float(value) if math.isfinite(value) else None
