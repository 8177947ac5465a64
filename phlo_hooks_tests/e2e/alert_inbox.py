"""Messages as they came, and the same with what differs from run to run replaced by what does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from itertools import count
from typing import Any

from phlo_hooks.capabilities.alerting.message import Fact, Kind, Link, Message, Part

WHEN = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
_FRAME = re.compile(r'File "[^"]*/(phlo_hooks_tests|site-packages|python3\.\d+)/([^"]*)", line \d+')
_LASTED = re.compile(r"\b\d+(\.\d s| min \d+ s)")
# What Python 3.11 and later write below a line, each in its own way.
_MARKS = re.compile(r"(?m)^[ ~^]*[~^]+[ ~^]*\n")


def messages(bodies: Iterable[Any]) -> list[Message]:
    """What an endpoint makes of the JSON that it was sent."""
    return [read(body) for body in bodies]


def read(body: dict[str, Any]) -> Message:
    """One message of its JSON."""
    fields = {name: value for name, value in body.items() if name in Message.__dataclass_fields__}
    parts: dict[str, Any] = {"facts": Fact, "links": Link, "parts": Part}
    fields.update({name: tuple(kind(**each) for each in fields[name]) for name, kind in parts.items()})
    fields["kind"], fields["timestamp"] = Kind(body["kind"]), datetime.fromisoformat(body["timestamp"])
    return Message(**fields)


def fixed(message: Message, backfills: Iterable[str] = ()) -> Message:
    """The same message, on whatever day, machine and Python it came about.

    Args:
        message: as it came.
        backfills: the ids that there are.
    """
    text = json.dumps(_plain(message), ensure_ascii=False)
    for name in backfills:
        text = text.replace(name, "backfill")
    plain = json.loads(_with_fixed_ids(text))
    found = read({**_walk(plain), "message_id": "message", "timestamp": WHEN.isoformat()})
    return replace(found, incident_id="incident")


def _plain(message: Message) -> dict[str, Any]:
    parts = {name: [vars(each) for each in getattr(message, name)] for name in ("facts", "links", "parts")}
    return {**vars(message), **parts, "kind": message.kind.value, "timestamp": message.timestamp.isoformat()}


def _with_fixed_ids(text: str) -> str:
    """Ids of runs and events, whole or their first eight letters, numbered as they come."""
    numbers = count(1)
    known: dict[str, str] = {}
    for found in _UUID.finditer(text):
        known.setdefault(found[0], f"{next(numbers):08}-0000-4000-8000-000000000000")
    for whole, number in known.items():
        text = text.replace(whole, number).replace(whole[:8], number[:8])
    return text


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _walk(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_walk(each) for each in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    text = _ISO.sub(WHEN.isoformat(), text)
    text = _CLOCK.sub(f"{WHEN:%Y-%m-%d %H:%M:%S} UTC", text)
    text = _LASTED.sub("1.0 s", text)
    text = _FRAME.sub(r'File "/srv/\1/\2", line 1', text)
    return _MARKS.sub("", text)
