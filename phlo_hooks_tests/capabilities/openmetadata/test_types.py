"""Types of columns, as warehouses write them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from phlo_hooks.capabilities.openmetadata.tables.columns import wanted_columns
from phlo_hooks.capabilities.openmetadata.tables.types import typed
from phlo_hooks.events import Column

from .server import vocabulary
from .server.columns import validate

# A busy machine is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TYPES = {
    "BIGINT": {"dataType": "BIGINT", "dataTypeDisplay": "bigint"},
    "varchar(20)": {"dataType": "VARCHAR", "dataLength": 20, "dataTypeDisplay": "varchar(20)"},
    "VARCHAR": {"dataType": "STRING", "dataTypeDisplay": "varchar"},
    "character varying(5)": {
        "dataType": "VARCHAR",
        "dataLength": 5,
        "dataTypeDisplay": "character varying(5)",
    },
    "char": {"dataType": "CHAR", "dataLength": 1, "dataTypeDisplay": "char"},
    "varbinary": {"dataType": "BYTES", "dataTypeDisplay": "varbinary"},
    "DECIMAL(18,2)": {"dataType": "DECIMAL", "precision": 18, "scale": 2, "dataTypeDisplay": "decimal(18,2)"},
    "NUMBER(38)": {"dataType": "NUMBER", "precision": 38, "dataTypeDisplay": "number(38)"},
    "TIMESTAMP(6) WITH TIME ZONE": {
        "dataType": "TIMESTAMPZ",
        "dataTypeDisplay": "timestamp(6) with time zone",
    },
    "timestamp without time zone": {
        "dataType": "TIMESTAMP",
        "dataTypeDisplay": "timestamp without time zone",
    },
    "Nullable(Int64)": {"dataType": "BIGINT", "dataTypeDisplay": "int64"},
    "LowCardinality(Nullable(String))": {"dataType": "STRING", "dataTypeDisplay": "string"},
    "INTEGER[]": {"dataType": "ARRAY", "arrayDataType": "INT", "dataTypeDisplay": "array<integer>"},
    "array<string>": {"dataType": "ARRAY", "arrayDataType": "STRING", "dataTypeDisplay": "array<string>"},
    "map<string,int>": {"dataType": "MAP", "dataTypeDisplay": "map<string,int>"},
    "something else": {"dataType": "UNKNOWN", "dataTypeDisplay": "something else"},
    "": {"dataType": "UNKNOWN"},
}


@pytest.mark.parametrize(("text", "expected"), TYPES.items(), ids=TYPES)
def test_types(text, expected):
    assert typed(text) == expected


NESTED = [
    "struct<a:int,b:array<struct<c:varchar(3)>>>",
    "STRUCT(a INTEGER, b STRUCT(c VARCHAR(3))[])",
    "row(a integer, b array(row(c varchar(3))))",
]


@pytest.mark.parametrize("text", NESTED)
def test_a_struct_in_an_array_in_a_struct(text):
    """As Spark, DuckDB and Trino write it."""
    found = typed(text)
    first, second = found["children"]
    assert (found["dataType"], first["name"], first["dataType"]) == ("STRUCT", "a", "INT")
    assert (second["dataType"], second["arrayDataType"]) == ("ARRAY", "STRUCT")
    (inner,) = second["children"]
    assert (inner["name"], inner["dataType"], inner["dataLength"]) == ("c", "VARCHAR", 3)
    assert found["dataTypeDisplay"].startswith("struct<a:int")


def test_names_of_fields_in_quotes():
    found = typed('STRUCT("a, b" INTEGER, `c d` DATE)')
    assert [(each["name"], each["dataType"]) for each in found["children"]] == [
        ("a, b", "INT"),
        ("c d", "DATE"),
    ]


TEXTS = st.one_of(
    st.text(max_size=30),
    st.recursive(
        st.sampled_from(["INT", "varchar(3)", "decimal(4,1)", "nonsense", "VARCHAR", "char"]),
        lambda inner: st.one_of(
            inner.map("array<{}>".format),
            inner.map("{}[]".format),
            st.tuples(inner, inner).map(lambda two: f"struct<a:{two[0]},b:{two[1]}>"),
            inner.map("struct<a:{0}, A:{0}>".format),
            st.tuples(inner, inner).map(lambda two: f"map<{two[0]},{two[1]}>"),
        ),
    ),
    st.text("<>()[],:\"' ab", max_size=40),
)


@PATIENT
@given(TEXTS)
def test_the_server_takes_whatever_becomes_of_a_text(text):
    """Any text is a type that it has, with all that it asks for."""
    columns = wanted_columns([Column(name="c", type=text)], ())
    for each in columns:
        assert each["dataType"] in vocabulary.DATA_TYPES
    validate(columns)


def test_columns_that_openmetadata_refuses():
    """It refuses the whole table for one of them."""
    said = [Column(name=name) for name in ("a", "A", "", "b::c", 'b"c', "x" * 257, "d")]
    assert [each["name"] for each in wanted_columns(said, ())] == ["a", "d"]
