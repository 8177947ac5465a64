"""published/*: the marts that consumers read, in a database of their own.

Delays are published month by month, when a month is final; the others whole, with every build.
"""

# No `from __future__ import annotations` here: Dagster refuses a context whose type is a string.

from typing import Any

import dagster as dg
from duckdb import DuckDBPyConnection

from phlo_hooks.demo.sql import column_types, one_row
from phlo_hooks.demo.warehouse import Warehouse

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2013-01", end_date="2014-01", fmt="%Y-%m")

REPLACE_TABLE = "CREATE OR REPLACE TABLE {table} AS FROM warehouse.marts.{table}"
COUNT_TABLE = "SELECT count(*) FROM {table}"
REPLACE_MONTH = """
BEGIN;
CREATE TABLE IF NOT EXISTS {table} AS FROM warehouse.marts.{table} WITH NO DATA;
DELETE FROM {table} WHERE month = DATE '{month}-01';
INSERT INTO {table} FROM warehouse.marts.{table} WHERE month = DATE '{month}-01';
COMMIT;
"""
COUNT_MONTH = "SELECT count(*) FROM {table} WHERE month = DATE '{month}-01'"


def build_publish() -> list[dg.AssetsDefinition]:
    """All published tables."""
    return [
        _published("cancellations", "Who cancels how much, for the press office."),
        _published("route_traffic", "Traffic of each route, for the slot planners."),
        _published("carrier_delays", "Delays by carrier, for the monthly report.", MONTHS),
    ]


def _published(
    table: str, description: str, months: dg.PartitionsDefinition[str] | None = None
) -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", table],
        deps=[["marts", table]],
        partitions_def=months,
        description=description,
        group_name="published",
        kinds={"duckdb"},
        owners=["team:analytics", "reports@nycflights.example"],
        # Its kinds and its upstream would make it a transformation: this says what it is.
        tags={"domain": "aviation", "phlo/stage": "publish"},
    )
    def publish(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
        month = context.partition_key if context.has_partition_key else None
        with warehouse.connect_published() as connection:
            rows = _copy(connection, table, month)
            metadata = _table_metadata(connection, table, warehouse)
        return dg.MaterializeResult(metadata={**rows, **metadata})

    return publish


def _copy(connection: DuckDBPyConnection, table: str, month: str | None) -> dict[str, int]:
    """Publish the table, or one month of it in a transaction, and count what was published."""
    if month is None:
        connection.execute(REPLACE_TABLE.format(table=table))
        (rows,) = one_row(connection, COUNT_TABLE.format(table=table))
        return {"dagster/row_count": rows}
    connection.execute(REPLACE_MONTH.format(table=table, month=month))
    (rows,) = one_row(connection, COUNT_MONTH.format(table=table, month=month))
    return {"dagster/partition_row_count": rows}


def _table_metadata(connection: DuckDBPyConnection, table: str, warehouse: Warehouse) -> dict[str, Any]:
    columns = column_types(connection, table)
    return {
        "dagster/table_name": f"published.main.{table}",
        "dagster/uri": f"duckdb://{warehouse.published_path}",
        "dagster/storage_kind": "duckdb",
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name, kind) for name, kind in columns.items()]
        ),
        "dagster/column_lineage": _same_columns(dg.AssetKey(["marts", table]), list(columns)),
    }


def _same_columns(mart: dg.AssetKey, columns: list[str]) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {name: [dg.TableColumnDep(asset_key=mart, column_name=name)] for name in columns}
    )
