"""What `DataQualityMetricsDatasetFacet` and `DataQualityMetricsInputDatasetFacet` have in common."""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.spec.shapes import INTEGER, NUMBER, TIME, mapping, record

_COLUMN = record(
    None,
    {
        "nullCount": INTEGER,
        "distinctCount": INTEGER,
        "sum": NUMBER,
        "count": NUMBER,
        "min": NUMBER,
        "max": NUMBER,
        "quantiles": mapping(NUMBER),
    },
)
METRICS = record(
    {"columnMetrics": mapping(_COLUMN)},
    {"rowCount": INTEGER, "bytes": INTEGER, "fileCount": INTEGER, "lastUpdated": TIME},
)
