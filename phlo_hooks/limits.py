"""Keep an event within its size: cut what is largest, and say what was cut."""

from __future__ import annotations

import json
from typing import Any

from phlo_hooks.envelope import HookEvent

MAX_BYTES = 256 * 1024

# What tells one event from another, and where it belongs, is never cut.
_KEPT = frozenset({"event_id", "event_type", "version", "timestamp", "producer", "correlation", "truncated"})
_KEPT_TEXT = 200


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
    value = body[name]
    if isinstance(value, dict) and value:
        key = max(value, key=lambda key: _size(value[key]))
        if isinstance(value[key], dict) and value[key]:
            return f"{name}.{_cut_largest(value, excess)}"
        value[key] = _shorter(value[key], excess)
        return f"{name}.{key}"
    body[name] = _shorter(value, excess)
    return name


def _shorter(value: Any, excess: int) -> Any:
    if isinstance(value, list):
        kept = list(value)
        while kept and excess > 0:
            excess -= _size(kept.pop()) + 1
        return kept
    if isinstance(value, str):
        # Cut by characters: in the worst case each is one byte, so this always takes enough.
        return value[: max(_KEPT_TEXT, len(value) - excess)] if len(value) > _KEPT_TEXT else ""
    return f"[cut: {_size(value)} bytes]"
