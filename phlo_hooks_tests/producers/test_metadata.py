"""Every kind of metadata value that Dagster has, through a real run's log and straight."""

import json
import subprocess
import sys
import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks.producers.metadata import Column, ColumnEdge, MaterializationFacts, facts, plain, plain_value

SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "BIGINT", "Given by the till.", dg.TableColumnConstraints(nullable=False)),
        dg.TableColumn("note", "?", "", tags={"pii": ""}),
    ]
)
LINEAGE = dg.TableColumnLineage(
    {
        "total": [dg.TableColumnDep(dg.AssetKey(["raw", "orders"]), column) for column in ("tax", "amount")],
        "constant": [],
    }
)
COLUMNS = [
    {"name": "id", "type": "BIGINT", "description": "Given by the till.", "nullable": False, "tags": {}},
    {"name": "note", "type": None, "description": None, "nullable": None, "tags": {"pii": ""}},
]
EDGES = {
    "total": [{"asset": "raw/orders", "column": "amount"}, {"asset": "raw/orders", "column": "tax"}],
    "constant": [],
}
NOON = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)


class Rude:
    """An object that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def code_references() -> dg.CodeReferencesMetadataValue:
    """Still beta in Dagster, which says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        file = dg.LocalFileCodeReference(file_path="/a.py", line_number=3)
        url = dg.UrlCodeReference(url="https://x.example/a.py")
        return dg.CodeReferencesMetadataValue(code_references=[file, url])


KINDS = [
    pytest.param(dg.MetadataValue.text("x"), "x", id="text"),
    pytest.param(dg.MetadataValue.url("https://x.example/1"), "https://x.example/1", id="url"),
    pytest.param(dg.MetadataValue.path(Path("/data/x")), "/data/x", id="path"),
    pytest.param(dg.MetadataValue.notebook(Path("/x.ipynb")), "/x.ipynb", id="notebook"),
    pytest.param(dg.MetadataValue.md("# x"), "# x", id="markdown"),
    pytest.param(dg.MetadataValue.json({"a": [1, None, "é"]}), {"a": [1, None, "é"]}, id="json"),
    pytest.param(dg.MetadataValue.int(2**70), 2**70, id="int"),
    pytest.param(dg.MetadataValue.float(1.5), 1.5, id="float"),
    pytest.param(dg.MetadataValue.float(float("nan")), None, id="nan"),
    pytest.param(dg.MetadataValue.float(float("-inf")), None, id="infinity"),
    pytest.param(dg.MetadataValue.bool(True), True, id="bool"),
    pytest.param(dg.MetadataValue.null(), None, id="null"),
    pytest.param(dg.MetadataValue.timestamp(NOON), "2026-01-02T12:00:00+00:00", id="timestamp"),
    pytest.param(dg.MetadataValue.dagster_run("r1"), "r1", id="run"),
    pytest.param(dg.MetadataValue.asset(dg.AssetKey(["raw", "orders"])), "raw/orders", id="asset"),
    pytest.param(
        dg.MetadataValue.job("etl", "here", repository_name="all"),
        {"job": "etl", "location": "here", "repository": "all"},
        id="job",
    ),
    pytest.param(dg.MetadataValue.python_artifact(Rude), f"{__name__}:Rude", id="python-artifact"),
    pytest.param(dg.MetadataValue.table_schema(SCHEMA), {"columns": COLUMNS}, id="table-schema"),
    pytest.param(dg.MetadataValue.column_lineage(LINEAGE), EDGES, id="column-lineage"),
    pytest.param(
        dg.MetadataValue.table([dg.TableRecord({"id": 1, "note": None})], SCHEMA),
        {"columns": COLUMNS, "records": [{"id": 1, "note": None}]},
        id="table",
    ),
    pytest.param(code_references(), ["/a.py:3", "https://x.example/a.py"], id="code-references"),
    pytest.param(dg.PoolMetadataValue(pool="warehouse"), "warehouse", id="pool"),
]
RAW = [
    pytest.param("x", "x", id="text"),
    pytest.param(float("inf"), None, id="infinity"),
    pytest.param(SCHEMA, {"columns": COLUMNS}, id="table-schema"),
    pytest.param(LINEAGE, EDGES, id="column-lineage"),
    pytest.param(dg.AssetKey(["raw", "orders"]), "raw/orders", id="asset-key"),
    pytest.param(dg.MetadataValue.timestamp(1e20), 1e20, id="timestamp-out-of-range"),
    pytest.param({("a", 1): {2}}, {"('a', 1)": [2]}, id="odd-keys"),
    pytest.param(Rude(), "<Rude>", id="cannot-be-printed"),
]


