"""Columns: what a request must say of them, their names, and how an update meets those that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import fqn as names
from .errors import bad_request

Json = dict[str, Any]
Columns = list[Json]
_SIZED = ("CHAR", "VARCHAR", "BINARY", "VARBINARY")


def validate(columns: Columns) -> None:
    """Refuse what the server refuses beyond its schema, and name the type where nobody did."""
    seen: set[str] = set()
    for column in columns:
        if column["name"].lower() in seen:
            raise bad_request(f"Column name {column['name']} is repeated")
        seen.add(column["name"].lower())
        _default_display(column)
        _validate_size(column)
        _validate_array(column)
        _validate_struct(column)
        validate(column.get("children") or [])


def _default_display(column: Json) -> None:
    if column.get("dataTypeDisplay") is None:
        name = column["dataType"].lower()
        length = column.get("dataLength")
        column["dataTypeDisplay"] = name if length is None else f"{name}({length})"


def _validate_size(column: Json) -> None:
    if column["dataType"] in _SIZED and column.get("dataLength") is None:
        raise bad_request(
            "For column data types char, varchar, binary, varbinary dataLength must not be null"
        )


def _validate_array(column: Json) -> None:
    if column["dataType"] != "ARRAY":
        column.pop("arrayDataType", None)
        return
    if column.get("arrayDataType") is None:
        raise bad_request("For column data type array, arrayDataType must not be null")
    if not column["dataTypeDisplay"].startswith("array<"):
        raise bad_request("For column data type array, dataTypeDisplay must be of type array<arrayDataType>")


def _validate_struct(column: Json) -> None:
    if column["dataType"] != "STRUCT":
        return
    if column.get("children") is None:
        raise bad_request("For column data type struct, children must not be null")
    if not column["dataTypeDisplay"].startswith("struct<"):
        raise bad_request(
            "For column data type struct, dataTypeDisplay must be of type struct<member fields>"
        )


def name(parent: str, columns: Columns) -> None:
    """Give each its fully qualified name, and the first ones their place where none is given."""
    for column in columns:
        column["fullyQualifiedName"] = names.add(parent, column["name"])
        name(column["fullyQualifiedName"], column.get("children") or [])


def walk(columns: Columns) -> Iterator[Json]:
    """Each column, and each within it."""
    for column in columns:
        yield column
        yield from walk(column.get("children") or [])


def find(columns: Columns, path: str, parent: str | None = None) -> Json | None:
    """The column that a profile names, one within another as parent.child."""
    for column in columns:
        here = column["name"] if parent is None else f"{parent}.{column['name']}"
        if here == path:
            return column
        inner = find(column.get("children") or [], path, here)
        if inner is not None:
            return inner
    return None


def _matches(left: Json, right: Json) -> bool:
    """One column in two versions of a table: the name, whatever its case, and the type."""
    return left["name"].lower() == right["name"].lower() and all(
        left.get(key) == right.get(key) for key in ("dataType", "arrayDataType")
    )


def merge(
    original: Columns, updated: Columns, *, bot: bool, merge_tags: Callable[[Json, Json], None]
) -> bool:
    """Carry over what people wrote at the columns that stay; True for a change that breaks readers.

    Args:
        original: the columns that are there.
        updated: those of the request, which become what is there.
        bot: a bot does not overwrite a description or a display name.
        merge_tags: of one column, from the first to the second.
    """
    major = any(not any(_matches(old, new) for new in updated) for old in original)
    for new in updated:
        old = next((each for each in original if _matches(each, new)), None)
        if old is None:
            _inherit_from_retyped(original, new)
            continue
        for key in ("description", "displayName"):
            if bot and old.get(key):
                new[key] = old[key]
        merge_tags(old, new)
        _keep(old, new)
        major = major or _narrowed(old, new)
        if old.get("children") and new.get("children"):
            major |= merge(old["children"], new["children"], bot=bot, merge_tags=merge_tags)
    return major


def _inherit_from_retyped(original: Columns, new: Json) -> None:
    """A column of another type is another column, and still takes over the description."""
    old = next((each for each in original if each["name"] == new["name"]), None)
    if old is not None and not new.get("description") and old.get("description"):
        new["description"] = old["description"]


def _keep(old: Json, new: Json) -> None:
    for key in ("customMetrics", "extension"):
        if key in old and new.get(key) is None:
            new[key] = old[key]


def _narrowed(old: Json, new: Json) -> bool:
    """Whether values that fit before may fit no more: a length that is new counts, and one that is gone not."""
    length, shorter = old.get("dataLength"), new.get("dataLength")
    if length != shorter and (length is None or (shorter is not None and shorter < length)):
        return True
    return any(
        old.get(key) is not None and (new.get(key) is None or new[key] < old[key])
        for key in ("precision", "scale")
    )
