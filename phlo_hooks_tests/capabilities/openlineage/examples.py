"""One of each standard facet, made with the client's classes, and events around them."""

from __future__ import annotations

import json
from typing import Any

from openlineage.client import facet_v2 as f
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.generated import lineage
from openlineage.client.serde import Serde

from phlo_hooks_tests.capabilities.openlineage.spec.facet import Place

RUN_ID = "0190a7c4-0000-7000-8000-000000000001"
PARENT_ID = "0190a7c4-0000-7000-8000-000000000002"
NOON = "2026-01-01T12:00:00+00:00"
LATER = "2026-01-01T13:00:00.123456+01:00"
PRODUCER = "https://github.com/example/producer"

_field = f.column_lineage_dataset.InputField(
    "duckdb://wh",
    "raw.orders",
    "id",
    [f.column_lineage_dataset.Transformation("DIRECT", "IDENTITY", "as it is", False)],
)
_source = lineage.LineageDatasetInput(
    "duckdb://wh", "raw.orders", "DATASET", "id", [lineage.LineageTransformation("DIRECT")]
)
_job_source = lineage.LineageJobInput("JOB", "dagster", "raw", RUN_ID)
_by_field = {"id": lineage.LineageFieldEntry([_source, _job_source])}
_column_metrics = {
    "nullCount": 0,
    "distinctCount": 3,
    "sum": 6.5,
    "count": 3,
    "min": 1,
    "max": 3.5,
    "quantiles": {"0.5": 2},
}
_subset = f.base_subset_dataset

RUN: dict[str, f.RunFacet] = {
    "environmentVariables": f.environment_variables_run.EnvironmentVariablesRunFacet(
        [f.environment_variables_run.EnvironmentVariable("TZ", "UTC")]
    ),
    "errorMessage": f.error_message_run.ErrorMessageRunFacet("no such table", "PYTHON", "line 1\nline 2"),
    "executionParameters": f.execution_parameters_run.ExecutionParametersRunFacet(
        [f.execution_parameters_run.ExecutionParameter("limit", "Limit", "how many", "3")]
    ),
    "externalQuery": f.external_query_run.ExternalQueryRunFacet("q-1", "snowflake"),
    "extractionError": f.extraction_error_run.ExtractionErrorRunFacet(
        2, 1, [f.extraction_error_run.Error("no parse", "line 1", "SELECT", 1)]
    ),
    "jobDependencies": f.job_dependencies_run.JobDependenciesRunFacet(
        [
            f.job_dependencies_run.JobDependency(
                f.job_dependencies_run.JobIdentifier("dagster", "raw"),
                f.job_dependencies_run.RunIdentifier(PARENT_ID),
                "DIRECT_INVOCATION",
            )
        ],
        trigger_rule="ALL_SUCCESS",
    ),
    "nominalTime": f.nominal_time_run.NominalTimeRunFacet(NOON, LATER),
    "parent": f.parent_run.ParentRunFacet(
        f.parent_run.Run(PARENT_ID),
        f.parent_run.Job("dagster", "nightly"),
        f.parent_run.Root(f.parent_run.RootRun(PARENT_ID), f.parent_run.RootJob("dagster", "nightly")),
    ),
    "processing_engine": f.processing_engine_run.ProcessingEngineRunFacet("1.13", "dagster", "0.1.0"),
    "tags": f.tags_run.TagsRunFacet([f.tags_run.TagsRunFacetFields("team", "data", "DAGSTER")]),
    "test": f.test_run.TestRunFacet(
        [
            f.test_run.TestExecution(
                "unique", "pass", "error", "unique", params={"column": "id", "at_most": None}
            )
        ]
    ),
}
JOB: dict[str, f.JobFacet] = {
    "documentation": f.documentation_job.DocumentationJobFacet("orders, cleaned", "text/markdown"),
    "jobType": f.job_type_job.JobTypeJobFacet(
        "BATCH", "DAGSTER", "ASSET", f.job_type_job.EmissionPattern("EVENT_BASED", "ACCUMULATIVE", 300)
    ),
    "lineage": lineage.LineageJobFacet(
        [
            lineage.LineageDatasetEntry(
                "duckdb://wh", "orders", "DATASET", [_source, _job_source], _by_field
            ),
            lineage.LineageJobEntry("JOB", inputs=[_source]),
        ]
    ),
    "ownership": f.ownership_job.OwnershipJobFacet([f.ownership_job.Owner("team:data", "MAINTAINER")]),
    "sourceCode": f.source_code_job.SourceCodeJobFacet("PYTHON", "print()"),
    "sourceCodeLocation": f.source_code_location_job.SourceCodeLocationJobFacet(
        "git", "https://github.com/example/orders/blob/abc/orders.py", path="orders.py", version="abc"
    ),
    "sql": f.sql_job.SQLJobFacet("SELECT 1", "duckdb"),
    "tags": f.tags_job.TagsJobFacet([f.tags_job.TagsJobFacetFields("team", "data")]),
}
DATASET: dict[str, f.DatasetFacet] = {
    "catalog": f.catalog_dataset.CatalogDatasetFacet(
        "iceberg", "rest", "wh", "http://catalog", "s3://wh", "spark", {"k": "v"}
    ),
    "columnLineage": f.column_lineage_dataset.ColumnLineageDatasetFacet(
        {
            "id": f.column_lineage_dataset.Fields([_field]),
            "address.street": f.column_lineage_dataset.Fields([]),
        },
        [_field],
    ),
    "dataQualityMetrics": f.data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(
        {"id": f.data_quality_metrics_dataset.ColumnMetrics(**_column_metrics)}, 3, 99, 1, NOON, NOON
    ),
    "datasetType": f.dataset_type_dataset.DatasetTypeDatasetFacet("TABLE", "EXTERNAL"),
    "version": f.dataset_version_dataset.DatasetVersionDatasetFacet("v7"),
    "dataSource": f.datasource_dataset.DatasourceDatasetFacet("wh", "postgresql://warehouse:5432"),
    "documentation": f.documentation_dataset.DocumentationDatasetFacet("orders", "text/plain"),
    "hierarchy": f.hierarchy_dataset.HierarchyDatasetFacet(
        [f.hierarchy_dataset.HierarchyDatasetFacetLevel("SCHEMA", "raw")]
    ),
    "lifecycleStateChange": f.lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
        f.lifecycle_state_change_dataset.LifecycleStateChange.RENAME,
        f.lifecycle_state_change_dataset.PreviousIdentifier("orders_old", "duckdb://wh"),
    ),
    "lineage": lineage.LineageDatasetFacet([_source], _by_field),
    "ownership": f.ownership_dataset.OwnershipDatasetFacet([f.ownership_dataset.Owner("team:data")]),
    "schema": f.schema_dataset.SchemaDatasetFacet(
        [
            f.schema_dataset.SchemaDatasetFacetFields("id", "BIGINT", "Schlüssel", 1),
            f.schema_dataset.SchemaDatasetFacetFields(
                "address", "STRUCT", fields=[f.schema_dataset.SchemaDatasetFacetFields("street", "VARCHAR")]
            ),
        ]
    ),
    "storage": f.storage_dataset.StorageDatasetFacet("delta", "parquet"),
    "symlinks": f.symlinks_dataset.SymlinksDatasetFacet(
        [f.symlinks_dataset.Identifier("hive://metastore", "raw.orders", "TABLE")]
    ),
    "tags": f.tags_dataset.TagsDatasetFacet(
        [f.tags_dataset.TagsDatasetFacetFields("pii", "true", field="id")]
    ),
}
INPUT: dict[str, f.InputDatasetFacet] = {
    "dataQualityAssertions": f.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        [
            f.data_quality_assertions_dataset.Assertion(
                "not_null",
                True,
                "id",
                "error",
                "orders_id",
                expected="0",
                actual="0",
                params={"where": "x > 1"},
            )
        ]
    ),
    "dataQualityMetrics": f.data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
        {"id": f.data_quality_metrics_input_dataset.ColumnMetrics(**_column_metrics)}, 3, 99, 1, NOON
    ),
    "inputStatistics": f.input_statistics_input_dataset.InputStatisticsInputDatasetFacet(3, 99, 1),
    "subset": _subset.InputSubsetInputDatasetFacet(
        _subset.BinarySubsetCondition(
            _subset.CompareSubsetCondition(
                _subset.FieldBaseCompareExpression("day"),
                _subset.LiteralCompareExpression("2026-01-01"),
                "EQUAL",
            ),
            _subset.LocationSubsetCondition(["s3://wh/orders"]),
            "AND",
        )
    ),
}
OUTPUT: dict[str, f.OutputDatasetFacet] = {
    "outputStatistics": f.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(3, 99, 1),
    "subset": _subset.OutputSubsetOutputDatasetFacet(
        _subset.PartitionSubsetCondition([_subset.Partition({"day": "2026-01-01"}, "2026-01-01|de")])
    ),
}
BY_PLACE: dict[Place, dict[str, Any]] = {
    Place.RUN: RUN,
    Place.JOB: JOB,
    Place.DATASET: DATASET,
    Place.INPUT: INPUT,
    Place.OUTPUT: OUTPUT,
}


