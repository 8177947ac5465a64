import pytest
from hypothesis import given, strategies as st

from phlo_hooks.capabilities.openlineage.facets.statistics import input_statistics, output_statistics
from phlo_hooks_tests.capabilities.openlineage.helpers import sent

OUTPUT = {
    "all": (
        {"rows": 3, "bytes": 90, "files": 1, "seconds": 2.5},
        {"rowCount": 3, "size": 90, "fileCount": 1},
    ),
    "no rows are a number of rows": ({"rows": 0}, {"rowCount": 0}),
    "a whole float": ({"rows": 3.0}, {"rowCount": 3}),
    "none": ({"seconds": 1}, None),
    "not a number": ({"rows": float("nan")}, None),
    "infinity": ({"rows": float("inf")}, None),
    "negative": ({"rows": -1}, None),
    "half a row": ({"rows": 1.5}, None),
    "yes": ({"rows": True}, None),
    "text": ({"rows": "3"}, None),
    "too large": ({"rows": 2**63}, None),
    "far too large": ({"rows": 10**400}, None),
}


@pytest.mark.parametrize(("metrics", "expected"), OUTPUT.values(), ids=OUTPUT.keys())
def test_the_metrics_of_an_event_are_its_statistics(metrics, expected):
    facet = output_statistics(metrics)
    assert (sent(facet) if facet else None) == expected


def test_what_was_read_is_known_where_it_is_stated():
    found = input_statistics({"openlineage/input_rows": {"raw/orders": 12, "raw/odd": "many"}})
    assert {key: sent(facet) for key, facet in found.items()} == {"raw/orders": {"rowCount": 12}}
    assert input_statistics({"openlineage/input_rows": 12}) == input_statistics({}) == {}


ODD = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=4)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["rows", "bytes", "files", "raw/orders"]), ODD))
def test_no_metadata_stops_a_facet(metadata):
    facet = output_statistics(metadata)
    assert facet is None or sent(facet)
    assert all(sent(one) for one in input_statistics({"openlineage/input_rows": metadata}).values())
