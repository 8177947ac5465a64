"""What a materialization's metadata says of its table, as the fields of an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phlo_hooks.events import Column, ColumnEdge
from phlo_hooks.producers.catalog import AssetFacts
from phlo_hooks.producers.dbt import DbtFacts, dbt_facts
from phlo_hooks.producers.dbt_sql import sql_of
from phlo_hooks.producers.dlt import DltFacts, dlt_facts
from phlo_hooks.producers.metadata import MaterializationFacts, facts
from phlo_hooks.producers.stages import Stage


def measured(asset: AssetFacts, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the `.end` event of a materialization."""
    dlt, dbt = dlt_facts(metadata), dbt_facts(metadata, asset.metadata)
    table = dlt.table if dlt else dbt.table if dbt else facts(metadata)
    fields: dict[str, Any] = {
        "metrics": {**_metrics(table), **(_dlt_metrics(dlt) if dlt else {})},
        "columns": tuple(Column(**column.as_dict()) for column in table.columns),
        "column_lineage": column_edges(table),
    }
    if asset.stage is not Stage.PUBLISH:
        fields["table_name"] = _table_name(asset, table, derived=dlt is not None)
    if asset.stage is Stage.INGESTION and dlt:
        fields["load_ids"] = dlt.load_ids
    if asset.stage is Stage.TRANSFORM:
        fields |= {**_dbt_fields(dbt), "sql": sql_of(metadata)} if dbt else {}
    return fields


def _table_name(asset: AssetFacts, table: MaterializationFacts, *, derived: bool) -> str | None:
    """What the decorator says, the materialization, the spec; last, what is derived from dlt's job."""
    stated = asset.declared.table if asset.declared else None
    spec = asset.metadata.get("dagster/table_name")
    return stated or (None if derived else table.table_name) or (str(spec) if spec else table.table_name)


def column_edges(table: MaterializationFacts) -> tuple[ColumnEdge, ...]:
    """The columns that a table's columns were computed from."""
    return tuple(ColumnEdge(**edge.as_dict()) for edge in table.column_lineage)


def added_columns(metadata: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns that a load added to tables that were there before."""
    dlt = dlt_facts(metadata)
    changes = (dlt.schema_changes or ()) if dlt else ()
    return tuple(
        Column(**column.as_dict()) for change in changes if not change.is_new for column in change.added
    )


def _metrics(table: MaterializationFacts) -> dict[str, Any]:
    found = {"rows": table.rows, "bytes": table.bytes, "seconds": table.seconds}
    return {name: value for name, value in found.items() if value is not None}


def _dlt_metrics(dlt: DltFacts) -> dict[str, Any]:
    # dlt says 0 of files that it hands over whole: it has not looked into them.
    counted = dlt.table.rows is not None or any(dlt.rows_by_table.values())
    found = {
        "table_rows": dlt.table_rows,
        "rows_by_table": dict(dlt.rows_by_table) if counted else {},
        "seconds_by_stage": dict(dlt.seconds_by_stage),
    }
    return {name: value for name, value in found.items() if value}


def _dbt_fields(dbt: DbtFacts) -> dict[str, Any]:
    return {"tool": dbt.tool, "model_names": (dbt.name,)}
