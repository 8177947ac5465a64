"""What is sent: events as CloudEvents in JSON, and the id of a request."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from phlo_hooks.errors import DeliveryError, PermanentError
from phlo_hooks.events import HookEvent

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

# Of our own making: the id of a batch depends on the ids in it, and on nothing else.
_NAMESPACE = uuid.UUID("3f1b2c6e-5d0a-5c1e-9d0b-7b1e6f0c2a44")
# What an HTTP header can hold, without the space: the ids of other systems may have anything in them.
_SAFE = "!#$&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class Message:
    """One request: its `webhook-id`, its type and its bytes."""

    id: str
    content_type: str
    body: bytes


def structured(event: HookEvent, limit: int) -> Message:
    """One event as one CloudEvent.

    Raises:
        PermanentError: it has more than `limit` bytes.
    """
    body = _json(event)
    if len(body) > limit:
        raise PermanentError(_too_large(event, body, limit))
    return Message(header_id(event.event_id), STRUCTURED, body)


def batched(events: Sequence[HookEvent], limit: int) -> Iterator[Message]:
    """Events as arrays of CloudEvents, in their order; as many messages as it takes to stay within `limit`.

    Raises:
        DeliveryError: an event alone has more than `limit` bytes; permanent if no other is there.
    """
    bodies = [_json(event) for event in events]
    for event, body in zip(events, bodies, strict=True):
        if len(body) + 2 > limit:
            kind = PermanentError if len(events) == 1 else DeliveryError
            raise kind(_too_large(event, body, limit))
    for start, stop in _cuts(list(map(len, bodies)), limit):
        ids = [event.event_id for event in events[start:stop]]
        yield Message(batch_id(ids), BATCH, b"[" + b",".join(bodies[start:stop]) + b"]")


def batch_id(ids: Sequence[str]) -> str:
    """The id of a batch: the same for the same events in the same order."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(list(ids))))


def header_id(event_id: str) -> str:
    """An event's id as a header can hold it; ours stay as they are."""
    return quote(event_id, safe=_SAFE)


def _cuts(sizes: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """Where to cut, so that each part, with its commas and brackets, has at most `limit` bytes."""
    start, total = 0, 1
    for index, size in enumerate(sizes):
        if index > start and total + size + 1 > limit:
            yield start, index
            start, total = index, 1
        total += size + 1
    yield start, len(sizes)


def _json(event: HookEvent) -> bytes:
    return json.dumps(event.to_cloudevent(), ensure_ascii=False, separators=(",", ":")).encode()


def _too_large(event: HookEvent, body: bytes, limit: int) -> str:
    return (
        f"event {event.event_id} has {len(body):,} bytes, and {limit:,} may be sent: raise max_body if the "
        "receiver takes more, or leave such events out with event_types"
    )
