"""What the server keeps: entities, the edges between them, and series of values at times."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import fqn as names
from .errors import not_found
from .kinds import KINDS, Kind

Json = dict[str, Any]
INCLUDES = ("non-deleted", "deleted", "all")


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass
class Edge:
    """Lineage from one entity to another."""

    from_kind: str
    from_id: str
    to_kind: str
    to_id: str
    details: Json
    description: str | None = None


@dataclass
class Store:
    """All of it; entities are kept whole, with owners, tags and columns."""

    base: str
    entities: dict[str, dict[str, Json]] = field(default_factory=lambda: {name: {} for name in KINDS})
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    series: dict[tuple[str, str], dict[int, Json]] = field(default_factory=dict)

    def all(self, kind: str) -> Iterator[Json]:
        return iter(self.entities[kind].values())

    def keep(self, kind: str, entity: Json) -> None:
        self.entities[kind][entity["id"]] = entity

    def find(self, kind: str, fqn: str) -> Json | None:
        """The entity of that name, deleted or not."""
        return next((e for e in self.all(kind) if same_name(kind, e["fullyQualifiedName"], fqn)), None)

    def by_name(self, kind: str, fqn: str, include: str = "non-deleted") -> Json:
        entity = self.find(kind, fqn)
        if entity is None or not _included(entity, include):
            raise not_found(kind, fqn)
        return entity

    def by_id(self, kind: str, id_: str, include: str = "non-deleted") -> Json:
        entity = self.entities[kind].get(id_)
        if entity is None or not _included(entity, include):
            raise not_found(kind, id_)
        return entity

    def href(self, kind: Kind, entity: Json) -> str:
        return f"{self.base}/{kind.collection}/{entity['id']}"

    def reference(self, kind: str, entity: Json) -> Json:
        """How another entity's answer speaks of this one."""
        shown = ("id", "name", "fullyQualifiedName", "displayName", "description")
        reference = {key: entity[key] for key in shown if entity.get(key) is not None}
        return {
            **reference,
            "type": kind,
            "deleted": entity.get("deleted", False),
            "href": self.href(KINDS[kind], entity),
        }

    def children(self, kind: str, entity: Json) -> Iterator[tuple[str, Json]]:
        """What goes when this goes."""
        for child in KINDS.values():
            if child.parent and child.parent[1] == kind:
                field_ = child.parent[0]
                for each in list(self.all(child.name)):
                    if each.get(field_, {}).get("id") == entity["id"]:
                        yield child.name, each
        if kind == "table":
            prefix = entity["fullyQualifiedName"]
            for case in list(self.all("testCase")):
                if case["entityFQN"] == prefix or case["entityFQN"].startswith(f"{prefix}."):
                    yield "testCase", case

    def points(self, extension: str, fqn: str) -> dict[int, Json]:
        """The values of a series by their time."""
        return self.series.setdefault((extension, fqn), {})

    def between(self, extension: str, fqn: str, start: int, end: int) -> list[Json]:
        """The values from one time to another, the newest first."""
        points = self.points(extension, fqn)
        return [copy.deepcopy(points[at]) for at in sorted(points, reverse=True) if start <= at <= end]

    def latest(self, extension: str, fqn: str) -> Json | None:
        points = self.points(extension, fqn)
        return copy.deepcopy(points[max(points)]) if points else None


def same_name(kind: str, left: str, right: str) -> bool:
    """The names of users and teams do not mind their case; all others do."""
    if kind == "user":
        left, right = left.lower(), right.lower()
    return left == right or names.same(left, right)


def _included(entity: Json, include: str) -> bool:
    return include == "all" or entity.get("deleted", False) == (include == "deleted")
