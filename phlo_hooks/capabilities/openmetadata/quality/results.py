"""What a check found, as a result of its test case.

Source: createTestCaseResult.json of OpenMetadata, and its `TestCaseResultResource`: one result for each test
case and millisecond. The route is there since 1.6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from phlo_hooks.capabilities.openmetadata.client import ConflictError, OpenMetadataClient
from phlo_hooks.errors import PermanentError
from phlo_hooks.events import QualityResultEvent

FAILED_ROWS = ("failed_rows", "dagster_dbt/failed_row_count", "failed_row_count", "failing_rows")
PASSED_ROWS = ("passed_rows", "passed_row_count")
ALL_ROWS = ("total_rows", "row_count", "dagster/partition_row_count", "dagster/row_count")
_ROUTE = "/dataQuality/testCases/testCaseResults"
# What a chart and a database can hold.
_MOST_VALUES = 50
_LARGEST = 2**53
_LONGEST = 4_000
# So many results of one test case may be of the same instant, as those of the partitions of one run.
_SPAN = 1_000
_TRIES = 3


def result(event: QualityResultEvent, page: str | None) -> dict[str, Any]:
    """The request that adds a result.

    Args:
        event: the check's.
        page: URL of the Dagster UI.
    """
    return {
        # Of seconds it makes results of 1970, without a word.
        "timestamp": round(event.timestamp.timestamp() * 1000),
        "testCaseStatus": _status(event),
        "result": "\n".join(_lines(event, page))[:_LONGEST],
        "testResultValue": _values(event.metadata),
        **_rows(event.metadata),
    }


@dataclass(frozen=True)
class Results:
    """The results of one test case.

    Args:
        fqn: of the test case.
    """

    client: OpenMetadataClient
    fqn: str

    def add(self, body: Mapping[str, Any], about: str) -> None:
        """Add a result, unless it is there. Two that are of one millisecond get one each.

        Args:
            body: as of `result`.
            about: the check and asset, for errors.

        Raises:
            PermanentError: the server refuses it.
        """
        for last in (False,) * (_TRIES - 1) + (True,):
            at = self._free(body)
            if at is None:
                return
            try:
                self.client.write("POST", self._path, {**body, "timestamp": at}, f"test result, {about}")
                return
            except (ConflictError, PermanentError):
                # Somebody else has taken the millisecond, perhaps with this very result.
                if last or at not in self._there(at):
                    raise

    def _free(self, body: Mapping[str, Any]) -> int | None:
        """The first millisecond from its own on that has no result; None where this one is there."""
        at = int(body["timestamp"])
        there = self._there(at)
        while at in there:
            if _said(there[at]) == _said(body):
                return None
            at += 1
        return at

    def _there(self, at: int) -> dict[int, Mapping[str, Any]]:
        found = self.client.read(self._path, {"startTs": at - 1, "endTs": at + _SPAN})
        return {each["timestamp"]: each for each in (found or {}).get("data") or ()}

    @property
    def _path(self) -> str:
        return f"{_ROUTE}/{quote(self.fqn, safe='')}"


def _said(body: Mapping[str, Any]) -> tuple[Any, ...]:
    values = [(each.get("name"), each.get("value")) for each in body.get("testResultValue") or ()]
    return body.get("testCaseStatus"), body.get("result"), values


def _status(event: QualityResultEvent) -> str:
    if event.passed is None:
        return "Aborted"
    return "Success" if event.passed else "Failed"


def _lines(event: QualityResultEvent, page: str | None) -> Iterator[str]:
    if event.passed is None:
        yield f"Crashed: {event.error}" if event.error else "Crashed, and gave no result"
    else:
        yield event.description or ("Passed" if event.passed else "Failed")
    if event.passed is False:
        yield f"Severity: {event.severity or 'ERROR'}"
    if event.partition_key:
        yield f"Partition: {event.partition_key}"
    if event.run_id:
        yield f"Dagster run: {page}/runs/{event.run_id}" if page else f"Dagster run: {event.run_id}"


def _values(metadata: Mapping[str, Any]) -> list[dict[str, str]]:
    numbers = ((key, value) for key, value in metadata.items() if _is_number(value))
    return [{"name": key, "value": str(value)} for key, value in numbers][:_MOST_VALUES]


def _rows(metadata: Mapping[str, Any]) -> dict[str, float]:
    """Passed and failed rows, and their percentages where the metadata gives all of them."""
    failed, passed, whole = (_count(metadata, keys) for keys in (FAILED_ROWS, PASSED_ROWS, ALL_ROWS))
    if whole is None and None not in (failed, passed):
        whole = (failed or 0) + (passed or 0)
    if whole is not None and passed is None and failed is not None and failed <= whole:
        passed = whole - failed
    if whole is not None and failed is None and passed is not None and passed <= whole:
        failed = whole - passed
    known = {"passedRows": passed, "failedRows": failed}
    shares = {f"{name}Percentage": _share(count, whole) for name, count in known.items()}
    return {name: value for name, value in {**known, **shares}.items() if value is not None}


def _share(count: int | None, whole: int | None) -> float | None:
    return round(100 * count / whole, 6) if count is not None and whole and count <= whole else None


def _count(metadata: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    found = (metadata[key] for key in keys if _is_number(metadata.get(key)))
    return next((int(value) for value in found if value == int(value) and 0 <= value <= _LARGEST), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
