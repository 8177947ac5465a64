"""Edges of lineage: PUT replaces what an edge says, and a reader walks along them."""

from __future__ import annotations

import copy
from typing import Any

from . import columns, links, patching
from .catalog import Catalog
from .errors import ApiError, bad_request
from .permissions import Principal
from .shapes import lineage_details
from .store import Edge, Json, now

_SOURCE = "Manual"


def add(
    catalog: Catalog, start: Json, end: Json, details: Json | None, by: Principal, text: str | None = None
) -> None:
    """Write the edge between two references; nothing that it said before is left."""
    store = catalog.store
    for reference in (start, end):
        catalog.permissions.check(by, "EditLineage", reference["type"])
    start, end = links.resolve(store, start), links.resolve(store, end)
    before = store.edges.get((start["id"], end["id"]))
    made = {"createdAt": now(), "createdBy": by.name} if before is None else _made(before)
    full = {"source": _SOURCE, **_checked(catalog, start, end, details or {}), **made}
    full.update(updatedAt=now(), updatedBy=by.name)
    store.edges[start["id"], end["id"]] = Edge(start["type"], start["id"], end["type"], end["id"], full, text)


def _made(edge: Edge) -> Json:
    return {key: edge.details[key] for key in ("createdAt", "createdBy") if key in edge.details}


def _checked(catalog: Catalog, start: Json, end: Json, details: Json) -> Json:
    """The details with the pipeline in full; every column is one of the two entities'."""
    full = copy.deepcopy(details)
    if full.get("pipeline") is not None:
        full["pipeline"] = links.resolve(catalog.store, full["pipeline"])
    for each in full.get("columnsLineage") or []:
        for column in each.get("fromColumns") or []:
            _check_column(catalog, start, column)
        if each.get("toColumn") is not None:
            _check_column(catalog, end, each["toColumn"])
    return full


def _check_column(catalog: Catalog, reference: Json, fqn: str) -> None:
    entity = catalog.store.by_id(reference["type"], reference["id"])
    if fqn not in {column["fullyQualifiedName"] for column in columns.walk(entity.get("columns") or [])}:
        raise bad_request(f"Invalid column name {fqn}")


def edge(catalog: Catalog, from_id: str, to_id: str) -> Json:
    """What the edge says, which is all that the server tells of it."""
    found = catalog.store.edges.get((from_id, to_id))
    if found is None:
        raise ApiError(404, f"Lineage edge not found between {from_id} and  {to_id}")
    return {"edge": copy.deepcopy(found.details)}


def patch(catalog: Catalog, start: Json, end: Json, operations: Any, by: Principal) -> Json:
    """Change what an edge says, and leave the rest."""
    for reference in (start, end):
        catalog.permissions.check(by, "EditLineage", reference["type"])
    start, end = links.resolve(catalog.store, start), links.resolve(catalog.store, end)
    found = catalog.store.edges.get((start["id"], end["id"]))
    if found is None:
        between = f"{start['type']} {start['id']} and {end['type']} {end['id']}"
        raise ApiError(404, f"Lineage edge not found between {between}")
    patched = patching.apply(found.details, operations)
    lineage_details(catalog.major)(patched, "")
    found.details = {**_checked(catalog, start, end, patched), "updatedAt": now(), "updatedBy": by.name}
    return copy.deepcopy(found.details)


def remove(catalog: Catalog, start: Json, end: Json, by: Principal) -> None:
    for reference in (start, end):
        catalog.permissions.check(by, "EditLineage", reference["type"])
    if catalog.store.edges.pop((start["id"], end["id"]), None) is None:
        raise ApiError(404, "Lineage edge not found")


def graph(catalog: Catalog, kind: str, entity: Json, *, up: int, down: int) -> Json:
    """What is so many edges before an entity, and what after it."""
    nodes: dict[str, Json] = {}
    return {
        "entity": catalog.store.reference(kind, entity),
        "upstreamEdges": _walk(catalog, entity["id"], up, nodes, forward=False),
        "downstreamEdges": _walk(catalog, entity["id"], down, nodes, forward=True),
        "nodes": list(nodes.values()),
    }


def _walk(catalog: Catalog, id_: str, depth: int, nodes: dict[str, Json], *, forward: bool) -> list[Json]:
    if depth == 0:
        return []
    found = []
    for each in catalog.store.edges.values():
        here, there = (each.from_id, each.to_id) if forward else (each.to_id, each.from_id)
        if here == id_:
            kind = each.to_kind if forward else each.from_kind
            nodes[there] = catalog.store.reference(kind, catalog.store.by_id(kind, there, "all"))
            found.append(_shown(each))
            found += _walk(catalog, there, depth - 1, nodes, forward=forward)
    return found


def _shown(each: Edge) -> Json:
    return {
        "fromEntity": each.from_id,
        "toEntity": each.to_id,
        "lineageDetails": copy.deepcopy(each.details),
    }
