"""Types of columns, as warehouses write them, in the words of OpenMetadata.

Source: `dataType` of table.json, and what the server asks beyond it: a length for text and bytes of a fixed
size, `array<…>` and `struct<…>` as the display of an array and a struct, and children for a struct.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from phlo_hooks.capabilities.openmetadata.fqn import is_name

Column = dict[str, Any]

_WORDS = {
    "ARRAY": "ARRAY",
    "BIGINT": "BIGINT",
    "BIGDECIMAL": "DECIMAL",
    "BIGNUMERIC": "NUMERIC",
    "BIGSERIAL": "BIGINT",
    "BINARY": "BINARY",
    "BLOB": "BLOB",
    "BOOL": "BOOLEAN",
    "BOOLEAN": "BOOLEAN",
    "BPCHAR": "CHAR",
    "BYTE": "TINYINT",
    "BYTEA": "BYTEA",
    "BYTES": "BYTES",
    "CHAR": "CHAR",
    "CHARACTER": "CHAR",
    "CHARACTER VARYING": "VARCHAR",
    "CLOB": "CLOB",
    "DATE": "DATE",
    "DATE32": "DATE",
    "DATETIME": "DATETIME",
    "DATETIME2": "DATETIME",
    "DATETIME64": "DATETIME",
    "DATETIMEOFFSET": "TIMESTAMPZ",
    "DEC": "DECIMAL",
    "DECIMAL": "DECIMAL",
    "DOUBLE": "DOUBLE",
    "DOUBLE PRECISION": "DOUBLE",
    "ENUM": "ENUM",
    "FIXED": "DECIMAL",
    "FLOAT": "FLOAT",
    "FLOAT32": "FLOAT",
    "FLOAT4": "FLOAT",
    "FLOAT64": "DOUBLE",
    "FLOAT8": "DOUBLE",
    "GEOGRAPHY": "GEOGRAPHY",
    "GEOMETRY": "GEOMETRY",
    "HUGEINT": "NUMERIC",
    "INET": "INET",
    "INT": "INT",
    "INT16": "SMALLINT",
    "INT2": "SMALLINT",
    "INT32": "INT",
    "INT4": "INT",
    "INT64": "BIGINT",
    "INT8": "BIGINT",
    "INTEGER": "INT",
    "INTERVAL": "INTERVAL",
    "JSON": "JSON",
    "JSONB": "JSON",
    "LIST": "ARRAY",
    "LONG": "LONG",
    "MAP": "MAP",
    "MEDIUMINT": "INT",
    "MEDIUMTEXT": "MEDIUMTEXT",
    "NCHAR": "CHAR",
    "NUMBER": "NUMBER",
    "NUMERIC": "NUMERIC",
    "NVARCHAR": "VARCHAR",
    "OBJECT": "JSON",
    "REAL": "FLOAT",
    "RECORD": "STRUCT",
    "ROW": "STRUCT",
    "SERIAL": "INT",
    "SHORT": "SMALLINT",
    "SMALLINT": "SMALLINT",
    "STRING": "STRING",
    "STRUCT": "STRUCT",
    "SUPER": "SUPER",
    "TEXT": "TEXT",
    "TIME": "TIME",
    "TIME WITH TIME ZONE": "TIME",
    "TIME WITHOUT TIME ZONE": "TIME",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMP WITH LOCAL TIME ZONE": "TIMESTAMPZ",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPZ",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP",
    "TIMESTAMPTZ": "TIMESTAMPZ",
    "TIMESTAMP_LTZ": "TIMESTAMPZ",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_TZ": "TIMESTAMPZ",
    "TINYINT": "TINYINT",
    "UBIGINT": "BIGINT",
    "UINTEGER": "INT",
    "UINT16": "INT",
    "UINT32": "BIGINT",
    "UINT64": "BIGINT",
    "UINT8": "SMALLINT",
    "UNION": "UNION",
    "USMALLINT": "SMALLINT",
    "UTINYINT": "TINYINT",
    "UUID": "UUID",
    "VARBINARY": "VARBINARY",
    "VARCHAR": "VARCHAR",
    "VARCHAR2": "VARCHAR",
    "VARIANT": "VARIANT",
    "XML": "XML",
    "YEAR": "YEAR",
}
_SIZED = frozenset({"CHAR", "VARCHAR", "BINARY", "VARBINARY"})
# Of one whose length nobody says: what the warehouses give it then, or no more than a sign of it.
_UNSIZED = {"CHAR": ("CHAR", 1), "VARCHAR": ("STRING", None), "BINARY": ("BYTES", None)}
_UNSIZED["VARBINARY"] = _UNSIZED["BINARY"]
_EXACT = frozenset({"DECIMAL", "NUMERIC", "NUMBER"})
_TYPE = re.compile(r"\s*([A-Za-z_][\w ]*?)\s*(?:([(<])(.*)([)>])\s*([\w ]*))?\s*$", re.DOTALL)
_LIST = re.compile(r"^(.*\S)\s*\[\s*\d*\s*\]\s*$", re.DOTALL)
_OPEN, _CLOSE = "(<[", ")>]"
_WRAPPERS = frozenset({"NULLABLE", "LOWCARDINALITY"})
_FIELD = re.compile(r'\s*(?:"((?:[^"]|"")*)"|`([^`]*)`|([^\s:<>(),]+))\s*(?::|\s)\s*(.+?)\s*$', re.DOTALL)
# Deeper than anybody looks; a type that contains itself in text must not recurse for ever.
_DEEPEST = 16


def nameable(columns: Iterable[Column]) -> list[Column]:
    """Without those that OpenMetadata cannot name, and without a second one of a name, whatever its case: it
    refuses the whole table for one of them.
    """
    found: dict[str, Column] = {}
    for column in columns:
        if is_name(column["name"]):
            found.setdefault(column["name"].lower(), column)
    return list(found.values())


def typed(text: str | None, depth: int = 0) -> Column:
    """The fields of a column that say its type.

    Args:
        text: as the warehouse writes it, such as `DECIMAL(18,2)`, `INTEGER[]` or `struct<a:int>`.
        depth: how far it stands within others.
    """
    written = " ".join((text or "").split())
    found = _typed(written, depth) if written and depth < _DEEPEST else None
    return found or _unknown(written)


def _unknown(written: str) -> Column:
    return {"dataType": "UNKNOWN", **({"dataTypeDisplay": written} if written else {})}


def _typed(written: str, depth: int) -> Column | None:
    if listed := _LIST.match(written):
        return _array(listed[1], depth)
    match = _TYPE.match(written)
    if match is None:
        return None
    word, inner = match[1].upper(), match[3]
    if match[5]:
        # timestamp(3) with time zone
        word = f"{word} {match[5].upper()}"
    if word in _WRAPPERS and inner:
        return typed(inner, depth)
    known = _WORDS.get(word)
    if known is None:
        return None
    return _KINDS.get(known, _simple)(known, written, inner, depth)


def _simple(known: str, written: str, inner: str | None, depth: int) -> Column:
    numbers = [int(each) for each in re.findall(r"\d+", inner or "")]
    found: Column = {"dataType": known, "dataTypeDisplay": written.lower()}
    if known in _SIZED:
        known, length = (known, numbers[0]) if numbers else _UNSIZED[known]
        found |= {"dataType": known} | ({"dataLength": length} if length is not None else {})
    elif known in _EXACT and numbers:
        found |= dict(zip(("precision", "scale"), numbers, strict=False))
    return found


def _array(inner: str | None, depth: int) -> Column:
    item = typed(inner, depth + 1)
    return {
        "dataType": "ARRAY",
        "arrayDataType": item["dataType"],
        "dataTypeDisplay": f"array<{item.get('dataTypeDisplay', 'unknown')}>",
        **({"children": item["children"]} if "children" in item else {}),
    }


def _struct(inner: str | None, depth: int) -> Column:
    found = (child for field in _split(inner or "") if (child := _child(field, depth)))
    children = nameable(found)
    shown = ",".join(f"{each['name']}:{each.get('dataTypeDisplay', 'unknown')}" for each in children)
    return {"dataType": "STRUCT", "dataTypeDisplay": f"struct<{shown}>", "children": children}


def _map(written: str, inner: str | None, depth: int) -> Column:
    sides = [typed(each, depth + 1).get("dataTypeDisplay", "unknown") for each in _split(inner or "")]
    return {"dataType": "MAP", "dataTypeDisplay": f"map<{','.join(sides)}>"}


_KINDS = {
    "ARRAY": lambda known, written, inner, depth: _array(inner, depth),
    "STRUCT": lambda known, written, inner, depth: _struct(inner, depth),
    "MAP": lambda known, written, inner, depth: _map(written, inner, depth),
}


def _child(field: str, depth: int) -> Column | None:
    match = _FIELD.match(field)
    if match is None:
        return None
    name = next(each for each in match.groups()[:3] if each is not None)
    return {"name": name, **typed(match[4], depth + 1)}


def _split(text: str) -> Iterator[str]:
    """At the commas that stand within no brackets and no quotes."""
    depth, start, quote = 0, 0, ""
    for at, char in enumerate(text):
        if quote or char in "\"`'":
            quote = "" if char == quote else quote or char
            continue
        depth += (char in _OPEN) - (char in _CLOSE)
        if char == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    if text[start:].strip():
        yield text[start:]
