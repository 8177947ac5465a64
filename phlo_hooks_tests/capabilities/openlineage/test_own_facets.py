import json
from pathlib import Path

import attr
import jsonschema
import pytest
from openlineage.client.serde import Serde
from referencing import Registry, Resource

from phlo_hooks.capabilities.openlineage.own_facets import (
    ASSET_KEY,
    OWN_FACETS,
    RUN_KEY,
    SCHEMA_BASE,
    PhloDagsterAssetFacet,
    PhloDagsterRunFacet,
    schema_file,
)
from phlo_hooks.capabilities.openlineage.producer import PRODUCER

FOLDER = Path(__file__).parents[3] / "docs" / "schemas" / "openlineage"
OWN = {key: facet.__name__ for key, facet in OWN_FACETS.items()}
BASE = {
    "$id": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        name: {"type": "object", "required": ["_producer", "_schemaURL"]}
        for name in ("RunFacet", "DatasetFacet")
    },
}
REGISTRY = Registry().with_resource(BASE["$id"], Resource.from_contents(BASE))

FULL = {
    RUN_KEY: PhloDagsterRunFacet(
        "5f0c", "nightly", "orders", 2, "2026-01-05", "b1", "schedule:nightly", "skipped",
        "https://dagster.example/runs/5f0c", producer=PRODUCER,
    ),
    ASSET_KEY: PhloDagsterAssetFacet(
        "marts/orders", "marts", ["dbt"], "shop", "v1", {"raw/orders": "7"}, ["column_lineage"],
        "https://dagster.example/assets/marts/orders", producer=PRODUCER,
    ),
}  # fmt: skip
LEAST = {
    RUN_KEY: PhloDagsterRunFacet("5f0c", producer=PRODUCER),
    ASSET_KEY: PhloDagsterAssetFacet("marts/orders", producer=PRODUCER),
}


def schema(key):
    return json.loads((FOLDER / schema_file(OWN[key])).read_text())


def own_properties(key):
    return schema(key)["$defs"][OWN[key]]["allOf"][1]


def validate(key, facet):
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema(key), registry=REGISTRY, format_checker=checker).validate(
        {key: facet}
    )


@pytest.mark.parametrize("facets", [FULL, LEAST], ids=["full", "least"])
@pytest.mark.parametrize("key", OWN)
def test_a_facet_is_as_its_schema_says(key, facets):
    validate(key, Serde.to_dict(facets[key]))


@pytest.mark.parametrize("key", OWN)
def test_every_field_is_in_the_schema_and_the_other_way_round(key):
    fields = {field.name for field in attr.fields(OWN_FACETS[key]) if not field.name.startswith("_")}
    required = {f.name for f in attr.fields(OWN_FACETS[key]) if f.default is attr.NOTHING}
    assert fields == set(own_properties(key)["properties"])
    assert required == set(own_properties(key)["required"])
    assert all(getattr(FULL[key], field) for field in fields)


@pytest.mark.parametrize("key", OWN)
def test_a_facet_says_where_its_schema_is(key):
    url = Serde.to_dict(LEAST[key])["_schemaURL"]
    assert url == f"{schema(key)['$id']}#/$defs/{OWN[key]}"
    assert url.startswith(SCHEMA_BASE)


@pytest.mark.parametrize("key", OWN)
def test_a_facet_without_what_it_is_about_is_refused(key):
    facet = Serde.to_dict(LEAST[key])
    del facet[own_properties(key)["required"][0]]
    with pytest.raises(jsonschema.ValidationError):
        validate(key, facet)


def test_there_is_a_schema_for_each_and_no_other():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(map(schema_file, OWN.values()))
