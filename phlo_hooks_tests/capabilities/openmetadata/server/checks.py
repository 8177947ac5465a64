"""A small language for the shapes of JSON: each check takes a value and its path, and raises what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from .errors import bad_request, invalid

Check = Callable[[Any, str], None]


def anything(value: Any, path: str) -> None:
    """Whatever it is."""


def _of(*types: type, wrong: str) -> Check:
    def check(value: Any, path: str) -> None:
        # A bool is an int to Python, and not to JSON.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise bad_request(f"Cannot deserialize value of {path}: {value!r} is not {wrong}")

    return check


whole = _of(int, wrong="an integer")
number = _of(int, float, wrong="a number")
boolean = _of(bool, wrong="a boolean")
mapping = _of(dict, wrong="an object")
_array = _of(list, wrong="an array")
_string = _of(str, wrong="a string")


def text(shortest: int = 0, longest: int | None = None, pattern: str | None = None) -> Check:
    """A string of so many characters, that fits a pattern as a whole."""

    def check(value: Any, path: str) -> None:
        _string(value, path)
        if len(value) < shortest or (longest is not None and len(value) > longest):
            raise invalid(path, f"size must be between {shortest} and {longest or 2147483647}")
        if pattern is not None and re.search(pattern, value) is None:
            raise invalid(path, f'must match "{pattern}"')

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, path: str) -> None:
        if value not in values:
            raise bad_request(f"Cannot construct instance of {path}, problem: {value}")

    return check


def list_of(item: Check, most: int | None = None) -> Check:
    def check(value: Any, path: str) -> None:
        _array(value, path)
        if most is not None and len(value) > most:
            raise invalid(path, f"cannot exceed {most} items")
        for index, each in enumerate(value):
            item(each, f"{path}[{index}]")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields and no other; null stands for an optional one that is not there."""
    optional = optional or {}

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        prefix = f"{path}." if path else ""
        for field in value:
            if field not in required and field not in optional:
                raise bad_request(f'Unrecognized field "{prefix}{field}", not marked as ignorable')
        for field, each in required.items():
            if value.get(field) is None:
                raise invalid(prefix + field, "must not be null")
            each(value[field], prefix + field)
        for field, each in optional.items():
            if value.get(field) is not None:
                each(value[field], prefix + field)

    return check


def lazily(find: Callable[[], Check]) -> Check:
    """A check that is defined further down, or contains itself."""

    def check(value: Any, path: str) -> None:
        find()(value, path)

    return check


def uuid(value: Any, path: str) -> None:
    _string(value, path)
    try:
        UUID(value)
    except ValueError:
        raise bad_request(f"Cannot deserialize value of {path}: {value!r} is not a UUID") from None


def milliseconds(value: Any, path: str) -> None:
    """Twelve digits or more, which is how the server tells milliseconds from seconds."""
    whole(value, path)
    if len(str(value)) < 12:
        raise bad_request(f"Timestamp {value} is not valid, it should be in milliseconds since epoch")
