"""Dataset facets: `spec/facets/*DatasetFacet.json`, and the dataset's half of `LineageFacet.json`."""

from __future__ import annotations

from phlo_hooks_tests.capabilities.openlineage.spec.facet import Facet, Place
from phlo_hooks_tests.capabilities.openlineage.spec.lineage import FIELDS, INPUTS, LINEAGE_DEFS
from phlo_hooks_tests.capabilities.openlineage.spec.metrics import METRICS
from phlo_hooks_tests.capabilities.openlineage.spec.shapes import (
    BOOLEAN,
    INTEGER,
    NAMED,
    STRING,
    TIME,
    URI,
    Shape,
    array,
    mapping,
    record,
    ref,
    strings,
)

_CHANGES = ["ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE"]
_TRANSFORMATION = record(
    strings("type"), {**strings("subtype", "description"), "masking": BOOLEAN}, is_open=True
)
_INPUT_FIELD = record(
    {**NAMED, **strings("field")}, {"transformations": array(_TRANSFORMATION)}, is_open=True
)
_OUTPUT_FIELD = record(
    {"inputFields": array(_INPUT_FIELD)},
    strings("transformationDescription", "transformationType"),
    is_open=True,
)
_COLUMN = record(
    strings("name"),
    {**strings("type", "description"), "ordinal_position": INTEGER, "fields": array(ref("Column"))},
)
_OWNER = record(strings("name"), strings("type"))
_TAG = record(strings("key", "value"), strings("source", "field"))


def _facet(
    key: str, name: str, version: str, body: Shape, defs: dict[str, Shape] | None = None, file: str = ""
) -> Facet:
    return Facet(key, f"{name}DatasetFacet", version, Place.DATASET, body, defs or {}, file)


DATASET_FACETS = (
    _facet(
        "catalog",
        "Catalog",
        "1-1-0",
        record(
            strings("framework", "type", "name"),
            {**strings("metadataUri", "warehouseUri", "source"), "catalogProperties": mapping(STRING)},
        ),
    ),
    _facet(
        "columnLineage",
        "ColumnLineage",
        "1-2-0",
        record({"fields": mapping(_OUTPUT_FIELD)}, {"dataset": array(_INPUT_FIELD)}, is_open=True),
    ),
    _facet(
        "dataQualityMetrics",
        "DataQualityMetrics",
        "1-0-1",
        # 1-0-1 is known from the client 1.54 only: it adds captureDate.
        {**METRICS, "properties": {**METRICS["properties"], "captureDate": TIME}},
    ),
    _facet("datasetType", "DatasetType", "1-0-1", record(strings("datasetType"), strings("subType"))),
    _facet("version", "DatasetVersion", "1-0-1", record(strings("datasetVersion"), is_open=True)),
    _facet("dataSource", "Datasource", "1-0-1", record(None, {"name": STRING, "uri": URI})),
    _facet("documentation", "Documentation", "1-1-0", record(strings("description"), strings("contentType"))),
    _facet("hierarchy", "Hierarchy", "1-0-0", record({"hierarchy": array(record(strings("type", "name")))})),
    _facet(
        "lifecycleStateChange",
        "LifecycleStateChange",
        "1-0-1",
        record(
            {"lifecycleStateChange": {"type": "string", "enum": _CHANGES}},
            {"previousIdentifier": record(NAMED)},
        ),
    ),
    _facet(
        "lineage",
        "Lineage",
        "1-0-0",
        record(None, {"inputs": INPUTS, "fields": FIELDS}),
        LINEAGE_DEFS,
        "LineageFacet",
    ),
    _facet("ownership", "Ownership", "1-0-1", record(None, {"owners": array(_OWNER)})),
    _facet("schema", "Schema", "1-2-0", record(None, {"fields": array(ref("Column"))}), {"Column": _COLUMN}),
    _facet(
        "storage", "Storage", "1-0-1", record(strings("storageLayer"), strings("fileFormat"), is_open=True)
    ),
    _facet(
        "symlinks",
        "Symlinks",
        "1-0-1",
        record(None, {"identifiers": array(record({**NAMED, **strings("type")}))}),
    ),
    _facet("tags", "Tags", "1-0-0", record(None, {"tags": array(_TAG)})),
)
