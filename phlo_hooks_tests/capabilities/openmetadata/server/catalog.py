"""What the server does with entities: create, update, patch, delete, restore."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from . import building, edges, etags, patching, permissions, shapes, updating, views
from .errors import already_exists, bad_request
from .permissions import Permissions, Principal
from .store import Json, Store, now

_SESSION = 10 * 60 * 1000


@dataclass(frozen=True)
class Change:
    """Something that became otherwise; a write that changes nothing makes none."""

    event: str
    kind: str
    fqn: str


@dataclass
class Catalog:
    """The store, and the rules for writing to it."""

    store: Store
    major: int
    permissions: Permissions = field(default_factory=Permissions)
    changes: list[Change] = field(default_factory=list)
    _before: dict[str, Json] = field(default_factory=dict)

    def create(self, kind: str, body: Json, by: Principal, **extra: Any) -> Json:
        """POST: a new entity, and only a new one."""
        built = self._built(kind, body, extra)
        self.permissions.check(by, _operation(kind, "Create"), kind)
        if self.store.find(kind, built["fullyQualifiedName"]) is not None:
            raise already_exists()
        return self.add(kind, built, by)

    def put(self, kind: str, body: Json, by: Principal, **extra: Any) -> tuple[Json, str]:
        """PUT: the entity, and what became of it."""
        built = self._built(kind, body, extra)
        original = self.store.find(kind, built["fullyQualifiedName"])
        self.permissions.check(by, _operation(kind, "EditAll" if original else "Create"), kind)
        if original is None:
            return self.add(kind, built, by), "entityCreated"
        if original["deleted"]:
            self.restore(kind, original["id"], by)
            original = self.store.by_id(kind, original["id"])
        updated, major = updating.by_put(self.store, original, built, kind, bot=by.bot)
        return self._update(kind, original, updated, by, major=major)

    def _built(self, kind: str, body: Json, extra: Json) -> Json:
        shapes.create(kind, self.major)(body, "")
        return {**building.build(self.store, kind, body), **extra}

    def add(self, kind: str, built: Json, by: Principal) -> Json:
        """Keep what is new."""
        stamps = {"version": 0.1, "updatedAt": now(), "updatedBy": by.name}
        entity = {"id": str(uuid.uuid4()), **built, **stamps}
        if kind == "testCase":
            entity["testSuite"] = self._suite_for(entity, by)
        self.store.keep(kind, entity)
        self.changes.append(Change("entityCreated", kind, entity["fullyQualifiedName"]))
        return entity

    def _suite_for(self, case: Json, by: Principal) -> Json:
        """The basic suite of the case's table, which the server makes when there is none."""
        table, _ = building.links.target(self.store, case["entityLink"])
        fqn = table["fullyQualifiedName"]
        suite = self.store.find("testSuite", f"{fqn}.testSuite")
        if suite is None:
            body = {"name": f"{fqn}.testSuite"[:256], "basicEntityReference": fqn}
            suite = self.add("testSuite", building.build(self.store, "testSuite", body), by)
        return self.store.reference("testSuite", suite)

    def _update(
        self,
        kind: str,
        original: Json,
        updated: Json,
        by: Principal,
        *,
        major: bool = False,
        session: bool = False,
    ) -> tuple[Json, str]:
        if updating.same(original, updated):
            return original, "entityNoChange"
        base = self._base(original, by) if session else original
        updating.stamp(base, updated, major=major, by=by.name, at=now())
        self._before[original["id"]] = base
        self.store.keep(kind, updated)
        edges.forget(self.store, updating.lost_columns(original, updated))
        self.changes.append(Change("entityUpdated", kind, updated["fullyQualifiedName"]))
        return updated, "entityUpdated"

    def _base(self, original: Json, by: Principal) -> Json:
        """The version that a PATCH counts up from: patches of one user within ten minutes are one version."""
        before = self._before.get(original["id"])
        recent = original["updatedBy"] == by.name and now() - original["updatedAt"] <= _SESSION
        return before if before is not None and recent and not original["deleted"] else original

    def patch(
        self, kind: str, entity: Json, operations: Any, by: Principal, if_match: str | None = None
    ) -> tuple[Json, str]:
        """PATCH, by RFC 6902, of the whole entity."""
        for operation in permissions.of_patch(patching.paths(operations)):
            self.permissions.check(by, operation, kind)
        etags.check(if_match, entity, self.major)
        empty: Json = {name: [] for name in shapes.LISTS & shapes.created_fields(kind)}
        patched = patching.apply({**empty, **entity}, operations)
        for unknown in sorted(patched.keys() - entity.keys() - _patchable(kind)):
            raise bad_request(f'Unrecognized field "{unknown}", not marked as ignorable')
        patched = {key: value for key, value in patched.items() if value is not None}
        updated = updating.by_patch(self.store, entity, patched, kind)
        return self._update(kind, entity, updated, by, session=not if_match)

    def delete(self, kind: str, id_: str, by: Principal, *, hard: bool, recursive: bool) -> Json:
        """Mark as deleted, or take away; with what is within, or not at all while there is something."""
        entity = self.store.by_id(kind, id_, "all" if hard else "non-deleted")
        self.permissions.check(by, "Delete", kind)
        within = [(k, e) for k, e in self.store.children(kind, entity) if hard or not e["deleted"]]
        if within and not recursive:
            raise bad_request(f"{kind} is not empty")
        for child_kind, child in within:
            self.delete(child_kind, child["id"], by, hard=hard, recursive=True)
        self._take_away(kind, entity) if hard else self._mark(kind, entity, by, deleted=True)
        self.changes.append(
            Change("entityDeleted" if hard else "entitySoftDeleted", kind, entity["fullyQualifiedName"])
        )
        return entity

    def _mark(self, kind: str, entity: Json, by: Principal, *, deleted: bool) -> None:
        self._before.pop(entity["id"], None)
        version = round(entity["version"] + 0.1, 1)
        entity.update(deleted=deleted, version=version, updatedAt=now(), updatedBy=by.name)

    def _take_away(self, kind: str, entity: Json) -> None:
        del self.store.entities[kind][entity["id"]]
        for ends in [ends for ends in self.store.edges if entity["id"] in ends]:
            del self.store.edges[ends]
        for key in [key for key in self.store.series if key[1] == entity["fullyQualifiedName"]]:
            del self.store.series[key]

    def restore(self, kind: str, id_: str, by: Principal) -> Json:
        """Bring back what was marked as deleted, and what went with it."""
        entity = self.store.by_id(kind, id_, "deleted")
        for child_kind, child in self.store.children(kind, entity):
            if child["deleted"]:
                self.restore(child_kind, child["id"], by)
        self._mark(kind, entity, by, deleted=False)
        self.changes.append(Change("entityRestored", kind, entity["fullyQualifiedName"]))
        return entity

    def shown(self, kind: str, entity: Json) -> Json:
        return views.whole(self.store, kind, entity)


def _operation(kind: str, operation: str) -> str:
    """Who may edit a table's tests may write its test cases."""
    return "EditTests" if kind == "testCase" else operation


def _patchable(kind: str) -> set[str]:
    return {*shapes.created_fields(kind), "followers", "votes", "certification", "testSuite", "disabled"}
