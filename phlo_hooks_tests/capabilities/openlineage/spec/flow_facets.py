"""Facets of a dataset as one run read or wrote it: `*InputDatasetFacet`, `*OutputDatasetFacet`, both subsets."""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.spec.facet import Facet, Place
from phlo_hooks_tests.capabilities.openlineage.spec.metrics import METRICS
from phlo_hooks_tests.capabilities.openlineage.spec.shapes import (
    ANY_OBJECT,
    BOOLEAN,
    INTEGER,
    STRING,
    Shape,
    array,
    one_of,
    record,
    ref,
    strings,
)

_STATISTICS = record(None, {"rowCount": INTEGER, "size": INTEGER, "fileCount": INTEGER})
_ASSERTION = record(
    {"assertion": STRING, "success": BOOLEAN},
    {
        **strings(
            "column", "severity", "name", "description", "expected", "actual", "content", "contentType"
        ),
        "params": ANY_OBJECT,
    },
)
_KIND: dict[str, Shape] = {"type": STRING}
_OPERAND = one_of(
    "type",
    {
        "field": record({**_KIND, "field": STRING}),
        "literal": record({**_KIND, "value": STRING}),
    },
)
_PARTITION = record({"dimensions": ANY_OBJECT}, strings("identifier"))
_CONDITION = one_of(
    "type",
    {
        "location": record({**_KIND, "locations": array(STRING)}),
        "partition": record({**_KIND, "partitions": array(_PARTITION)}),
        "binary": record({**_KIND, "left": ref("Condition"), "right": ref("Condition"), "operator": STRING}),
        "compare": record({**_KIND, "left": _OPERAND, "right": _OPERAND, "comparison": STRING}),
    },
)


def _subset(place: Place, side: str) -> Facet:
    return Facet(
        "subset",
        f"{side.capitalize()}Subset{side.capitalize()}DatasetFacet",
        "1-0-0",
        place,
        record({f"{side}Condition": ref("Condition")}),
        {"Condition": _CONDITION},
        file="BaseSubsetDatasetFacet",
    )


FLOW_FACETS = (
    Facet(
        "dataQualityAssertions",
        "DataQualityAssertionsDatasetFacet",
        "1-1-0",
        # By its definition an input facet, whatever its name says.
        Place.INPUT,
        record({"assertions": array(_ASSERTION)}),
    ),
    Facet("dataQualityMetrics", "DataQualityMetricsInputDatasetFacet", "1-0-3", Place.INPUT, METRICS),
    Facet("inputStatistics", "InputStatisticsInputDatasetFacet", "1-0-0", Place.INPUT, _STATISTICS),
    Facet("outputStatistics", "OutputStatisticsOutputDatasetFacet", "1-0-2", Place.OUTPUT, _STATISTICS),
    _subset(Place.INPUT, "input"),
    _subset(Place.OUTPUT, "output"),
)