@pytest.fixture(scope="module")
def read() -> dict[str, Any]:
    """A value of every kind, written by a run and read from the event log."""
    values = {str(case.id): case.values[0] for case in KINDS}

    @dg.asset
    def recorded() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata=values)

    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([recorded], instance=instance).success
        (record,) = instance.fetch_materializations(recorded.key, limit=1).records
    assert record.asset_materialization is not None
    return plain(record.asset_materialization.metadata)


@pytest.mark.parametrize(("value", "expected"), KINDS)
def test_every_kind_survives_the_log(
    read: dict[str, Any], value: Any, expected: Any, request: pytest.FixtureRequest
) -> None:
    """What comes out is JSON, and the same in the step as from the event log."""
    found = read[request.node.callspec.id]
    assert expected == found == plain_value(value)
    assert found == json.loads(json.dumps(found, allow_nan=False))


@pytest.mark.parametrize(("value", "expected"), RAW)
def test_raw_values_never_raise(value: Any, expected: Any) -> None:
    """The metadata of a spec is as its author wrote it."""
    found = plain_value(value)
    assert expected == found
    json.dumps(found, allow_nan=False)


def test_every_kind_of_this_dagster_is_tested() -> None:
    """A kind that a newer Dagster adds shows up here."""
    tested = {type(case.values[0]) for case in KINDS}
    public = {each for name in dir(dg) if name.endswith("MetadataValue") and (each := getattr(dg, name))}
    assert {dg.MetadataValue} == public - tested


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"dagster/row_count": 5}, {"rows": 5}, id="rows"),
        pytest.param({"dagster/row_count": 0}, {"rows": 0}, id="no-rows"),
        pytest.param(
            {"dagster/row_count": 900, "dagster/partition_row_count": 5},
            {"rows": 5},
            id="rows-of-the-partition",
        ),
        pytest.param({"dagster/row_count": 5.0}, {"rows": 5}, id="rows-as-float"),
        pytest.param({"dagster/row_count": "many"}, {}, id="rows-as-text"),
        pytest.param({"dagster/row_count": True}, {}, id="rows-as-bool"),
        pytest.param({"dagster/row_count": -1}, {}, id="rows-unknown-to-a-driver"),
        pytest.param({"dagster/row_count": float("nan")}, {}, id="rows-as-nan"),
        pytest.param({"size_bytes": 2048}, {"bytes": 2048}, id="bytes"),
        pytest.param({"phlo_hooks/seconds": 1.5, "seconds": 9}, {"seconds": 1.5}, id="seconds"),
        pytest.param({"Execution Duration": 0.25}, {"seconds": 0.25}, id="seconds-of-dbt"),
        pytest.param(
            {"dagster/table_name": "db.raw.orders"}, {"table_name": "db.raw.orders"}, id="table-name"
        ),
        pytest.param(
            {"dagster/relation_identifier": "db.raw.o"}, {"table_name": "db.raw.o"}, id="older-table-name"
        ),
        pytest.param({"dagster/uri": "s3://b/o"}, {"uri": "s3://b/o"}, id="uri"),
        pytest.param({"dagster/storage_kind": "duckdb"}, {"storage_kind": "duckdb"}, id="storage-kind"),
        pytest.param({"dagster/column_schema": "id int"}, {}, id="schema-as-text"),
        pytest.param(
            {"dagster/column_schema": SCHEMA},
            {
                "columns": (
                    Column("id", "BIGINT", "Given by the till.", False),
                    Column("note", tags={"pii": ""}),
                )
            },
            id="columns",
        ),
        pytest.param(
            {"dagster/column_lineage": LINEAGE},
            {
                "column_lineage": (
                    ColumnEdge("total", "raw/orders", "amount"),
                    ColumnEdge("total", "raw/orders", "tax"),
                )
            },
            id="column-lineage",
        ),
    ],
)
def test_facts(metadata: dict[str, Any], expected: dict[str, Any]) -> None:
    """Facts are the same from a materialization as from the raw metadata of a spec."""
    found = facts(dg.AssetMaterialization("orders", metadata=metadata).metadata)
    assert MaterializationFacts(**expected) == found == facts(metadata)


def test_as_dict_gives_what_events_take() -> None:
    """The catalogue's models have the same field names."""
    from phlo_hooks import events

    column, edge = Column("id", "BIGINT", None, False, {"pii": ""}), ColumnEdge("a", "raw/orders", "b")
    assert column.as_dict() == events.Column(**column.as_dict()).model_dump()
    assert edge.as_dict() == events.ColumnEdge(**edge.as_dict()).model_dump()


@pytest.mark.e2e
def test_the_integrations_are_not_needed() -> None:
    """Their metadata is read in a process that has loaded none of them."""
    code = (
        "import sys, phlo_hooks.producers.dbt, phlo_hooks.producers.dlt;"
        "found = {'dagster_dbt', 'dbt', 'dagster_dlt', 'dlt'} & set(sys.modules);"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
