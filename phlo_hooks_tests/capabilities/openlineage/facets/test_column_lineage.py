from phlo_hooks.capabilities.openlineage.facets.column_lineage import column_lineage_facet
from phlo_hooks.capabilities.openlineage.facts import DatasetName
from phlo_hooks.event_parts import Column, ColumnEdge
from phlo_hooks_tests.capabilities.openlineage.helpers import sent


def edge(column, asset, upstream):
    return ColumnEdge(column=column, upstream_asset=asset, upstream_column=upstream)


def name_of(key):
    return DatasetName("ns", key)


def lineage(*edges, columns=()):
    facet = column_lineage_facet(edges, name_of, tuple(Column(name=name) for name in columns))
    if facet is None:
        return None
    return {
        column: [(one["name"], one["field"]) for one in fields["inputFields"]]
        for column, fields in sent(facet)["fields"].items()
    }


def test_each_input_stands_once_and_in_order():
    found = lineage(edge("b", "y", "2"), edge("b", "x", "9"), edge("b", "y", "2"), edge("a", "x", "1"))
    assert found == {"a": [("x", "1")], "b": [("x", "9"), ("y", "2")]}
    assert list(found) == ["a", "b"]


def test_only_columns_of_the_schema_in_its_spelling():
    found = lineage(edge("order_id", "x", "id"), edge("gone", "x", "id"), columns=("ORDER_ID",))
    assert found == {"ORDER_ID": [("x", "id")]}


def test_two_columns_that_differ_in_case_stay_two():
    found = lineage(edge("a", "x", "1"), edge("A", "x", "2"), columns=("a", "A"))
    assert found == {"A": [("x", "2")], "a": [("x", "1")]}


def test_nothing_is_said_of_what_nobody_knows():
    assert lineage() is None
    assert lineage(edge("gone", "x", "id"), columns=("a",)) is None
    facet = sent(column_lineage_facet((edge("a", "x", "1"),), name_of, ()))
    assert facet == {"fields": {"a": {"inputFields": [{"namespace": "ns", "name": "x", "field": "1"}]}}}
