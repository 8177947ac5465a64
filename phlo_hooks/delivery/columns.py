"""How an event is laid into columns: whatever is in it, the insert must not fail."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from phlo_hooks.delivery.records import DeliveryState, Target
from phlo_hooks.delivery.schema import EVENT_TYPE_LENGTH, NAME_LENGTH
from phlo_hooks.events import HookEvent

# Enough for a message and the innermost frames; a table of dead letters must stay readable.
MAX_ERROR = 4096
_CORRELATION = ("job_name", "step_key", "asset_key", "partition_key", "check_name")


def event_row(event: HookEvent, now: datetime) -> dict[str, Any]:
    """The row of an event that is recorded at `now`."""
    where = event.correlation
    return {
        "event_id": exact(event.event_id),
        "event_type": cut(event.event_type, EVENT_TYPE_LENGTH),
        "version": cut(event.version, 16),
        "timestamp": event.timestamp,
        "recorded_at": now,
        "run_id": exact(where.run_id) if where.run_id else None,
        **{name: cut(getattr(where, name)) for name in _CORRELATION},
        "body": event.to_json(),
    }


def delivery_row(event: int, target: Target, now: datetime) -> dict[str, Any]:
    """The row of a new delivery; one that is leased is about to be called, which is an attempt."""
    leased = target.lease_until is not None
    # What is for later has not waited before then.
    begins = max(now, target.due) if target.due else now
    return {
        "event_row": event,
        "hook": target.hook,
        "scope": target.scope,
        "state": DeliveryState.PENDING.value,
        "attempts": int(leased),
        "next_attempt_at": target.lease_until if leased else begins,
        "lease_owner": target.lease_owner,
        "lane": exact(target.lane) if target.lane else None,
        "replays": 0,
        "created_at": begins,
    }


def exact(text: str) -> str:
    """`text` as a key: a longer one becomes a digest, since two ids may share any beginning.

    Our own ids are UUIDs; those of other systems' events may be anything.
    """
    if len(text) <= NAME_LENGTH and "\0" not in text:
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def cut(text: str | None, length: int = NAME_LENGTH) -> str | None:
    """`text` as far as a column holds it, for reading; the whole of it stands in the body."""
    if text is None:
        return None
    # PostgreSQL stores no NUL, and no driver a lone surrogate.
    clean = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return clean[:length]


def bounded_error(text: str | None) -> str | None:
    """The head and the tail of an error: what it was, and where."""
    clean = cut(text, len(text or ""))
    if clean is None or len(clean) <= MAX_ERROR:
        return clean
    half = MAX_ERROR // 2 - 10
    return f"{clean[:half]}\n… (cut) …\n{clean[-half:]}"