def sent(event: Any) -> dict[str, Any]:
    """As it goes out."""
    content: dict[str, Any] = json.loads(Serde.to_json(event))
    return content


def run_event(state: RunState = RunState.COMPLETE, **options: Any) -> dict[str, Any]:
    """A RunEvent with every standard facet there is; `options` are those of the client's class."""
    return sent(
        RunEvent(
            **{
                "eventType": state,
                "eventTime": NOON,
                "run": Run(RUN_ID, RUN),
                "job": Job("dagster", "orders", JOB),
                "inputs": [InputDataset("duckdb://wh", "raw.orders", INPUT, facets=DATASET)],
                "outputs": [OutputDataset("duckdb://wh", "orders", OUTPUT, facets=DATASET)],
                "producer": PRODUCER,
                **options,
            }
        )
    )


def plain_event(
    state: str,
    job: str = "orders",
    run_id: str = RUN_ID,
    *,
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    at: str = NOON,
) -> dict[str, Any]:
    """A RunEvent without facets."""
    return run_event(
        RunState[state],
        eventTime=at,
        run=Run(run_id),
        job=Job("dagster", job),
        inputs=[InputDataset("duckdb://wh", name) for name in inputs],
        outputs=[OutputDataset("duckdb://wh", name) for name in outputs],
    )


def job_event() -> dict[str, Any]:
    """A JobEvent with every facet of a job."""
    inputs = [InputDataset("duckdb://wh", "raw.orders")]
    outputs = [OutputDataset("duckdb://wh", "orders")]
    return sent(
        JobEvent(
            eventTime=NOON,
            job=Job("dagster", "orders", JOB),
            inputs=inputs,
            outputs=outputs,
            producer=PRODUCER,
        )
    )


def dataset_event() -> dict[str, Any]:
    """A DatasetEvent with every facet of a dataset."""
    return sent(
        DatasetEvent(
            eventTime=NOON, dataset=StaticDataset("duckdb://wh", "orders", facets=DATASET), producer=PRODUCER
        )
    )
