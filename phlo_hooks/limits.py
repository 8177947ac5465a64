"""Keep an event within its size: cut what is largest, and say what was cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from phlo_hooks.envelope import SHARED_FIELDS, HookEvent

MAX_BYTES = 256 * 1024

# What tells one event from another, and where it belongs, is never cut.
_KEPT = frozenset(
    {"event_id", "event_type", "version", "timestamp", "producer", "correlation", "truncated", *SHARED_FIELDS}
)
_KEPT_TEXT = 200
# Whoever holds less than this part of the whole is not worth cutting alone: then entries go, the last first.
_LARGE_PART = 8


def bounded(event: HookEvent, limit: int = MAX_BYTES) -> HookEvent:
    """`event`, or one like it whose largest values are cut so that it serialises to at most `limit` bytes.

    What was cut is listed in `truncated`, as paths such as `metadata.preview`.
    """
    text = event.to_json()
    # Most events are a hundredth of the limit, and no character takes more than 4 bytes.
    if len(text) * 4 <= limit or len(text.encode()) <= limit:
        return event
    body = json.loads(text)
    cut: list[str] = []
    while (before := _size(body)) > (room := limit - _size(cut) - 64):
        cut.append(_cut_largest(body, before - room + 1024))
        if _size(body) >= before:
            break
    body["truncated"] = sorted({*event.truncated, *cut})
    return HookEvent.from_dict(body)


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _cut_largest(body: dict[str, Any], excess: int) -> str:
    """Shorten the largest value in `body` by about `excess` bytes; return its path."""
    name = max((key for key in body if key not in _KEPT), key=lambda key: _size(body[key]))
    return ".".join(str(part) for part in _cut(body, name, excess))


def _cut(parent: Any, key: Any, excess: int) -> Iterator[Any]:
    yield key
    value = parent[key]
    inner = _large_part(value)
    if inner is None:
        parent[key] = _shorter(value, excess)
    else:
        yield from _cut(value, inner, excess)


def _large_part(value: Any) -> Any:
    """The key or index of what makes up most of `value`; None when nothing sticks out."""
    if isinstance(value, dict):
        candidates = list(value)
    elif isinstance(value, list):
        # A list in a list may be a pair, which has to stay one.
        candidates = [index for index, item in enumerate(value) if isinstance(item, (dict, str))]
    else:
        return None
    largest = max(candidates, key=lambda key: _size(value[key]), default=None)
    if largest is None or _size(value[largest]) * _LARGE_PART < _size(value):
        return None
    return largest if _size(value[largest]) > _KEPT_TEXT else None


def _shorter(value: Any, excess: int) -> Any:
    if isinstance(value, list):
        kept = list(value)
        while kept and excess > 0:
            excess -= _size(kept.pop()) + 1
        return kept
    if isinstance(value, dict):
        kept_items = dict(value)
        while kept_items and excess > 0:
            excess -= _size(dict([kept_items.popitem()])) - 1
        return kept_items
    if isinstance(value, str):
        # A character takes one to six bytes; the average is near enough, since whoever calls measures again.
        kept_part = max(0.0, 1 - excess / _size(value))
        return value[: max(_KEPT_TEXT, int(len(value) * kept_part))] if len(value) > _KEPT_TEXT else ""
    return value if _size(value) <= _KEPT_TEXT else f"[cut: {_size(value)} bytes]"
