"""Values at times: the runs of a pipeline, the profiles of a table, the results of a test."""

from __future__ import annotations

import copy
import uuid

from . import columns, views
from .catalog import Catalog
from .errors import already_exists, bad_request
from .permissions import Principal
from .store import Json


def add_statuses(catalog: Catalog, fqn: str, statuses: list[Json], by: Principal) -> Json:
    """Runs of a pipeline; the time of one is its key, and a second one of that time replaces the first."""
    catalog.permissions.check(by, "EditStatus", "pipeline")
    pipeline = catalog.store.by_name("pipeline", fqn)
    known = {task["name"] for task in pipeline.get("tasks") or []}
    for status in statuses:
        for task in status.get("taskStatus") or []:
            if task["name"] not in known:
                raise bad_request(f"Invalid task name {task['name']}")
    for status in statuses:
        _insert(catalog, views.STATUS, pipeline["fullyQualifiedName"], status)
    latest = catalog.store.latest(views.STATUS, pipeline["fullyQualifiedName"])
    return {**catalog.shown("pipeline", pipeline), **({"pipelineStatus": latest} if latest else {})}


def add_profiles(catalog: Catalog, id_: str, body: Json, by: Principal) -> Json:
    """Profiles of a table and of its columns, one within another as parent.child."""
    catalog.permissions.check(by, "EditDataProfile", "table")
    table = catalog.store.by_id("table", id_)
    named = [(_column(table, each), each) for each in body.get("columnProfile") or []]
    _insert(catalog, views.TABLE_PROFILE, table["fullyQualifiedName"], body["tableProfile"])
    for column, profile in named:
        _insert(catalog, views.COLUMN_PROFILE, column["fullyQualifiedName"], profile)
    return {**catalog.shown("table", table), "profile": body["tableProfile"]}


def _column(table: Json, profile: Json) -> Json:
    found = columns.find(table["columns"], profile["name"])
    if found is None:
        raise bad_request(f"Invalid column name {profile['name']}")
    return found


def _insert(catalog: Catalog, extension: str, fqn: str, value: Json) -> None:
    catalog.store.points(extension, fqn)[value["timestamp"]] = copy.deepcopy(value)


def latest_profile(catalog: Catalog, fqn: str) -> Json:
    """The table with its newest profile, and that of each column."""
    table = catalog.store.by_name("table", fqn)
    return views.view(catalog.store, "table", table, frozenset({"profile"}))


def add_result(catalog: Catalog, fqn: str, body: Json, by: Principal) -> Json:
    """A result of a test; a time has one result, and a second one is a conflict."""
    case = catalog.store.by_name("testCase", fqn, "all")
    catalog.permissions.check(by, "EditTests", "testCase")
    points = catalog.store.points(views.RESULT, case["fullyQualifiedName"])
    if body["timestamp"] in points:
        raise already_exists()
    result = {
        key: value for key, value in body.items() if key not in ("fqn", "dimensionResults", "incidentId")
    }
    result.update(id=str(uuid.uuid4()), testCaseFQN=case["fullyQualifiedName"])
    if body["testCaseStatus"] == "Failed":
        result["incidentId"] = _incident(catalog, case)
    points[body["timestamp"]] = result
    return copy.deepcopy(result)


def _incident(catalog: Catalog, case: Json) -> str:
    """The open incident of a test, or a new one: failures in a row are one."""
    newest = catalog.store.latest(views.RESULT, case["fullyQualifiedName"]) or {}
    return newest.get("incidentId") or str(uuid.uuid4())
