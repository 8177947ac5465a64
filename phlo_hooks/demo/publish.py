"""published/*: the marts that consumers read, in a database of their own.

Delays are published month by month, once each is final; the others whole, with every build.
"""

# No `from __future__ import annotations` here: Dagster refuses a context whose type is a string.

from typing import Any

import dagster as dg
from duckdb import DuckDBPyConnection

from phlo_hooks.demo.sql import column_types, one_row
from phlo_hooks.demo.warehouse import Warehouse

MONTHS = dg.MonthlyPartitionsDefinition(
    start_date="2013-01", end_date="2014-01", fmt="%Y-%m"
)

REPLACE_TABLE = "CREATE OR REPLACE TABLE {table} AS FROM warehouse.marts.{table}"
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
        _published_table("cancellations", "Who cancels how much, for the press office."),
        _published_table("route_traffic", "Traffic of each route, for the slot planners."),
        _published_months("carrier_delays", "Delays of each carrier, for the monthly report."),
    ]


def _published_table(table: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(description=description, **_attributes(table))
    def publish(warehouse: Warehouse) -> dg.MaterializeResult[None]:
        with warehouse.connect_published() as connection:
            connection.execute(REPLACE_TABLE.format(table=table))
            (rows,) = one_row(connection, f"SELECT count(*) FROM {table}")
            metadata = _table_metadata(connection, table, warehouse)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, **metadata})

    return publish


def _published_months(table: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(description=description, partitions_def=MONTHS, **_attributes(table))
    def publish(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> dg.MaterializeResult[None]:
        place = {"table": table, "month": context.partition_key}
        with warehouse.connect_published() as connection:
            connection.execute(REPLACE_MONTH.format(**place))
            (rows,) = one_row(connection, COUNT_MONTH.format(**place))
            metadata = _table_metadata(connection, table, warehouse)
        return dg.MaterializeResult(metadata={"dagster/partition_row_count": rows, **metadata})

    return publish


def _attributes(table: str) -> dict[str, Any]:
    return {
        "key": ["published", table],
        "deps": [["marts", table]],
        "group_name": "published",
        "kinds": {"duckdb"},
        "owners": ["team:analytics", "reports@nycflights.example"],
        # Publishing cannot be told from transforming by its kinds: this says it.
        "tags": {"domain": "aviation", "phlo/stage": "publish"},
    }


def _table_metadata(
    connection: DuckDBPyConnection, table: str, warehouse: Warehouse
) -> dict[str, Any]:
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
