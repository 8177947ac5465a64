"""What becomes of Python values that JSON does not know."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from phlo_hooks.plain import MAX_LEVELS, plain_json
from phlo_hooks_tests.samples import values


class Color(Enum):
    RED = "red"


class Level(str, Enum):
    LOW = "low"


class Number(IntEnum):
    ONE = 1


CASES = {
    "None": (None, None),
    "bool": (True, True),
    "int": (3, 3),
    "text": ("ü", "ü"),
    "surrogate": ("\udcff", "?"),
    "float": (0.5, 0.5),
    "nan": (float("nan"), None),
    "infinity": (float("-inf"), None),
    "datetime": (datetime(2013, 1, 1, tzinfo=timezone.utc), "2013-01-01T00:00:00+00:00"),
    "date": (date(2013, 1, 1), "2013-01-01"),
    "time": (time(1, 2), "01:02:00"),
    "timedelta": (timedelta(minutes=1), 60.0),
    "enum": (Color.RED, "red"),
    "str enum": (Level.LOW, "low"),
    "int enum": (Number.ONE, 1),
    "decimal": (Decimal("1.10"), "1.10"),
    "path": (PurePosixPath("/a"), "/a"),
    "tuple": ((1, 2), [1, 2]),
    "set": ({1}, [1]),
    "mapping": (MappingProxyType({1: OrderedDict(a=1)}), {"1": {"a": 1}}),
    "numpy int": (np.int64(3), 3),
    "numpy float": (np.float32(0.5), 0.5),
    "numpy nan": (np.float64("nan"), None),
    "numpy bool": (np.bool_(True), True),
    "numpy 0-d": (np.array(3), 3),
    "numpy array": (np.array([1, 2]), "[1 2]"),
    "pandas time": (pd.Timestamp("2013-01-01", tz="UTC"), "2013-01-01T00:00:00+00:00"),
    "NaT": (pd.NaT, "NaT"),
}


@pytest.mark.parametrize(("value", "plain"), CASES.values(), ids=CASES)
def test_plain(value, plain):
    """Each becomes what JSON has for it, else its text."""
    result = plain_json(value)
    assert plain == result
    assert type(plain) is type(result)


@given(values)
def test_always_json(value):
    """The result is JSON whatever came in, and making it plain again changes nothing."""
    once = plain_json(value)
    assert once == json.loads(json.dumps(once, allow_nan=False))
    assert once == plain_json(once)


def test_a_structure_that_holds_itself():
    """A circle ends in text, not in a RecursionError in the middle of somebody's run."""
    circle: list = []
    circle.append(circle)
    assert 3 * MAX_LEVELS > len(json.dumps(plain_json(circle)))


def test_deep_structures_end_in_text():
    """Deeper than readers of JSON go, there is only text."""
    deep: object = "bottom"
    for _ in range(MAX_LEVELS * 2):
        deep = {"in": deep}
    result = plain_json(deep)
    for _ in range(MAX_LEVELS):
        result = result["in"]
    assert isinstance(result, str)
    assert "bottom" in result
