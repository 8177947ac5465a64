import pytest

from phlo_hooks.capabilities.openlineage.facets.dataset import dataset_facets, lifecycle_facet
from phlo_hooks.capabilities.openlineage.facts import DatasetName, Symlink
from phlo_hooks.event_parts import Column
from phlo_hooks_tests.capabilities.openlineage.helpers import facts, sent


def facets(**known):
    return {name: sent(facet) for name, facet in dataset_facets(facts(**known)).items()}


def test_what_nobody_knows_has_no_facet():
    assert facets(name=DatasetName("dagster://shop", "orders"), symlinks=()) == {}


def test_all_that_is_known_has_its_facet():
    found = facets(
        columns=(Column(name="id", type="BIGINT", tags={"pii": ""}),),
        description="Each **order** once.",
        owners=("team:data", "ada@example.com"),
        tags={"tier": "gold"},
        data_version="v7",
        metadata={"dagster-dbt/materialization_type": "incremental"},
    )
    assert found == {
        "schema": {"fields": [{"name": "id", "type": "BIGINT", "ordinal_position": 1}]},
        "symlinks": {
            "identifiers": [{"namespace": "dagster://shop", "name": "marts/orders", "type": "DAGSTER_ASSET"}]
        },
        "dataSource": {"name": "postgres://db:5432", "uri": "postgres://db:5432"},
        "documentation": {"description": "Each **order** once.", "contentType": "text/markdown"},
        "ownership": {"owners": [{"name": "team:data"}, {"name": "user:ada@example.com"}]},
        "tags": {
            "tags": [
                {"key": "tier", "value": "gold", "source": "DAGSTER"},
                {"key": "pii", "value": "true", "source": "DAGSTER", "field": "id"},
            ]
        },
        "version": {"datasetVersion": "v7"},
        "datasetType": {"datasetType": "TABLE"},
        "hierarchy": {
            "hierarchy": [
                {"type": "DATABASE", "name": "shop"},
                {"type": "SCHEMA", "name": "marts"},
                {"type": "TABLE", "name": "orders"},
            ]
        },
    }


LAKE = DatasetName("s3://lake", "raw/orders.parquet")
DBT = "dagster-dbt/materialization_type"
TYPES = {
    "view": ({"metadata": {DBT: "view"}}, {"datasetType": "VIEW"}),
    "materialized view": (
        {"metadata": {DBT: "materialized_view"}},
        {"datasetType": "VIEW", "subType": "MATERIALIZED"},
    ),
    "dbt says more than the kind": (
        {"metadata": {DBT: "view"}, "kinds": ("table",)},
        {"datasetType": "VIEW"},
    ),
    "another materialization": ({"metadata": {DBT: ["custom"]}}, None),
    "kind": ({"kinds": ("dbt", "View")}, {"datasetType": "VIEW"}),
    "table format": ({"name": LAKE, "storage_kind": "Iceberg"}, {"datasetType": "TABLE"}),
    "topic": ({"storage_kind": "kafka"}, {"datasetType": "TOPIC"}),
    "file": ({"name": LAKE}, {"datasetType": "FILE"}),
    "local file": ({"name": DatasetName("file", "/srv/x")}, {"datasetType": "FILE"}),
    "a table, or a view": ({"table_name": "marts.orders"}, None),
}


@pytest.mark.parametrize(("known", "expected"), TYPES.values(), ids=TYPES.keys())
def test_a_dataset_has_a_type_where_something_says_it(known, expected):
    assert facets(**known).get("datasetType") == expected


STORAGE = {
    "iceberg": ({"storage_kind": "iceberg"}, {"storageLayer": "iceberg"}),
    "format of the name": (
        {"name": LAKE, "kinds": ("delta",)},
        {"storageLayer": "delta", "fileFormat": "parquet"},
    ),
    "format of the kind": ({"kinds": ("deltalake", "ORC")}, {"storageLayer": "delta", "fileFormat": "orc"}),
    "no table format": ({"name": LAKE, "kinds": ("parquet",)}, None),
}


@pytest.mark.parametrize(("known", "expected"), STORAGE.values(), ids=STORAGE.keys())
def test_storage_has_the_values_that_the_specification_allows(known, expected):
    assert facets(**known).get("storage") == expected


def test_the_data_source_has_no_secrets():
    found = facets(name=LAKE, uri="s3://AKIA:secret@lake/raw/o.parquet?X-Amz-Signature=abc")
    assert found["dataSource"] == {"name": "s3://lake", "uri": "s3://lake/raw/o.parquet"}


def test_a_table_on_an_unknown_server_has_no_data_source():
    asset = DatasetName("dagster://shop", "marts/orders")
    table = Symlink(DatasetName("dagster://shop", "marts.orders"), "TABLE")
    assert list(facets(name=asset, symlinks=(table,))) == ["symlinks"]


HIERARCHIES = {
    "two levels": (DatasetName("mysql://db:3306", "shop.orders"), ["DATABASE", "TABLE"]),
    "bigquery": (DatasetName("bigquery", "p.d.t"), ["DATABASE", "SCHEMA", "TABLE"]),
    "a dot in a name": (DatasetName("postgres://db:5432", "shop.marts.or.ders"), None),
    "file": (LAKE, None),
    "topic": (DatasetName("kafka://k:9092", "orders"), None),
}


@pytest.mark.parametrize(("name", "levels"), HIERARCHIES.values(), ids=HIERARCHIES.keys())
def test_a_table_is_in_a_hierarchy(name, levels):
    found = facets(name=name).get("hierarchy")
    assert (found and [level["type"] for level in found["hierarchy"]]) == levels


CATALOG = {"framework": "iceberg", "type": "glue", "name": "lake"}
CATALOGS = {
    "stated": (CATALOG, CATALOG),
    "with places": (
        CATALOG | {"warehouseUri": "s3://lake/w?sig=abc", "metadataUri": "jdbc:mysql://u:pw@db/x", "more": 1},
        CATALOG | {"warehouseUri": "s3://lake/w", "metadataUri": "jdbc:mysql://u:[redacted]@db/x"},
    ),
    "half": ({"framework": "iceberg", "type": "glue"}, None),
    "odd": (CATALOG | {"name": 3}, None),
    "text": ("glue", None),
}


@pytest.mark.parametrize(("stated", "expected"), CATALOGS.values(), ids=CATALOGS.keys())
def test_a_catalog_is_told_where_the_metadata_states_it(stated, expected):
    assert facets(metadata={"openlineage/catalog": stated}).get("catalog") == expected


LIFECYCLE = {
    "dlt replace": ({"write_disposition": "replace"}, True),
    "dlt replace, with a strategy": ({"write_disposition": {"disposition": "replace"}}, True),
    "dlt append": ({"write_disposition": "append"}, False),
    "dlt merge": ({"write_disposition": {"disposition": "merge"}}, False),
    "dbt table": ({DBT: "table"}, True),
    "dbt incremental": ({DBT: "incremental"}, False),
    "nothing": ({}, False),
    "odd": ({"write_disposition": [1], DBT: {}}, False),
}


@pytest.mark.parametrize(("metadata", "replaced"), LIFECYCLE.values(), ids=LIFECYCLE.keys())
def test_a_table_that_was_replaced_is_overwritten(metadata, replaced):
    facet = lifecycle_facet(metadata)
    assert (sent(facet) if facet else None) == ({"lifecycleStateChange": "OVERWRITE"} if replaced else None)
