"""Pages of a list: a cursor is the place of an entity, and not a number of entities."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from .errors import bad_request, invalid

Json = dict[str, Any]
_MOST = 1_000_000


def limit_of(query: dict[str, str]) -> int:
    """How many a reader wants: 10 where it does not say."""
    try:
        limit = int(query.get("limit", "10"))
    except ValueError:
        raise bad_request("HTTP 404 Not Found") from None
    if not 0 <= limit <= _MOST:
        bound = f"less than or equal to {_MOST}" if limit > 0 else "greater than or equal to 0"
        raise invalid("query param limit", f"must be {bound}")
    return limit


def page(entities: list[Json], query: dict[str, str], show: Callable[[Json], Json]) -> Json:
    """The page that `limit`, `after` or `before` ask for."""
    limit, after, before = limit_of(query), query.get("after"), query.get("before")
    if after is not None and before is not None:
        raise bad_request("Only one of before or after query parameter allowed")
    entities = sorted(entities, key=_place)
    paging: Json = {"total": len(entities)}
    if limit == 0:
        return {"data": [], "paging": paging}
    start = _start(entities, limit, after, before)
    shown = entities[start : start + limit]
    if shown and start > 0:
        paging["before"] = _encode(shown[0])
    if shown and start + limit < len(entities):
        paging["after"] = _encode(shown[-1])
    return {"data": [show(entity) for entity in shown], "paging": paging}


def _start(entities: list[Json], limit: int, after: str | None, before: str | None) -> int:
    if after is not None:
        return sum(_place(entity) <= _decode(after) for entity in entities)
    if before is not None:
        return max(0, sum(_place(entity) < _decode(before) for entity in entities) - limit)
    return 0


def _place(entity: Json) -> tuple[str, str]:
    return entity["name"], entity["id"]


def _encode(entity: Json) -> str:
    name, id_ = _place(entity)
    return base64.urlsafe_b64encode(json.dumps({"name": name, "id": id_}).encode()).decode()


def _decode(cursor: str) -> tuple[str, str]:
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor))
        return place["name"], place["id"]
    except (ValueError, KeyError, TypeError):
        raise bad_request(f"Invalid cursor {cursor}") from None
