"""Owners and domains that an entity has from the one that it is in, as long as it has none of its own."""

from __future__ import annotations

from . import links
from .store import Json, Store

# What each kind takes from its parent.
_HEIRS = {
    "database": frozenset({"domains"}),
    "databaseSchema": frozenset({"owners", "domains"}),
    "table": frozenset({"owners", "domains"}),
    "pipeline": frozenset({"domains"}),
    "testCase": frozenset({"owners", "domains"}),
}
_PARENTS = {
    "database": ("service", "databaseService"),
    "databaseSchema": ("database", "database"),
    "table": ("databaseSchema", "databaseSchema"),
    "pipeline": ("service", "pipelineService"),
}


def inherited(store: Store, kind: str, entity: Json, field: str) -> list[Json]:
    """The references of a field, marked as inherited where they are those of a parent."""
    own = entity.get(field) or []
    if own or field not in _HEIRS.get(kind, ()):
        return own
    above_kind, above = _parent(store, kind, entity)
    return [{**each, "inherited": True} for each in inherited(store, above_kind, above, field)]


def _parent(store: Store, kind: str, entity: Json) -> tuple[str, Json]:
    if kind == "testCase":
        return "table", links.target(store, entity["entityLink"], "all")[0]
    field, above = _PARENTS[kind]
    return above, store.by_id(above, entity[field]["id"], "all")
