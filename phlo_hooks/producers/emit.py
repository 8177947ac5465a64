"""Send an event of your own from within a step."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import dagster as dg

from phlo_hooks.dispatch import Delivery
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.catalog import key_text
from phlo_hooks.producers.dagster_private import step_key_of
from phlo_hooks.producers.live import live_session
from phlo_hooks.producers.session import RunSession

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
    session = _session_of(context, event)
    if session is None:
        return []
    where = _own_place(context, event)
    return session.emit(where, step_key_of(context), context.retry_number + 1)


def _session_of(context: Any, event: HookEvent) -> RunSession | None:
    try:
        session = live_session(context.run.run_id)
    except dg.DagsterError:
        # The function was called directly, as in a unit test: there is no run.
        return None
    if session is None:
        logger.warning(
            "%s was emitted in a run without a Hook Bus; wrap your definitions in with_hooks()",
            event.event_type,
        )
    return session


def _own_place(context: Any, event: HookEvent) -> HookEvent:
    """An event that could be about an asset, or a check, is about the step's, where it has just one."""
    assets = {key_text(key) for key in getattr(context, "selected_asset_keys", ())}
    checks = () if assets else tuple(getattr(context, "selected_asset_check_keys", ()))
    keys = assets or {key_text(check.asset_key) for check in checks}
    known = event.correlation
    updates = {
        "asset_key": known.asset_key or (min(keys) if len(keys) == 1 else None),
        "check_name": known.check_name or (checks[0].name if len(checks) == 1 else None),
        "partition_key": known.partition_key or _partition_key(context),
    }
    return event.placed(known.model_copy(update=updates)) if any(updates.values()) else event


def _partition_key(context: Any) -> str | None:
    # Before Dagster 1.13 the context of a check knows nothing of partitions.
    return context.partition_key if getattr(context, "has_partition_key", False) else None
