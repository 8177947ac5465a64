"""Columns of a table: as Dagster has them, and how they meet those that OpenMetadata has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from phlo_hooks.capabilities.openmetadata.tables.types import nameable, typed
from phlo_hooks.event_parts import Column

Columns = list[dict[str, Any]]
# What makes a column the one that it is; all else is said of it.
_SHAPE = ("name", "dataType", "arrayDataType", "dataLength", "precision", "scale", "dataTypeDisplay")


def wanted_columns(columns: Iterable[Column], declared: Iterable[Column]) -> Columns:
    """The columns for a request.

    Args:
        columns: as a materialization, or the definitions, say them.
        declared: those of the definitions, for what a materialization does not say of its own.
    """
    known = {each.name: each for each in declared}
    return nameable(_wanted(each, known.get(each.name, each)) for each in columns)


def _wanted(column: Column, declared: Column) -> dict[str, Any]:
    about = column.description or declared.description
    nullable = declared.nullable if column.nullable is None else column.nullable
    return {
        "name": column.name,
        **typed(column.type or declared.type),
        **({"description": about} if about else {}),
        **({"constraint": "NOT_NULL"} if nullable is False else {}),
    }


def digest(columns: Sequence[Mapping[str, Any]]) -> str:
    """Of names and types, in their order."""
    text = json.dumps([_shape(each) for each in columns], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32]


def _shape(column: Mapping[str, Any]) -> dict[str, Any]:
    shape = {key: column[key] for key in _SHAPE if column.get(key) is not None}
    children = [_shape(each) for each in column.get("children") or []]
    return {**shape, "children": children} if children else shape


def renewed(current: Columns, wanted: Columns) -> Columns:
    """The wanted columns, with what is said of those that are there already."""
    there = {each["name"]: each for each in current}
    return [_renewed(there.get(each["name"]), each) for each in wanted]


def _renewed(old: Mapping[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    if old is None:
        return new
    said = {key: value for key, value in old.items() if key not in _SHAPE and key != "children"}
    children = renewed(old.get("children") or [], new.get("children") or [])
    return {**new, **said, **({"children": children} if children else {})}


def descriptions(columns: Columns, path: str = "/columns") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The name within the table, the JSON pointer, and the column, of each one and of all within it."""
    for at, each in enumerate(columns):
        here = f"{path}/{at}"
        yield each["name"], here, each
        for name, pointer, child in descriptions(each.get("children") or [], f"{here}/children"):
            yield f"{each['name']}.{name}", pointer, child
