"""An entity from the request that creates it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from . import columns, fqn as names, links
from .errors import bad_request
from .store import Store

Json = dict[str, Any]
Builder = Callable[[Store, Json], Json]


def build(store: Store, kind: str, body: Json) -> Json:
    """The entity that a request describes, with every reference in full, and without an id."""
    entity = {key: copy.deepcopy(value) for key, value in body.items() if value is not None}
    _link(store, entity)
    entity.update(_BUILDERS.get(kind, _plain)(store, entity))
    if "fullyQualifiedName" not in entity:
        entity["fullyQualifiedName"] = names.quote(entity["name"])
    entity["deleted"] = False
    return entity


def _link(store: Store, entity: Json) -> None:
    if "owners" in entity:
        entity["owners"] = links.owners(store, entity["owners"])
    if "tags" in entity:
        entity["tags"] = links.labels(store, entity["tags"])
    if "domains" in entity:
        entity["domains"] = links.named(store, "domain", entity["domains"])
    if "dataProducts" in entity:
        entity["dataProducts"] = links.named(store, "dataProduct", entity["dataProducts"])


def _plain(store: Store, entity: Json) -> Json:
    return {}


def _child(store: Store, entity: Json, field: str, kind: str, include: str = "all") -> tuple[Json, Json]:
    """The parent, and what the child has from it."""
    parent = store.by_name(kind, entity[field], include)
    fqn = names.add(parent["fullyQualifiedName"], entity["name"])
    inherited = {key: parent[key] for key in ("service", "serviceType", "database") if key in parent}
    return parent, {**inherited, field: store.reference(kind, parent), "fullyQualifiedName": fqn}


def _database(store: Store, entity: Json) -> Json:
    return {"default": False, **_child(store, entity, "service", "databaseService")[1]}


def _schema(store: Store, entity: Json) -> Json:
    return _child(store, entity, "database", "database")[1]


def _table(store: Store, entity: Json) -> Json:
    _, made = _child(store, entity, "databaseSchema", "databaseSchema")
    columns.validate(entity["columns"])
    columns.name(made["fullyQualifiedName"], entity["columns"])
    for column in columns.walk(entity["columns"]):
        column["tags"] = links.labels(store, column.get("tags") or [])
    _check_constraints(entity)
    return made


def _check_constraints(entity: Json) -> None:
    there = {column["name"] for column in columns.walk(entity["columns"])}
    for constraint in entity.get("tableConstraints") or []:
        for name in constraint.get("columns") or []:
            if name not in there:
                raise bad_request(f"Invalid column name found in table constraint {name}")


def _pipeline(store: Store, entity: Json) -> Json:
    _, made = _child(store, entity, "service", "pipelineService", include="non-deleted")
    for task in entity.get("tasks") or []:
        task["fullyQualifiedName"] = names.add(made["fullyQualifiedName"], task["name"])
        task["tags"] = links.labels(store, task.get("tags") or [])
        if "owners" in task:
            task["owners"] = links.owners(store, task["owners"])
    return made


def _suite(store: Store, entity: Json) -> Json:
    """A basic suite is that of one table, whatever it is called; a logical one has its own name."""
    named = entity.pop("executableEntityReference", None)
    named = entity.get("basicEntityReference") or named
    if named is None:
        return {"basic": False, "executable": False}
    table = store.by_name("table", named)
    return {
        "basic": True,
        "executable": True,
        "basicEntityReference": store.reference("table", table),
        "fullyQualifiedName": f"{table['fullyQualifiedName']}.testSuite",
    }


def _case(store: Store, entity: Json) -> Json:
    _, about = links.target(store, entity["entityLink"])
    definition = store.by_name("testDefinition", entity["testDefinition"])
    _check_parameters(entity.get("parameterValues"), definition.get("parameterDefinition") or [])
    if definition["entityType"] == "COLUMN" and links.parse(entity["entityLink"])[2] is None:
        raise bad_request(
            "Column test case must have a field name and an array field name in the entity link. "
            "e.g. <#E::table::{entityFqn}::columns::{columnName}>"
        )
    return {
        "entityFQN": about,
        "fullyQualifiedName": names.add(about, entity["name"]),
        "testDefinition": store.reference("testDefinition", definition),
    }


def _check_parameters(values: list[Json] | None, definitions: list[Json]) -> None:
    if values is None:
        return
    if values and not definitions:
        raise bad_request("Parameter Values doesn't match Test Definition Parameters")
    given = {value.get("name"): value.get("value") for value in values}
    defined = [definition.get("name") for definition in definitions]
    for name in given:
        if name not in defined:
            raise bad_request(
                f"Parameter '{name}' is not defined in the test definition. Defined parameters are: {defined}"
            )
    for definition in definitions:
        if definition.get("required") and given.get(definition.get("name")) is None:
            raise bad_request(f"Required parameter {definition['name']} is not passed in parameterValues")


def _tag(store: Store, entity: Json) -> Json:
    entity.pop("associatedTags", None)
    parent = entity.pop("parent", None)
    made: Json = {}
    if parent is not None:
        above = store.by_name("tag", parent)
        made = {"parent": store.reference("tag", above), "classification": above["classification"]}
    elif "classification" in entity:
        above = store.by_name("classification", entity["classification"])
        made = {"classification": store.reference("classification", above)}
    else:
        raise bad_request("Either classification or parent is required to create a tag")
    return {**made, "fullyQualifiedName": names.add(above["fullyQualifiedName"], entity["name"])}


def _user(store: Store, entity: Json) -> Json:
    """A user's fully qualified name is in small letters."""
    teams = [store.reference("team", store.by_id("team", id_)) for id_ in entity.pop("teams", [])]
    return {"fullyQualifiedName": names.quote(entity["name"].lower()), "teams": teams}


def _team(store: Store, entity: Json) -> Json:
    users = [store.reference("user", store.by_id("user", id_)) for id_ in entity.pop("users", [])]
    parents = [store.reference("team", store.by_id("team", id_)) for id_ in entity.pop("parents", [])]
    return {"users": users, "parents": parents}


_BUILDERS: dict[str, Builder] = {
    "database": _database,
    "databaseSchema": _schema,
    "table": _table,
    "pipeline": _pipeline,
    "testSuite": _suite,
    "testCase": _case,
    "tag": _tag,
    "user": _user,
    "team": _team,
}
