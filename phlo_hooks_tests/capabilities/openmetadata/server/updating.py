"""What becomes of an entity when a request says how it shall be, by the rules of the server's EntityUpdater."""

from __future__ import annotations

import copy
from typing import Any

from . import columns, links
from .errors import bad_request
from .shapes import created_fields
from .store import Store

Json = dict[str, Any]
# What a bot does not overwrite with PUT once somebody has filled it in: that takes a PATCH.
_NOT_BY_BOTS = ("description", "extension", "domains")
# What PUT leaves as it is when the request does not speak of it; it clears all else, a display name too.
_KEPT = (
    "owners",
    "domains",
    "extension",
    "connection",
    "lifeCycle",
    "dataModel",
    "tableProfilerConfig",
    "style",
    "provider",
)
_STAMPS = ("version", "updatedAt", "updatedBy", "changeDescription")


def by_put(store: Store, original: Json, built: Json, kind: str, *, bot: bool) -> tuple[Json, bool]:
    """The entity after PUT, and whether the change is one that breaks readers."""
    asked = created_fields(kind)
    updated = {key: copy.deepcopy(value) for key, value in original.items() if key not in asked} | built
    for key in _KEPT:
        if not updated.get(key) and original.get(key):
            updated[key] = copy.deepcopy(original[key])
    if bot:
        for key in _NOT_BY_BOTS:
            if original.get(key):
                updated[key] = copy.deepcopy(original[key])
    if updated.get("dataProducts") and not updated.get("domains"):
        raise bad_request("Domain cannot be empty when data products are provided.")
    if original.get("tags") or updated.get("tags"):
        links.merge_labels(store, original, updated)
    _update_tasks(store, original, updated, bot=bot)
    return updated, _update_columns(store, original, updated, bot=bot)


def _update_tasks(store: Store, original: Json, updated: Json, *, bot: bool) -> None:
    """The request lists all tasks: one that it leaves out is gone."""
    there = {task["name"]: task for task in original.get("tasks") or []}
    for task in updated.get("tasks") or []:
        old = there.get(task["name"], {})
        if bot and old.get("description"):
            task["description"] = old["description"]
        links.merge_labels(store, old, task)


def _update_columns(store: Store, original: Json, updated: Json, *, bot: bool) -> bool:
    if "columns" not in updated:
        return False

    def merge_tags(old: Json, new: Json) -> None:
        links.merge_labels(store, old, new)

    return columns.merge(original["columns"], updated["columns"], bot=bot, merge_tags=merge_tags)


def by_patch(store: Store, original: Json, patched: Json, kind: str) -> Json:
    """The entity after PATCH: what cannot be changed is put back, and references are read anew."""
    if patched.get("deleted") and not original.get("deleted"):
        raise bad_request(f"{kind} attribute deleted can't be modified")
    fixed = ("id", "name", "fullyQualifiedName", "href", *_STAMPS, "service", "database", "databaseSchema")
    updated = {**patched, **{key: original[key] for key in fixed if key in original}}
    updated["deleted"] = False
    if "owners" in updated:
        updated["owners"] = links.owners(store, updated["owners"])
    if "tags" in updated:
        updated["tags"] = links.labels(store, updated["tags"])
    for column in columns.walk(updated.get("columns") or []):
        column["tags"] = links.labels(store, column.get("tags") or [])
    if "columns" in updated:
        columns.validate(updated["columns"])
        columns.name(updated["fullyQualifiedName"], updated["columns"])
    return updated


def same(original: Json, updated: Json) -> bool:
    """Whether nothing that counts is otherwise."""
    return _content(original) == _content(updated)


def stamp(base: Json, updated: Json, *, major: bool, by: str, at: int) -> None:
    """Count the version up from that of the base; what is as it was there has its version again."""
    updated.update(updatedAt=at, updatedBy=by)
    if same(base, updated):
        updated["version"] = base["version"]
    else:
        updated["version"] = round(base["version"] + (1.0 if major else 0.1), 1)


def lost_columns(original: Json, updated: Json) -> set[str]:
    """The names of the columns that are gone."""
    before, after = (
        {column["fullyQualifiedName"] for column in columns.walk(entity.get("columns") or [])}
        for entity in (original, updated)
    )
    return before - after


def _content(entity: Json) -> Json:
    """What counts: neither stamps, nor the difference between nothing and an empty list."""
    return {
        key: _bare(value) for key, value in entity.items() if key not in _STAMPS and _bare(value) is not None
    }


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(each) for key, each in value.items() if _bare(each) is not None} or None
    if isinstance(value, list):
        return [_bare(each) for each in value] or None
    return value
