"""Job facets: `spec/facets/*JobFacet.json`, and the job's half of `LineageFacet.json`."""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.spec.facet import Facet, Place
from phlo_hooks_tests.capabilities.openlineage.spec.lineage import ENTRY, LINEAGE_DEFS
from phlo_hooks_tests.capabilities.openlineage.spec.shapes import URI, array, record, strings

_OWNER = record(strings("name"), strings("type"))
_TAG = record(strings("key", "value"), strings("source"))
_EMISSION = record(
    strings("eventTrigger", "eventContentMode"), {"windowDuration": {"type": "integer", "minimum": 1}}
)

JOB_FACETS = (
    Facet(
        "documentation",
        "DocumentationJobFacet",
        "1-1-0",
        Place.JOB,
        record(strings("description"), strings("contentType")),
    ),
    Facet(
        "jobType",
        "JobTypeJobFacet",
        "2-0-4",
        Place.JOB,
        record(
            strings("processingType", "integration"), {**strings("jobType"), "emissionPattern": _EMISSION}
        ),
    ),
    Facet(
        "lineage",
        "LineageJobFacet",
        "1-0-0",
        Place.JOB,
        record({"entries": array(ENTRY)}),
        LINEAGE_DEFS,
        file="LineageFacet",
    ),
    Facet("ownership", "OwnershipJobFacet", "1-0-1", Place.JOB, record(None, {"owners": array(_OWNER)})),
    Facet("sourceCode", "SourceCodeJobFacet", "1-0-1", Place.JOB, record(strings("language", "sourceCode"))),
    Facet(
        "sourceCodeLocation",
        "SourceCodeLocationJobFacet",
        "1-1-0",
        Place.JOB,
        record(
            {**strings("type"), "url": URI},
            strings("repoUrl", "path", "version", "tag", "branch", "pullRequestNumber"),
        ),
    ),
    Facet("sql", "SQLJobFacet", "1-1-0", Place.JOB, record(strings("query"), strings("dialect"))),
    Facet("tags", "TagsJobFacet", "1-0-0", Place.JOB, record(None, {"tags": array(_TAG)})),
)
