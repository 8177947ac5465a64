"""Edges of lineage: PUT replaces what an edge says, and a reader walks along them."""

from __future__ import annotations

import copy
from typing import Any

from . import columns, links, patching
from .bodies import lineage_details
from .catalog import Catalog
from .errors import ApiError, bad_request
from .permissions import Principal
from .store import Edge, Json, now

# From this version on, columns that are not there are passed over; before, they are refused.
_DROPS = 2


def add(
    catalog: Catalog, start: Json, end: Json, details: Json | None, by: Principal, text: str | None = None
) -> None:
    """Write the edge between two references; nothing that it said before is left, not even when it was made."""
    store = catalog.store
    for reference in (start, end):
        catalog.permissions.check(by, "EditLineage", reference["type"])
    start, end = links.resolve(store, start), links.resolve(store, end)
    full = {"source": "Manual", **_checked(catalog, start, end, details or {})}
    full.update(createdAt=now(), createdBy=by.name, updatedAt=now(), updatedBy=by.name)
    store.edges[start["id"], end["id"]] = Edge(start["type"], start["id"], end["type"], end["id"], full, text)


def _checked(catalog: Catalog, start: Json, end: Json, details: Json) -> Json:
    """The details with the pipeline in full, and with columns of the two entities alone."""
    full = copy.deepcopy(details)
    if full.get("pipeline") is not None:
        full["pipeline"] = links.resolve(catalog.store, full["pipeline"])
    if full.get("columnsLineage"):
        check = _dropped if catalog.major >= _DROPS else _refused
        sources, targets = _columns(catalog, start), _columns(catalog, end)
        full["columnsLineage"] = check(full["columnsLineage"], sources, targets)
    return full


def _columns(catalog: Catalog, reference: Json) -> set[str]:
    entity = catalog.store.by_id(reference["type"], reference["id"])
    return {column["fullyQualifiedName"] for column in columns.walk(entity.get("columns") or [])}


def _refused(given: list[Json], sources: set[str], targets: set[str]) -> list[Json]:
    """All, if all name columns that are there."""
    for each in given:
        for column in each.get("fromColumns") or []:
            if column not in sources:
                raise bad_request(f"Invalid column name {column}")
        if each.get("toColumn") not in targets:
            raise bad_request(f"Invalid column name {each.get('toColumn')}")
    return given


def _dropped(given: list[Json], sources: set[str], targets: set[str]) -> list[Json]:
    """Those that name columns that are there; of the others the answer says nothing."""
    kept = []
    for each in given:
        there = [column for column in each.get("fromColumns") or [] if column in sources]
        if there and each.get("toColumn") in targets:
            kept.append({**each, "fromColumns": there})
    return kept


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
