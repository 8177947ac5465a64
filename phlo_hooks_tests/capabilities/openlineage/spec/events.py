"""The three events: `spec/OpenLineage.json` 2-0-2. What is in their facets is judged facet by facet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phlo_hooks_tests.capabilities.openlineage.spec.shapes import (
    ANY_OBJECT,
    NAMED,
    TIME,
    URI,
    UUID,
    Shape,
    array,
    record,
)

TYPES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")

_BASE: dict[str, Shape] = {"eventTime": TIME, "producer": URI, "schemaURL": URI}
_RUN = record({"runId": UUID}, {"facets": ANY_OBJECT})
_JOB = record(NAMED, {"facets": ANY_OBJECT})
_INPUT = record(NAMED, {"facets": ANY_OBJECT, "inputFacets": ANY_OBJECT})
_OUTPUT = record(NAMED, {"facets": ANY_OBJECT, "outputFacets": ANY_OBJECT})
_FLOWS = {"inputs": array(_INPUT), "outputs": array(_OUTPUT)}
_TYPE: dict[str, Shape] = {"eventType": {"type": "string", "enum": [*TYPES]}}

EVENTS: Mapping[str, Shape] = {
    "RunEvent": record({**_BASE, "run": _RUN, "job": _JOB}, {**_TYPE, **_FLOWS}),
    "JobEvent": record({**_BASE, "job": _JOB}, _FLOWS),
    "DatasetEvent": record({**_BASE, "dataset": record(NAMED, {"facets": ANY_OBJECT})}),
}


def kind_of(event: Mapping[str, Any]) -> str | None:
    """Which of the three it is; None where the spec's `oneOf` has no answer.

    A run is what makes a RunEvent, even one without its job: then that is what is missing.
    """
    has = {part for part in ("run", "job", "dataset") if part in event}
    if has in ({"dataset"}, {"dataset", "run"}):
        return "DatasetEvent"
    if "run" in has:
        return "RunEvent"
    return "JobEvent" if has == {"job"} else None
