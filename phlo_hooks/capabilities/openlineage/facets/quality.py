"""What a check found, as the facets of the dataset that it looked at and of the run that it ran in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openlineage.client.generated.data_quality_assertions_dataset import (
    Assertion,
    DataQualityAssertionsDatasetFacet,
)
from openlineage.client.generated.data_quality_metrics_input_dataset import (
    ColumnMetrics,
    DataQualityMetricsInputDatasetFacet,
)
from openlineage.client.generated.test_run import TestExecution, TestRunFacet

from phlo_hooks.assets import CheckInfo
from phlo_hooks.capabilities.openlineage.facets.values import count, first, number, text, words
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.dbt_tests import GenericTest, generic_test
from phlo_hooks.events import QualityResultEvent

_COLUMN = ("dagster/column", "column", "column_name", "dagster/column_name")
_EXPECTED = ("expected", "expected_value", "threshold")
_ACTUAL = (
    "actual",
    "actual_value",
    "observed",
    "observed_value",
    "failed_rows",
    "dagster_dbt/failed_row_count",
)
_ROWS = ("dagster/partition_row_count", "dagster/row_count", "row_count", "total_rows")
_NULLS = ("null_count", "nulls")
_DISTINCT = ("distinct_count", "unique_count")
_BYTES = ("dagster/size_bytes", "size_bytes", "bytes")
# What else a metadata has is for people, and stays in Dagster: a table of rows is no parameter.
_MOST_PARAMS = 20
_LONGEST_PARAM = 200
# Dagster's severities are WARN and ERROR; of Phlo's others, one is no more than the first.
_SEVERITIES = {"INFO": "warn", "WARN": "warn", "ERROR": "error", "CRITICAL": "error"}


def assertion(event: QualityResultEvent, check: CheckInfo | None) -> Assertion:
    """One check's result. A check that crashed did not succeed.

    Args:
        check: as the definitions have it, whose metadata fills in for the event's.
    """
    metadata = _metadata(event, check)
    return Assertion(
        assertion=_kind(event),
        success=event.passed is True,
        column=_column(event, metadata),
        severity=_severity(event),
        name=event.check_name,
        description=_description(event, check),
        expected=text(first(metadata, *_EXPECTED)),
        actual=text(first(metadata, *_ACTUAL)),
        params=_params(metadata),
    )


def assertions_facet(assertions: Iterable[Assertion]) -> DataQualityAssertionsDatasetFacet | None:
    """All results about one dataset; None where there are none."""
    results = list(assertions)
    return DataQualityAssertionsDatasetFacet(results, producer=PRODUCER) if results else None


def quality_metrics(
    event: QualityResultEvent, check: CheckInfo | None
) -> DataQualityMetricsInputDatasetFacet | None:
    """What the check measured, by the metadata keys that have one meaning; None where there are none."""
    metadata = _metadata(event, check)
    column, measured = _column(event, metadata), _measured(metadata)
    columns = {column: measured} if column and measured else {}
    rows, size = count(first(metadata, *_ROWS)), count(first(metadata, *_BYTES))
    if not columns and rows is size is None:
        return None
    return DataQualityMetricsInputDatasetFacet(columns, rowCount=rows, bytes=size, producer=PRODUCER)


def test_run_facet(event: QualityResultEvent, check: CheckInfo | None) -> TestRunFacet:
    """One check's result, as a test of the run. A check that crashed failed: it was executed."""
    result = assertion(event, check)
    test = TestExecution(
        name=event.check_name,
        status="pass" if result.success else "fail",
        severity=result.severity,
        type=result.assertion,
        description=result.description,
        expected=result.expected,
        actual=result.actual,
        params=result.params,
    )
    return TestRunFacet([test], producer=PRODUCER)


def _metadata(event: QualityResultEvent, check: CheckInfo | None) -> Mapping[str, Any]:
    return {**(check.metadata if check else {}), **event.metadata}


def _kind(event: QualityResultEvent) -> str:
    """What is asserted; of a check that nobody classified, its name."""
    test = _generic_test(event)
    return test.kind if test else event.check_type or event.check_name


def _column(event: QualityResultEvent, metadata: Mapping[str, Any]) -> str | None:
    test = _generic_test(event)
    return words(first(metadata, *_COLUMN)) or (test.column if test else None)


def _generic_test(event: QualityResultEvent) -> GenericTest | None:
    return generic_test(event.check_name, event.asset_key) if event.check_type == "dbt" else None


def _severity(event: QualityResultEvent) -> str | None:
    return _SEVERITIES.get(event.severity or "")


def _description(event: QualityResultEvent, check: CheckInfo | None) -> str | None:
    return words(event.description) or words(check.description if check else None)


def _params(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    used = {*_COLUMN, *_EXPECTED, *_ACTUAL}
    small = {str(text(key)): value for key, value in metadata.items() if key not in used and _is_small(value)}
    return dict(list(small.items())[:_MOST_PARAMS]) or None


def _is_small(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_PARAM
    return isinstance(value, bool) or number(value) is not None


def _measured(metadata: Mapping[str, Any]) -> ColumnMetrics | None:
    found: dict[str, Any] = {
        "nullCount": count(first(metadata, *_NULLS)),
        "distinctCount": count(first(metadata, *_DISTINCT)),
        **{name: number(metadata.get(name)) for name in ("sum", "count", "min", "max")},
    }
    known = {name: value for name, value in found.items() if value is not None}
    return ColumnMetrics(**known, quantiles=None) if known else None
