"""Columns, and where each comes from."""

from __future__ import annotations

import dagster as dg

from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import asset, definitions, table

COLUMNS = 2_000


def wide_schema(count: int = COLUMNS) -> dg.Definitions:
    """A table of so many columns, each made of two of another table: as wide as feature tables are."""
    source = dg.AssetKey("raw_orders")

    @dg.asset(deps=[source])
    def features() -> dg.MaterializeResult:
        schema = dg.TableSchema([dg.TableColumn(f"c{n}", "DOUBLE", f"feature {n}") for n in range(count)])
        lineage = dg.TableColumnLineage(
            {f"c{n}": [dg.TableColumnDep(source, name) for name in ("id", f"r{n}")] for n in range(count)}
        )
        return dg.MaterializeResult(
            metadata={
                **table("features"),
                "dagster/column_schema": schema,
                "dagster/column_lineage": lineage,
            }
        )

    return definitions(asset("raw_orders"), features)
