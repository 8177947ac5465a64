"""The step hook: the fast path, called by Dagster in the step's own process when an attempt has ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import dagster as dg
from dagster import DagsterEvent

from phlo_hooks.producers.dagster_private import HookExecutionResult

logger = logging.getLogger("phlo_hooks.step_hook")

HOOK_NAME = "phlo_hooks_step"
RESOURCE_KEY = "hooks"


def _on_step(context: dg.HookContext, event_list: Sequence[DagsterEvent]) -> HookExecutionResult:
    try:
        session = context.resources.hooks.session(context.instance, context.run_id)
        if session is not None:
            session.step_ended(context.step_key, event_list)
    except Exception:
        # Dagster would record HOOK_ERRORED with an empty message. The tail sensor records the events later.
        logger.exception("step %s: its events are left to the tail sensor", context.step_key)
    return HookExecutionResult(HOOK_NAME)


# One object for all: Dagster takes equal hooks for one, so attaching it twice changes nothing.
STEP_HOOK = dg.HookDefinition(name=HOOK_NAME, hook_fn=_on_step, required_resource_keys={RESOURCE_KEY})
