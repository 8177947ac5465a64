"""What the metadata of a materialization says: the facts that events carry, and all of it as plain JSON.

Pure functions of what Dagster recorded, so the step hook and the tail sensor read the same out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from phlo_hooks.plain import plain_json

# A materialization of a partition speaks of that partition before it speaks of the whole table.
_ROWS = ("dagster/partition_row_count", "dagster/row_count")
# Dagster has no key for these two. Ours first, then dagster-dbt's, then what people write.
_BYTES = ("phlo_hooks/bytes", "bytes", "size_bytes", "total_bytes")
_SECONDS = (
    "phlo_hooks/seconds",
    "Execution Duration",
    "execution_duration",
    "duration_seconds",
    "seconds",
)
_TABLE = ("dagster/table_name", "dagster/relation_identifier")
_UNSAID = dg.TableColumnConstraints()


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str | None = None
    description: str | None = None
    nullable: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, order=True)
class ColumnEdge:
    """One column that was computed from one column of an upstream asset."""

    column: str
    upstream_asset: str
    upstream_column: str

    def as_dict(self) -> dict[str, str]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class MaterializationFacts:
    """What is known of the table that was materialized; None where the metadata does not say."""

    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    table_name: str | None = None
    uri: str | None = None
    storage_kind: str | None = None
    columns: tuple[Column, ...] = ()
    column_lineage: tuple[ColumnEdge, ...] = ()


def facts(metadata: Mapping[str, Any]) -> MaterializationFacts:
    """The facts in metadata that follows Dagster's conventions, whichever tool wrote it."""
    return MaterializationFacts(
        rows=whole(first(metadata, *_ROWS)),
        bytes=whole(first(metadata, *_BYTES)),
        seconds=number(first(metadata, *_SECONDS)),
        table_name=text(first(metadata, *_TABLE)),
        uri=text(first(metadata, "dagster/uri")),
        storage_kind=text(first(metadata, "dagster/storage_kind")),
        columns=columns_of(metadata.get("dagster/column_schema")),
        column_lineage=edges_of(metadata.get("dagster/column_lineage")),
    )


def plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """All of the metadata in JSON's own types. Never raises."""
    return {str(key): plain_value(value) for key, value in metadata.items()}


def plain_value(value: Any) -> Any:
    """One metadata value, or a raw value of a spec, in JSON's own types. Never raises."""
    try:
        return _rendered(value)
    except Exception:  # noqa: BLE001
        # A user's object may raise from str() or refer to itself; the event is worth more than the value.
        return f"<{type(value).__name__}>"


def first(metadata: Mapping[str, Any], *keys: str) -> Any:
    """The plain value of the first of these keys that has one; None when none does."""
    values = (plain_value(metadata[key]) for key in keys if key in metadata)
    return next((value for value in values if value is not None), None)


def number(value: Any) -> float | None:
    """`value` if it is a count or a measure, that is a number that is not negative."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and value >= 0 else None


def whole(value: Any) -> int | None:
    """`value` if it is a whole number that is not negative."""
    found = number(value)
    return int(value) if found is not None and found == int(value) else None


def text(value: Any) -> str | None:
    """`value` if it is text and not empty."""
    return value if isinstance(value, str) and value else None


def columns_of(schema: Any) -> tuple[Column, ...]:
    """The columns of a `TableSchema`, or of a metadata value that holds one; none of anything else."""
    schema = _unwrapped(schema)
    if not isinstance(schema, dg.TableSchema):
        return ()
    return tuple(_column(column) for column in schema.columns)


def edges_of(lineage: Any) -> tuple[ColumnEdge, ...]:
    """The edges of a `TableColumnLineage`, or of a metadata value that holds one.

    Sorted: dagster-dbt collects them in sets, and the same table should give the same event.
    """
    lineage = _unwrapped(lineage)
    if not isinstance(lineage, dg.TableColumnLineage):
        return ()
    edges = (
        ColumnEdge(column, dep.asset_key.to_user_string(), dep.column_name)
        for column, deps in lineage.deps_by_column.items()
        for dep in deps
    )
    return tuple(sorted(edges))


def _column(column: dg.TableColumn) -> Column:
    # dagster-dbt writes "?" for a type nobody declared, and constraints left at their default say nothing.
    return Column(
        name=column.name,
        type=column.type if column.type != "?" else None,
        description=column.description or None,
        nullable=column.constraints.nullable if column.constraints != _UNSAID else None,
        tags=dict(column.tags or {}),
    )


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, dg.MetadataValue) else value


def _rendered(value: Any) -> Any:
    for kind, render in _RENDERERS:
        if isinstance(value, kind):
            return plain_json(render(value))
    return plain_json(_unwrapped(value))


def _timestamp(metadata: dg.TimestampMetadataValue) -> Any:
    try:
        return datetime.fromtimestamp(metadata.value, tz=timezone.utc)
    except (OverflowError, OSError, ValueError):
        return metadata.value


def _job(job: dg.DagsterJobMetadataValue) -> Any:
    return {"job": job.job_name, "repository": job.repository_name, "location": job.location_name}


def _table(table: dg.TableMetadataValue) -> Any:
    return {**_schema(table.schema), "records": [record.data for record in table.records]}


def _schema(schema: dg.TableSchema) -> dict[str, Any]:
    return {"columns": [column.as_dict() for column in columns_of(schema)]}


def _lineage(lineage: dg.TableColumnLineage) -> dict[str, Any]:
    inputs: dict[str, list[Any]] = {column: [] for column in lineage.deps_by_column}
    for edge in edges_of(lineage):
        inputs[edge.column].append({"asset": edge.upstream_asset, "column": edge.upstream_column})
    return inputs


# Dagster's other kinds (text, url, path, JSON, Markdown, notebook, number, null, run, pool) are plain inside.
_RENDERERS: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (dg.TimestampMetadataValue, _timestamp),
    (dg.DagsterJobMetadataValue, _job),
    (dg.DagsterAssetMetadataValue, lambda asset: asset.asset_key.to_user_string()),
    (dg.PythonArtifactMetadataValue, lambda artifact: f"{artifact.module}:{artifact.name}"),
    (dg.CodeReferencesMetadataValue, lambda code: [each.source for each in code.code_references]),
    (dg.TableMetadataValue, _table),
    (dg.TableSchemaMetadataValue, lambda schema: _schema(schema.value)),
    (dg.TableColumnLineageMetadataValue, lambda lineage: _lineage(lineage.value)),
    (dg.TableSchema, _schema),
    (dg.TableColumnLineage, _lineage),
    (dg.AssetKey, dg.AssetKey.to_user_string),
)
