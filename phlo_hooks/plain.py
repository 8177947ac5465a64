"""Turn whatever a user put into metadata into what JSON can say, so that it survives every round trip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set as AbstractSet
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

# Readers of JSON stop at some depth, pydantic's at 200 levels; a structure that holds itself has none.
MAX_LEVELS = 64


def plain_json(value: Any, levels: int = MAX_LEVELS) -> Any:
    """`value` in JSON's own types: NaN and infinity become None, what JSON cannot say its text.

    What lies deeper than `levels` is text, too.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and not isinstance(value, Enum):
        return _writable(value)
    if isinstance(value, (Mapping, list, tuple, AbstractSet)):
        return _plain_collection(value, levels - 1) if levels > 0 else _writable(str(value))
    return _plain_scalar(value)


def _plain_collection(value: Any, levels: int) -> Any:
    if isinstance(value, Mapping):
        return {_writable(str(key)): plain_json(item, levels) for key, item in value.items()}
    return [plain_json(item, levels) for item in value]


def _writable(text: str) -> str:
    """`text` as UTF-8 can say it: a file name that is not text comes from Python with lone surrogates."""
    return text if text.isascii() else text.encode(errors="replace").decode()


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
    return _writable(str(value))
