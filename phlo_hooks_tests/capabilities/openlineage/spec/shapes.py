"""Pieces of JSON Schema (draft 2020-12), of which the spec's facets and events are put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = dict[str, Any]

STRING: Shape = {"type": "string"}
INTEGER: Shape = {"type": "integer"}
NUMBER: Shape = {"type": "number"}
BOOLEAN: Shape = {"type": "boolean"}
ANY_OBJECT: Shape = {"type": "object"}
TIME: Shape = {"type": "string", "format": "date-time"}
URI: Shape = {"type": "string", "format": "uri"}
UUID: Shape = {"type": "string", "format": "uuid"}
# The spec's namespaces and names are strings. An empty one names nothing.
NAME: Shape = {"type": "string", "minLength": 1}
NAMED: dict[str, Shape] = {"namespace": NAME, "name": NAME}

CLOSED = "x-closed"


def strings(*names: str) -> dict[str, Shape]:
    """Fields that are strings."""
    return dict.fromkeys(names, STRING)


def array(of: Shape) -> Shape:
    """A list."""
    return {"type": "array", "items": of}


def mapping(of: Shape) -> Shape:
    """An object whose keys are the user's."""
    return {"type": "object", "additionalProperties": of}


def ref(name: str) -> Shape:
    """A shape that knows itself, kept among the `defs` of its facet."""
    return {"$ref": f"#/$defs/{name}"}


def record(
    required: Mapping[str, Shape] | None = None,
    optional: Mapping[str, Shape] | None = None,
    *,
    is_open: bool = False,
) -> Shape:
    """An object with fields.

    Args:
        required: must be there.
        optional: may be there.
        is_open: the spec says `additionalProperties: true` in so many words. Elsewhere it does not forbid them
            either, but they are misspelt rather than meant: see `strict` of the validator.
    """
    must = dict(required or {})
    shape: Shape = {"type": "object", "properties": {**must, **(optional or {})}, "required": [*must]}
    return shape if is_open else {**shape, CLOSED: True}


def one_of(tag: str, variants: Mapping[str, Shape]) -> Shape:
    """One of several records, told apart by a field.

    A `oneOf` would do, but says "is not valid under any of the given schemas" of each mistake.
    """
    cases = [
        {"if": {"properties": {tag: {"const": value}}, "required": [tag]}, "then": shape}
        for value, shape in variants.items()
    ]
    return {
        "type": "object",
        "properties": {tag: {"enum": [*variants]}},
        "required": [tag],
        "allOf": cases,
    }
