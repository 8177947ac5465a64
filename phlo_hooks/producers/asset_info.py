"""An asset and a check as capabilities see them: from their specs, without anything that is secret."""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import dagster as dg

from phlo_hooks.assets import AssetInfo, CheckInfo, CodeReference
from phlo_hooks.event_parts import Column, ColumnEdge
from phlo_hooks.producers.catalog import AssetFacts, CheckFacts, key_text
from phlo_hooks.producers.dbt import compiled_sql, test_facts
from phlo_hooks.producers.metadata import MaterializationFacts, facts, plain
from phlo_hooks.producers.partitions import dimensions_of
from phlo_hooks.redaction import Redactor, redact_keys

# Kinds that say where a table is; the others say what makes it, or what it is.
STORAGES = frozenset(
    {
        "athena",
        "azuresql",
        "bigquery",
        "clickhouse",
        "databricks",
        "deltalake",
        "duckdb",
        "gcs",
        "hive",
        "hudi",
        "iceberg",
        "mariadb",
        "motherduck",
        "mssql",
        "mysql",
        "oracle",
        "postgres",
        "postgresql",
        "redshift",
        "s3",
        "snowflake",
        "sqlite",
        "sqlserver",
        "synapse",
        "teradata",
        "trino",
    }
)
_STORAGE_KIND = "dagster/storage_kind"
_CODE = "dagster/code_references"
_NONE: Mapping[str, Any] = {}
# What has a field of its own.
_TOLD = frozenset({"dagster/column_schema", "dagster/column_lineage", _CODE})
_COLUMN_FIELDS = frozenset(Column.model_fields)
# What is the same text in each process; anything else may say no more than an address in memory.
_SAYABLE = (
    *(str, int, float, type(None), date, time, timedelta, Enum, Decimal, PurePath, UUID),
    *(dg.MetadataValue, dg.AssetKey, dg.TableSchema, dg.TableColumnLineage),
)


def asset_info(asset: AssetFacts, redactor: Redactor) -> AssetInfo:
    """An asset of the definitions."""
    spec, table, declared = asset.spec, facts(asset.metadata), asset.declared
    return AssetInfo(
        key=asset.key,
        stage=asset.stage.value,
        group=asset.group,
        kinds=asset.kinds,
        owners=tuple(map(redactor.text, asset.owners)),
        tags=_clean(asset.tags, redactor),
        description=_text(spec.description if spec else None, redactor),
        upstream=asset.upstream,
        executable=asset.executable,
        tool=(declared.tool if declared else None) or asset.tool,
        table_name=_text((declared.table if declared else None) or table.table_name, redactor),
        uri=_text(table.uri, redactor),
        storage_kind=_text(table.storage_kind, redactor) or _storage(asset),
        columns=_columns(table, redactor),
        column_lineage=tuple(ColumnEdge(**edge.as_dict()) for edge in table.column_lineage),
        metadata=_metadata(asset.metadata, redactor),
        code_version=_text(spec.code_version if spec else None, redactor),
        code_references=_code_references(asset.metadata, redactor),
        partition_dimensions=dimensions_of(spec.partitions_def if spec else None),
        sql=_text(compiled_sql(asset.metadata), redactor),
    )


def check_info(check: CheckFacts, redactor: Redactor, manifest: Mapping[str, Any] = _NONE) -> CheckInfo:
    """A check of the definitions.

    Args:
        check: as its spec has it.
        redactor: knows the values that must not leave.
        manifest: dbt's, where dbt makes the asset: what the check's spec does not say of a test.
    """
    spec = check.spec
    stated = (spec.metadata or {}) if spec else {}
    others = {key_text(dep.asset_key) for dep in spec.additional_deps} if spec else set()
    return CheckInfo(
        asset_key=check.asset_key,
        name=check.name,
        blocking=check.blocking,
        description=_text(check.description, redactor),
        upstream=tuple(sorted(others - {check.asset_key})),
        metadata=_metadata({**test_facts(stated, manifest), **stated}, redactor),
    )


def _text(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.text(text)


def _clean(value: Any, redactor: Redactor, words: AbstractSet[str] = frozenset()) -> Any:
    return redactor.value(redact_keys(value), words)


def _storage(asset: AssetFacts) -> str | None:
    # A tag of Dagster's until 1.8, and still of those who wrote it then.
    tags = asset.spec.tags if asset.spec else {}
    return tags.get(_STORAGE_KIND) or next((kind for kind in asset.kinds if kind in STORAGES), None)


def _columns(table: MaterializationFacts, redactor: Redactor) -> tuple[Column, ...]:
    columns = (_clean(column.as_dict(), redactor, _COLUMN_FIELDS) for column in table.columns)
    return tuple(Column(**column) for column in columns)


def _metadata(metadata: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    said = {key: _ordered(value) for key, value in metadata.items() if key not in _TOLD and _sayable(value)}
    cleaned: dict[str, Any] = _clean(plain(said), redactor)
    return cleaned


def _sayable(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_sayable, value.values()))
    # By their exact type: Dagster's records are tuples that refuse to be looked through.
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_sayable, value))
    return isinstance(value, _SAYABLE)


def _ordered(value: Any) -> Any:
    """`value` with its sets in an order: Python's own is another one in each process."""
    if isinstance(value, Mapping):
        return {key: _ordered(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(_ordered, value), key=str)
    return [_ordered(item) for item in value] if type(value) in (list, tuple) else value


def _code_references(metadata: Mapping[str, Any], redactor: Redactor) -> tuple[CodeReference, ...]:
    found = metadata.get(_CODE)
    if not isinstance(found, dg.CodeReferencesMetadataValue):
        return ()
    return tuple(_code_reference(each, redactor) for each in found.code_references)


def _code_reference(reference: Any, redactor: Redactor) -> CodeReference:
    is_file = isinstance(reference, dg.LocalFileCodeReference)
    return CodeReference(
        location=redactor.text(str(reference.file_path if is_file else reference.url)),
        line=reference.line_number if is_file else None,
        label=_text(reference.label, redactor),
    )
