"""Whom the demo tells of its lineage: a file, in place of Marquez or DataHub."""

from __future__ import annotations

from phlo_hooks.capabilities.openlineage import OpenLineageResource
from phlo_hooks.demo.paths import DemoHome


def build_lineage(home: DemoHome) -> OpenLineageResource:
    """Writes every OpenLineage event down. The tables are named by where DuckDB keeps them."""
    return OpenLineageResource(
        transport={"type": "file", "log_file_path": str(home.lineage), "append": True},
        data_sources={"duckdb": f"duckdb://{home.warehouse}"},
        job_namespace="lakehouse",
        dataset_namespace="lakehouse",
    )
