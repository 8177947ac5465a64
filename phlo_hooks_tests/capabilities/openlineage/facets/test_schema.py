import sys
import time

import pytest

from phlo_hooks.capabilities.openlineage.facets import nested
from phlo_hooks.capabilities.openlineage.facets.schema import schema_facet
from phlo_hooks.event_parts import Column
from phlo_hooks_tests.capabilities.openlineage.helpers import sent


def shape(fields):
    """Names and types, and what is in them."""
    return [
        (field["name"], field.get("type"), *([shape(field["fields"])] if field.get("fields") else []))
        for field in fields
    ]


def schema(*columns, dialect=None):
    return sent(schema_facet(columns, dialect))["fields"]


def test_columns_keep_their_order_and_what_is_known_of_them():
    fields = schema(Column(name="id", type="BIGINT", description="the order"), Column(name="note"))
    assert fields == [
        {"name": "id", "type": "BIGINT", "description": "the order", "ordinal_position": 1},
        {"name": "note", "ordinal_position": 2},
    ]


def test_a_table_without_known_columns_has_no_schema():
    assert schema_facet((), "duckdb") is None


TYPES = {
    "duckdb list of structs": ("STRUCT(a INT, b STRUCT(c BIGINT))[]", "duckdb", [("_element", "STRUCT(a INT, b STRUCT(c BIGINT))", [("a", "INT"), ("b", "STRUCT(c BIGINT)", [("c", "BIGINT")])])]),
    "duckdb map": ("MAP(INTEGER, BIGINT)", "duckdb", [("key", "INT"), ("value", "BIGINT")]),
    "duckdb, quoted": ('STRUCT("my col" INT)', "duckdb", [("my col", "INT")]),
    "bigquery": ("STRUCT<a INT64, b ARRAY<STRING>>", "bigquery", [("a", "INT64"), ("b", "ARRAY<STRING>", [("_element", "STRING")])]),
    "bigquery, no names": ("STRUCT<INT64, STRING>", "bigquery", [("_0", "INT64"), ("_1", "STRING")]),
    "spark": ("struct<a:int,b:map<string,int>>", "spark", [("a", "INT"), ("b", "MAP<STRING, INT>", [("key", "STRING"), ("value", "INT")])]),
    "trino": ("ROW(a integer, b varchar(10))", "trino", [("a", "INTEGER"), ("b", "VARCHAR(10)")]),
    "trino array": ("array(row(a integer))", "trino", [("_element", "ROW(a INTEGER)", [("a", "INTEGER")])]),
    "snowflake": ("OBJECT(a int, b varchar)", "snowflake", [("a", "INT"), ("b", "VARCHAR")]),
    "clickhouse": ("Array(Tuple(a Int32))", "clickhouse", [("_element", "Tuple(a Int32)", [("a", "Int32")])]),
    "alias of a dialect": ("struct<a:int>", "iceberg", [("a", "INT")]),
    "unknown dialect": ("ROW(a integer)", "nosuch", [("a", "INTEGER")]),
    "no dialect": ("struct<a:int>", None, [("a", "INT")]),
}  # fmt: skip


@pytest.mark.parametrize(("type_name", "dialect", "expected"), TYPES.values(), ids=TYPES.keys())
def test_the_fields_of_a_type_are_fields(type_name, dialect, expected):
    (field,) = schema(Column(name="x", type=type_name), dialect=dialect)
    assert field["type"] == type_name
    assert shape(field["fields"]) == expected
    assert [inner["ordinal_position"] for inner in field["fields"]] == list(range(1, len(expected) + 1))


FLAT = ["DECIMAL(10, 2)", "VARCHAR(MAX)", "ENUM('a', 'b')", "timestamp(6) with time zone", "STRUCT(a INT", ")" * 40 + "<a", "foo<bar", "STRUCT<a " * 3000 + "INT" + ">" * 3000, "ARRAY<>", "(", "SELECT (SELECT)"]  # fmt: skip


@pytest.mark.parametrize("type_name", FLAT, ids=[name[:20] for name in FLAT])
def test_a_type_without_fields_or_that_cannot_be_read_is_a_plain_one(type_name):
    assert schema(Column(name="x", type=type_name), dialect="duckdb") == [
        {"name": "x", "type": type_name, "ordinal_position": 1}
    ]


def test_a_members_comment_is_its_description():
    (field,) = schema(Column(name="x", type="struct<a:struct<b:int comment 'deep'>>"), dialect="spark")
    (member,) = field["fields"]
    assert "description" not in member
    assert member["fields"][0]["description"] == "deep"


def test_a_dotted_column_goes_under_its_parent():
    fields = schema(Column(name="address.city", type="STRING"), Column(name="address"), Column(name="a.b"))
    assert shape(fields) == [("address", None, [("city", "STRING")]), ("a.b", None)]
    assert [field["ordinal_position"] for field in fields] == [1, 2]


def test_a_dotted_column_describes_the_field_of_the_parents_type():
    fields = schema(
        Column(name="items", type="ARRAY<STRUCT<sku STRING, n INT64>>"),
        Column(name="items.n", description="how many"),
        dialect="bigquery",
    )
    element = fields[0]["fields"][0]
    assert shape(element["fields"]) == [("sku", "STRING"), ("n", "INT64")]
    assert element["fields"][1]["description"] == "how many"


def test_names_that_are_odd_are_names():
    assert shape(schema(*(Column(name=name) for name in (".", "a.", "a", "a", ".b", "")))) == [
        (name, None) for name in (".", "a.", "a", "a", ".b", "")
    ]


def test_without_sqlglot_a_type_is_a_plain_one(monkeypatch):
    nested._parsed.cache_clear()
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    assert "fields" not in schema(Column(name="x", type="struct<a:int>"))[0]
    nested._parsed.cache_clear()


def test_a_wide_table_takes_no_time():
    columns = tuple(Column(name=f"c{at}", type="DECIMAL(10,2)") for at in range(2000))
    began = time.perf_counter()
    schema_facet(columns, "duckdb")
    assert time.perf_counter() - began < 0.05
