"""What the requests say that are no entities: lineage, runs, profiles, results."""

from __future__ import annotations

from collections.abc import Mapping

from . import vocabulary as v
from .checks import Check, anything, list_of, mapping, milliseconds, number, one_of, record, uuid, whole
from .shapes import custom_metrics, fqn, reference, string

_hops = list_of(record({"fromEntity": string, "toEntity": string}))
_column_lineage = record({}, {"fromColumns": list_of(fqn), "toColumn": fqn, "function": string})
_lineage: Mapping[str, Check] = {
    "sqlQuery": string,
    "columnsLineage": list_of(_column_lineage),
    "pipeline": reference,
    "description": string,
    "source": one_of(*v.LINEAGE_SOURCES),
    "createdAt": milliseconds,
    "createdBy": string,
    "updatedAt": milliseconds,
    "updatedBy": string,
    "assetEdges": whole,
}
_task_status = record(
    {"name": string, "executionStatus": one_of(*v.RUN_STATUSES)},
    {
        "startTime": milliseconds,
        "endTime": milliseconds,
        "logLink": string,
        "taskId": string,
        "transformationType": string,
        "transformationLogic": string,
        "inputs": list_of(mapping),
        "outputs": list_of(mapping),
        "metrics": mapping,
    },
)
pipeline_status = record(
    {"timestamp": milliseconds, "executionStatus": one_of(*v.RUN_STATUSES)},
    {
        "taskStatus": list_of(_task_status),
        "executionId": string,
        "endTime": milliseconds,
        "version": anything,
        "parameters": mapping,
        "executedBy": reference,
        "inputs": list_of(mapping),
        "outputs": list_of(mapping),
        "metrics": mapping,
        "error": mapping,
    },
)
_table_profile = record(
    {"timestamp": milliseconds},
    {
        "columnCount": number,
        "rowCount": number,
        "sizeInByte": number,
        "createDateTime": string,
        "customMetrics": custom_metrics,
        "profileSample": number,
        "profileSampleType": one_of("PERCENTAGE", "ROWS"),
    },
)
_COUNTS = (
    "valuesCount valuesPercentage validCount duplicateCount nullCount nullProportion missingPercentage "
    "missingCount uniqueCount uniqueProportion distinctCount distinctProportion minLength maxLength mean sum "
    "stddev variance median firstQuartile thirdQuartile interQuartileRange nonParametricSkew"
)
_column_profile = record(
    {"name": string, "timestamp": milliseconds},
    {
        **dict.fromkeys(_COUNTS.split(), number),
        "min": anything,
        "max": anything,
        "histogram": anything,
        "customMetrics": custom_metrics,
        "cardinalityDistribution": anything,
    },
)
_system_profile = record({}, {"timestamp": milliseconds, "operation": string, "rowsAffected": whole})
profiles = record(
    {"tableProfile": _table_profile},
    {"columnProfile": list_of(_column_profile), "systemProfile": list_of(_system_profile)},
)
_result_values = list_of(record({}, {"name": string, "value": string, "predictedValue": string}))
test_result = record(
    {
        "timestamp": milliseconds,
        "testCaseStatus": one_of(*v.TEST_STATUSES),
        "testResultValue": _result_values,
    },
    {
        "fqn": string,
        "result": string,
        "sampleData": string,
        "passedRows": whole,
        "failedRows": whole,
        "passedRowsPercentage": number,
        "failedRowsPercentage": number,
        "incidentId": uuid,
        "maxBound": number,
        "minBound": number,
        "dimensionResults": anything,
    },
)


def lineage_details(major: int) -> Check:
    return record({}, {**_lineage, **({"tempLineageTables": _hops} if major >= 2 else {})})


def add_lineage(major: int) -> Check:
    edge = record(
        {"fromEntity": reference, "toEntity": reference},
        {"description": string, "lineageDetails": lineage_details(major)},
    )
    return record({"edge": edge})
