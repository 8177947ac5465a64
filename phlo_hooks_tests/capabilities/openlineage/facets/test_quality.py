import pytest
from hypothesis import given, strategies as st

from phlo_hooks.assets import CheckInfo
from phlo_hooks.capabilities.openlineage.facets.quality import (
    assertion,
    assertions_facet,
    quality_metrics,
    test_run_facet as run_facet,
)
from phlo_hooks_tests.capabilities.openlineage.helpers import result, sent


def asserted(event, check=None):
    (one,) = sent(assertions_facet([assertion(event, check)]))["assertions"]
    return one


def test_a_check_is_an_assertion():
    event = result(
        passed=False,
        severity="WARN",
        description="9 orphans",
        metadata={"expected": 0, "actual": 9, "days": 3},
    )
    assert asserted(event) == {
        "assertion": "no_orphans",
        "name": "no_orphans",
        "success": False,
        "severity": "warn",
        "description": "9 orphans",
        "expected": "0",
        "actual": "9",
        "params": {"days": 3},
    }


KNOWN = {
    "check type": ({"check_type": "freshness"}, {"assertion": "freshness"}),
    "dbt test": ({"check_type": "dbt", "check_name": "not_null_orders_order_id"}, {"assertion": "not_null", "column": "order_id"}),
    "dbt test of a source": ({"check_type": "dbt", "check_name": "source_unique_marts_orders_id"}, {"assertion": "unique", "column": "id"}),
    "dbt test with arguments": ({"check_type": "dbt", "check_name": "accepted_values_orders_status__a"}, {"assertion": "accepted_values", "column": None}),
    "dbt test, cut": ({"check_type": "dbt", "check_name": "not_null_orders_" + "a" * 32}, {"assertion": "not_null", "column": None}),
    "dbt test of another model": ({"check_type": "dbt", "check_name": "not_null_stage_id"}, {"assertion": "not_null", "column": None}),
    "a singular dbt test": ({"check_type": "dbt", "check_name": "totals_add_up"}, {"assertion": "dbt", "column": None}),
    "a name like dbt's": ({"check_name": "not_null_orders_id"}, {"assertion": "not_null_orders_id", "column": None}),
    "dagster's column": ({"metadata": {"dagster/column": "id"}}, {"column": "id"}),
    "a column": ({"metadata": {"column_name": "id"}}, {"column": "id"}),
    "no column": ({"metadata": {"column": 3}}, {"column": None}),
    "crashed": ({"event_type": "quality.error", "passed": None}, {"success": False}),
    "error": ({"severity": "CRITICAL"}, {"severity": "error"}),
    "no severity": ({"severity": None}, {"severity": None}),
    "failed rows": ({"metadata": {"dagster_dbt/failed_row_count": 4}}, {"actual": "4", "params": None}),
    "structured": ({"metadata": {"expected": {"a": [1]}}}, {"expected": '{"a": [1]}'}),
}  # fmt: skip


@pytest.mark.parametrize(("known", "expected"), KNOWN.values(), ids=KNOWN.keys())
def test_what_a_check_says_of_itself_is_found(known, expected):
    found = asserted(result(**known))
    assert {name: found.get(name) for name in expected} == expected


def test_the_definition_fills_in_for_the_event():
    check = CheckInfo(
        "marts/orders", "no_orphans", description="None has no parent.", metadata={"column": "id"}
    )
    found = asserted(result(), check)
    assert (found["description"], found["column"]) == ("None has no parent.", "id")


def test_parameters_are_few_and_small():
    metadata = {f"k{at}": at for at in range(30)} | {"a": "x" * 300, "b": [1], "c": None, "d": float("inf")}
    assert asserted(result(metadata=metadata))["params"] == {f"k{at}": at for at in range(20)}


def test_no_results_are_no_facet():
    assert assertions_facet([]) is None


def test_what_a_check_measured_are_metrics():
    event = result(metadata={"dagster/row_count": 100, "column": "id", "null_count": 2, "min": 1, "max": 9.5})
    assert sent(quality_metrics(event, None)) == {
        "rowCount": 100,
        "columnMetrics": {"id": {"nullCount": 2, "min": 1, "max": 9.5}},
    }


def test_rows_without_columns_are_metrics_and_columns_without_a_name_are_not():
    assert sent(quality_metrics(result(metadata={"total_rows": 5}), None)) == {
        "rowCount": 5,
        "columnMetrics": {},
    }
    assert quality_metrics(result(metadata={"null_count": 5}), None) is None


def test_a_check_is_a_test_of_the_run():
    found = sent(run_facet(result(passed=False, metadata={"column": "id", "n": 1}), None))
    assert found == {
        "tests": [
            {
                "name": "no_orphans",
                "status": "fail",
                "severity": "error",
                "type": "no_orphans",
                "params": {"n": 1},
            }
        ]
    }


def test_a_number_that_nobody_can_write_is_no_number():
    check = CheckInfo(
        "marts/orders", "no_orphans", metadata={"expected": 10**5000, "row_count": 10**5000, "x": 10**5000}
    )
    assert asserted(result(), check)["expected"] == "a number too large to write"
    assert quality_metrics(result(), check) is None


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(["column", "expected", "actual", "row_count", "null_count", "min", "x"]) | st.text()


@given(st.dictionaries(KEYS, ODD))
def test_no_metadata_stops_a_facet(metadata):
    # Past the event's own cleaning: a check's metadata comes from the definitions.
    check = CheckInfo("marts/orders", "no_orphans", metadata=metadata)
    assert asserted(result(), check) and sent(run_facet(result(), check))
    metrics = quality_metrics(result(), check)
    assert metrics is None or sent(metrics)
