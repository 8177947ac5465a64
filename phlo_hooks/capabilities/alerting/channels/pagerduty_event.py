"""A message as an event of PagerDuty's Events API v2.

Sources: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ (fields and lengths, 512 KB) and
https://developer.pagerduty.com/docs/events-api-v2/overview/ (answers).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from phlo_hooks.capabilities.alerting.channels.cutting import one_line
from phlo_hooks.capabilities.alerting.channels.looks import gist, part_line
from phlo_hooks.capabilities.alerting.channels.room import Room, fitting
from phlo_hooks.capabilities.alerting.message import Kind, Message

MAX_BODY = 500_000  # of 512 KB
MAX_SUMMARY = 1024
MAX_KEY = 255
_ROOM = Room(
    title=MAX_SUMMARY, text=8000, error=16_000, stack=64_000, advice=4000, facts=50, fact=1000, parts=100
)
_SEVERITIES = {"CRITICAL": "critical", "ERROR": "error", "WARN": "warning", "INFO": "info"}


def event(message: Message, routing_key: str, source: str) -> bytes:
    """A message as the body of a request: `resolve` for RESOLVED, `trigger` for all others."""
    head = {"routing_key": routing_key, "dedup_key": dedup_key(message.incident_id)}
    if message.kind is Kind.RESOLVED:
        return _json({**head, "event_action": "resolve"})

    def render(part: Message) -> bytes:
        return _json({**head, "event_action": "trigger", **_trigger(part, source)})

    return fitting(message, render, lambda body: len(body) <= MAX_BODY, _ROOM)


def dedup_key(incident_id: str) -> str:
    """The id of the incident, or its digest where PagerDuty has no room for it."""
    if 0 < len(incident_id) <= MAX_KEY and incident_id.isascii() and incident_id.isprintable():
        return incident_id
    return hashlib.sha256(incident_id.encode(errors="backslashreplace")).hexdigest()


def _trigger(message: Message, source: str) -> dict[str, Any]:
    links = [{"href": link.url, "text": link.text} for link in message.links]
    said = gist(message)[:MAX_SUMMARY]
    payload = {
        "summary": one_line(f"{message.title}: {said}" if said else message.title, MAX_SUMMARY),
        "severity": _SEVERITIES.get(message.severity, "error"),
        "source": source,
        "timestamp": message.timestamp.isoformat(),
        "class": message.rule or message.kind.value,
        "custom_details": _named(_details(message)),
    }
    return {"client": "phlo-hooks", "payload": payload, **({"links": links} if links else {})}


def _details(message: Message) -> Iterator[tuple[str, Any]]:
    """Facts under their labels, and the rest under names of ours."""
    yield from ((fact.label, fact.value) for fact in message.facts)
    parts = [part_line(part) for part in message.parts]
    own: dict[str, Any] = {
        "kind": message.kind.value,
        "text": message.text,
        "what to do": message.advice,
        "error": message.error,
        "parts": parts,
        "more parts": message.more_parts,
        "held back": message.suppressed,
        "stack": message.stack,
    }
    yield from ((name, value) for name, value in own.items() if value)


def _named(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """As a mapping; a name that is there already gets a number, so that nothing is lost."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        copies = sum(each == name or each.startswith(f"{name} (") for each in found)
        found[f"{name} ({copies + 1})" if copies else name] = value
    return found


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
