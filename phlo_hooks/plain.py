"""Turn whatever a user put into metadata into what JSON can say, so that it survives every round trip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any


def plain_json(value: Any) -> Any:
    """`value` in JSON's own types: NaN and infinity become None, what JSON cannot say its text."""
    if value is None or isinstance(value, (bool, str)) and not isinstance(value, Enum):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, Set)):
        return [plain_json(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return plain_json(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _plain_text(value)


def _plain_text(value: Any) -> Any:
    # NumPy and pandas scalars know their Python value; nothing here imports either.
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        return plain_json(item())
    return str(value)
