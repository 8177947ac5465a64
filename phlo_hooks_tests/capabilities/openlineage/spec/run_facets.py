"""Run facets: `spec/facets/*RunFacet.json`."""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.spec.facet import Facet, Place
from phlo_hooks_tests.capabilities.openlineage.spec.shapes import (
    ANY_OBJECT,
    INTEGER,
    NAMED,
    STRING,
    TIME,
    UUID,
    Shape,
    array,
    record,
    strings,
)

_RUN = record({"runId": UUID}, {"facets": ANY_OBJECT})
_JOB = record(NAMED, {"facets": ANY_OBJECT})
_RUN_ID = record({"runId": UUID})
_TAG = record(strings("key", "value"), strings("source"))
_DEPENDENCY = record(
    {"job": record(NAMED)},
    {"run": _RUN_ID, **strings("dependency_type", "sequence_trigger_rule", "status_trigger_rule")},
    is_open=True,
)
_EXTRACTION = record(strings("errorMessage"), {**strings("stackTrace", "task"), "taskNumber": INTEGER})
_TEST = record(
    strings("name", "status"),
    {
        **strings("severity", "type", "description", "expected", "actual", "content", "contentType"),
        "params": ANY_OBJECT,
    },
)
# The only shape of the whole spec that allows no further field.
_PARAMETER = {
    **record(strings("key"), strings("name", "description", "value")),
    "additionalProperties": False,
}


def _facet(key: str, name: str, version: str, body: Shape) -> Facet:
    return Facet(key, f"{name}RunFacet", version, Place.RUN, body)


RUN_FACETS = (
    _facet(
        "environmentVariables",
        "EnvironmentVariables",
        "1-0-0",
        record({"environmentVariables": array(record(strings("name", "value")))}),
    ),
    _facet(
        "errorMessage",
        "ErrorMessage",
        "1-0-1",
        record(strings("message", "programmingLanguage"), strings("stackTrace")),
    ),
    _facet(
        "executionParameters", "ExecutionParameters", "1-0-0", record(None, {"parameters": array(_PARAMETER)})
    ),
    _facet("externalQuery", "ExternalQuery", "1-0-2", record(strings("externalQueryId", "source"))),
    _facet(
        "extractionError",
        "ExtractionError",
        "1-1-2",
        record({"totalTasks": INTEGER, "failedTasks": INTEGER, "errors": array(_EXTRACTION)}),
    ),
    _facet(
        "jobDependencies",
        "JobDependencies",
        "1-0-1",
        record(
            None,
            {"upstream": array(_DEPENDENCY), "downstream": array(_DEPENDENCY), "trigger_rule": STRING},
        ),
    ),
    _facet(
        "nominalTime", "NominalTime", "1-0-1", record({"nominalStartTime": TIME}, {"nominalEndTime": TIME})
    ),
    _facet(
        "parent",
        "Parent",
        "1-2-0",
        record({"run": _RUN, "job": _JOB}, {"root": record({"run": _RUN, "job": _JOB})}),
    ),
    _facet(
        "processing_engine",
        "ProcessingEngine",
        "1-1-1",
        record(strings("version"), strings("name", "openlineageAdapterVersion")),
    ),
    _facet("tags", "Tags", "1-0-0", record(None, {"tags": array(_TAG)})),
    _facet("test", "Test", "1-0-1", record({"tests": array(_TEST)})),
)
