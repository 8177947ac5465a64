"""The fields in a column's type: those of a struct, the element of a list, key and value of a map."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from openlineage.client.generated.schema_dataset import SchemaDatasetFacetFields as Field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlglot import exp

# A bracket with a name in it: DECIMAL(10, 2) has no fields, and sqlglot takes a while to load.
_HAS_FIELDS = re.compile(r"[<(]\s*[\"`A-Za-z_]")
_BRACKET = re.compile(r"[<>()\[\]]")
# BigQuery stops at 15. sqlglot calls itself several times for each level.
_DEEPEST = 32
_DIALECTS = {
    "awsathena": "athena",
    "delta": "databricks",
    "deltalake": "databricks",
    "gbq": "bigquery",
    "iceberg": "spark",
    "mssql": "tsql",
    "postgresql": "postgres",
    "sqlserver": "tsql",
    "unitycatalog": "databricks",
}
_STRUCTS = frozenset({"STRUCT", "OBJECT", "NESTED", "UNION"})
_LISTS = frozenset({"ARRAY", "LIST"})


def nested_fields(type_name: str | None, dialect: str | None) -> list[Field] | None:
    """The fields of a column of this type; None where it has none, cannot be read, or sqlglot is missing."""
    if not type_name or not _HAS_FIELDS.search(type_name) or _depth(type_name) > _DEEPEST:
        return None
    parsed = _parsed(type_name, (dialect or "").lower())
    return _fields(*parsed) if parsed else None


def _depth(type_name: str) -> int:
    steps = (1 if bracket in "<([" else -1 for bracket in _BRACKET.findall(type_name))
    return max(accumulate(steps), default=0)


@lru_cache(maxsize=1024)
def _parsed(type_name: str, dialect: str) -> tuple[exp.DataType, str] | None:
    try:
        import sqlglot
    except ImportError:
        return None
    # Of the others, Trino alone knows ROW(), and DuckDB a list behind its element.
    for candidate in dict.fromkeys((_DIALECTS.get(dialect, dialect), "", "trino", "duckdb")):
        try:
            return sqlglot.exp.DataType.build(type_name, dialect=candidate), candidate
        except (sqlglot.errors.SqlglotError, ValueError, RecursionError):
            continue
    return None


def _fields(kind: exp.DataType, dialect: str) -> list[Field] | None:
    members = enumerate(_members(kind), start=1)
    return [_field(name, member, at, dialect) for at, (name, member) in members] or None


def _members(kind: exp.DataType) -> Iterator[tuple[str, exp.Expression]]:
    """The names are those of the specification's own example."""
    is_a, inner = getattr(kind.this, "value", ""), kind.expressions
    if is_a in _LISTS and inner:
        yield "_element", inner[0]
    elif is_a == "MAP":
        yield from zip(("key", "value"), inner, strict=False)
    elif is_a in _STRUCTS:
        yield from ((member.name or f"_{at}", member) for at, member in enumerate(inner))


def _field(name: str, member: exp.Expression, position: int, dialect: str) -> Field:
    # A struct's member is a column's definition; an element, or a member without a name, is a type.
    kind: Any = member.args.get("kind") or member
    return Field(
        name=name,
        type=kind.sql(dialect),
        description=_comment(member),
        ordinal_position=position,
        fields=_fields(kind, dialect),
    )


def _comment(member: exp.Expression) -> str | None:
    from sqlglot import exp

    found = member.find(exp.CommentColumnConstraint) if isinstance(member, exp.ColumnDef) else None
    return found.this.name if found and found.parent and found.parent.parent is member else None
