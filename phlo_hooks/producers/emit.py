"""Send an event of your own from within a step."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from phlo_hooks.dispatch import Delivery
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.dagster_private import step_key_of
from phlo_hooks.producers.live import live_session

logger = logging.getLogger("phlo_hooks.emit")


def emit(context: Any, event: HookEvent) -> Sequence[Delivery]:
    """Emit `event` at the place where the step is: run, step, attempt, asset and partition are filled in.

    Args:
        context: the asset, op or check execution context.
        event: what happened. What it says of its own place is kept.

    Returns:
        One `Delivery` for each hook that wants it. In a run whose definitions did not go through
        `with_hooks` there is no bus: a warning is logged and nothing is delivered.

    Raises:
        Exception: what a hook with `failure_policy="raise"` raised.
    """
    session = live_session(context.run.run_id)
    if session is None:
        logger.warning(
            "%s was emitted in a run without a Hook Bus; wrap your definitions in with_hooks()",
            event.event_type,
        )
        return []
    where = _own_place(context, event)
    return session.emit(where, step_key_of(context), context.retry_number + 1)


def _own_place(context: Any, event: HookEvent) -> HookEvent:
    """An event that could be about an asset is about the step's, where it has just one."""
    keys = sorted(key.to_user_string() for key in getattr(context, "selected_asset_keys", ()) or ())
    partition = context.partition_key if getattr(context, "has_partition_key", False) else None
    known = event.correlation
    updates = {
        "asset_key": known.asset_key or (keys[0] if len(keys) == 1 else None),
        "partition_key": known.partition_key or partition,
    }
    return event.placed(known.model_copy(update=updates)) if any(updates.values()) else event
