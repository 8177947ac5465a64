"""What an answer shows of an entity."""

from __future__ import annotations

import copy
from typing import Any

from . import columns
from .inheriting import inherited
from .kinds import KINDS
from .shapes import LISTS, created_fields
from .store import Store

Json = dict[str, Any]
STATUS, RESULT = "pipeline.pipelineStatus", "testCase.testCaseResult"
TABLE_PROFILE, COLUMN_PROFILE = "table.tableProfile", "table.columnProfile"


def whole(store: Store, kind: str, entity: Json) -> Json:
    """All that is kept of it, as the answer to a write."""
    shown = copy.deepcopy(entity)
    shown["href"] = store.href(KINDS[kind], entity)
    return shown


def view(store: Store, kind: str, entity: Json, fields: frozenset[str]) -> Json:
    """What a reader sees who asked for these fields."""
    asked = KINDS[kind].asked
    shown = {
        key: value for key, value in whole(store, kind, entity).items() if key not in asked or key in fields
    }
    for column in columns.walk(shown.get("columns") or []):
        _show_column(store, column, fields)
    for task in shown.get("tasks") or []:
        _hide(task, fields, "tags", "owners")
    for field in fields & LISTS & created_fields(kind):
        # Who asks is told that there are none, which a PATCH can then add to.
        shown[field] = copy.deepcopy(inherited(store, kind, entity, field))
    for field in fields & _COMPUTED.keys():
        value = _COMPUTED[field](store, entity)
        if value is not None:
            shown[field] = value
    return shown


def _hide(part: Json, fields: frozenset[str], *names: str) -> None:
    for name in names:
        if name not in fields:
            part.pop(name, None)


def _show_column(store: Store, column: Json, fields: frozenset[str]) -> None:
    _hide(column, fields, "tags", "extension", "customMetrics")
    profile = store.latest(COLUMN_PROFILE, column["fullyQualifiedName"]) if "profile" in fields else None
    if profile is not None:
        column["profile"] = profile


def _status(store: Store, entity: Json) -> Json | None:
    return store.latest(STATUS, entity["fullyQualifiedName"])


def _profile(store: Store, entity: Json) -> Json | None:
    return store.latest(TABLE_PROFILE, entity["fullyQualifiedName"])


def _result(store: Store, entity: Json) -> Json | None:
    return store.latest(RESULT, entity["fullyQualifiedName"])


def _suite(store: Store, entity: Json) -> Json | None:
    if "testSuite" in entity:
        return copy.deepcopy(entity["testSuite"])
    suite = store.find("testSuite", f"{entity['fullyQualifiedName']}.testSuite")
    return None if suite is None else store.reference("testSuite", suite)


def _suites(store: Store, entity: Json) -> list[Json]:
    return [whole(store, "testSuite", store.by_id("testSuite", entity["testSuite"]["id"], "all"))]


def _tests(store: Store, entity: Json) -> list[Json]:
    cases = (case for case in store.all("testCase") if case["testSuite"]["id"] == entity["id"])
    return [store.reference("testCase", case) for case in cases]


def _schemas(store: Store, entity: Json) -> list[Json]:
    return [store.reference(kind, child) for kind, child in store.children("database", entity)]


def _tables(store: Store, entity: Json) -> list[Json]:
    return [store.reference(kind, child) for kind, child in store.children("databaseSchema", entity)]


_COMPUTED = {
    "pipelineStatus": _status,
    "profile": _profile,
    "testCaseResult": _result,
    "testSuite": _suite,
    "testSuites": _suites,
    "tests": _tests,
    "databaseSchemas": _schemas,
    "tables": _tables,
}
