"""Where an event's id comes from: the coordinates of the thing, never the clock.

The step hook, a decorator and the tail sensor may all see one materialization. They agree on its id
without talking to one another, because each derives it from what Dagster itself recorded.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phlo_hooks.envelope import HookCorrelation

# Fixed for ever: another namespace would give every known thing a second id.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "events.phlo-hooks")


def derive_event_id(
    event_type: str, correlation: HookCorrelation, *subject: str | None, ordinal: int = 0
) -> str:
    """The id of the thing at these coordinates, a UUIDv5.

    Args:
        event_type: such as `ingestion.end`.
        correlation: gives run, step, attempt, asset, partition and check.
        subject: what else tells apart two things of one type at one place, such as a metric's name.
        ordinal: 0 for the first such thing at these coordinates, 1 for the second, and so on.
    """
    where = correlation
    place = (where.run_id, where.step_key, where.attempt, event_type)
    thing = (where.asset_key, where.partition_key, where.check_name, *subject, ordinal)
    return str(uuid.uuid5(NAMESPACE, json.dumps(place + thing, ensure_ascii=False)))


def follow_up_id(event_type: str, cause: str) -> str:
    """The id of what follows from another event, a UUIDv5: whoever works it out, however often, it is one.

    Args:
        event_type: of what follows, such as `schema.changed`; one event leads to one of a type at most.
        cause: the `event_id` of what it follows from.
    """
    return str(uuid.uuid5(NAMESPACE, json.dumps([event_type, cause])))


def random_event_id() -> str:
    """An id for an event that names no run: each construction of it is a thing of its own."""
    return str(uuid.uuid4())
