"""Entity tags: how a PATCH finds out that somebody else was faster."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .errors import precondition_failed

Json = dict[str, Any]


def weak(entity: Json) -> str:
    return f'W/"{entity["version"]}"'


def strong(answer: Json, major: int) -> str:
    """Of an answer: from 2.0 a hash of all that it says, before that of the version and its time."""
    if major >= 2:
        text = json.dumps(answer, sort_keys=True)
    else:
        text = f"{answer['version']}-{answer.get('updatedAt')}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def check(if_match: str | None, entity: Json, major: int) -> None:
    """Refuse a write to an entity that has moved on.

    The strong tag is compared with that of the whole entity: from 2.0 the tag of a GET, which shows fewer
    fields, never fits.
    """
    if not if_match:
        return
    current = strong(entity, major)
    given = {tag.strip() for tag in if_match.split(",")}
    if not given & {"*", weak(entity), current}:
        raise precondition_failed(current)
