"""What an entity refers to: owners, tags, domains, and the thing that an entity link names."""

from __future__ import annotations

import itertools
import re
from typing import Any

from . import columns, fqn as names
from .errors import bad_request, not_found
from .kinds import KINDS
from .store import Store

Json = dict[str, Any]
_LINK = re.compile(r"^<#E::(\w+)::(.+?)(?:::columns::(.+?))?>$")


def owners(store: Store, references: list[Json]) -> list[Json]:
    """The owners in full: one team, or users, and each of them there; those of a parent are passed over."""
    references = [reference for reference in references if not reference.get("inherited")]
    kinds = [reference["type"] for reference in references]
    if kinds.count("team") > 1:
        raise bad_request("Only One Team is allowed to own Data Assets.")
    if "team" in kinds and "user" in kinds:
        raise bad_request("Data Assets can have up to 5 users or a Team but not both as owners.")
    return [owner(store, reference) for reference in references]


def owner(store: Store, reference: Json) -> Json:
    if reference["type"] not in ("user", "team"):
        raise bad_request(
            f"Entity of type {reference['type']} can't be the owner. "
            "Only Team of type Group or a User can own entities."
        )
    entity = store.by_id(reference["type"], reference["id"])
    if entity.get("teamType", "Group") != "Group":
        raise bad_request(
            f"Team of type {entity['teamType']} can't own entities. Only Team of type Group can own entities."
        )
    return store.reference(reference["type"], entity)


def resolve(store: Store, reference: Json, include: str = "non-deleted") -> Json:
    """A reference in full, of an entity that is there."""
    if reference["type"] not in KINDS:
        raise bad_request(f"Entity type {reference['type']} not found")
    return store.reference(reference["type"], store.by_id(reference["type"], reference["id"], include))


def named(store: Store, kind: str, fqns: list[str]) -> list[Json]:
    return [store.reference(kind, store.by_name(kind, fqn)) for fqn in fqns]


def labels(store: Store, given: list[Json]) -> list[Json]:
    """Tag labels in full; the tags must be there, and must go together."""
    full = [_label(store, label) for label in given]
    check_exclusive(store, full)
    return sorted(full, key=lambda label: label["tagFQN"])


def _label(store: Store, label: Json) -> Json:
    tag = store.by_name("tag" if label["source"] == "Classification" else "glossaryTerm", label["tagFQN"])
    shown = {
        key: tag[key] for key in ("name", "displayName", "description", "style") if tag.get(key) is not None
    }
    return {**label, **shown, "tagFQN": tag["fullyQualifiedName"]}


def check_exclusive(store: Store, labels_: list[Json]) -> None:
    """Two tags of a classification in which one alone may be set do not go together."""
    for left, right in itertools.combinations(labels_, 2):
        parent = names.parent(left["tagFQN"])
        group = store.find("classification", parent) or {}
        if group.get("mutuallyExclusive") and parent == names.parent(right["tagFQN"]):
            raise bad_request(
                f"Tag labels {left['tagFQN']} and {right['tagFQN']} are mutually exclusive "
                "and can't be assigned together"
            )


def merge_labels(store: Store, original: Json, updated: Json) -> None:
    """What PUT does: the tags that are there stay, and those of the request join them."""
    new = updated.get("tags") or []
    there = {label["tagFQN"] for label in new}
    merged = [*new, *(label for label in original.get("tags") or [] if label["tagFQN"] not in there)]
    check_exclusive(store, merged)
    updated["tags"] = sorted(merged, key=lambda label: label["tagFQN"])


def parse(link: str) -> tuple[str, str, str | None]:
    """The kind, the name and perhaps the column of an entity link."""
    match = _LINK.match(link)
    if match is None:
        raise bad_request(f"Entity link {link} is invalid")
    kind, fqn, column = match.groups()
    return kind, fqn, column


def target(store: Store, link: str, include: str = "non-deleted") -> tuple[Json, str]:
    """The table that an entity link names, and the name of the table or of the column."""
    kind, fqn, column = parse(link)
    if kind != "table":
        raise bad_request(f"Entity link {link} is not of a table")
    table = store.by_name("table", fqn, include)
    if column is None:
        return table, table["fullyQualifiedName"]
    for each in columns.walk(table["columns"]):
        if names.same(each["fullyQualifiedName"], f"{table['fullyQualifiedName']}.{names.quote(column)}"):
            return table, each["fullyQualifiedName"]
    raise not_found("column", f"{table['fullyQualifiedName']}.{column}")
