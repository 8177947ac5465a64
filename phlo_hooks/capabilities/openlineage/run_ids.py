"""Run ids: the same for the same thing, whoever reports it and however often."""

from __future__ import annotations

import json
import uuid

from phlo_hooks.events import HookCorrelation

# Fixed for ever: another namespace would make a second run of everything that is known.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "openlineage.phlo-hooks")


def dagster_run_id(run_id: str) -> str:
    """That of a Dagster run: its own, where it is a UUID, as Dagster's are."""
    try:
        return str(uuid.UUID(run_id))
    except ValueError:
        return _derived("run", run_id)


def backfill_run_id(backfill_id: str) -> str:
    """That of a backfill."""
    return _derived("backfill", backfill_id)


def attempt_run_id(kind: str, where: HookCorrelation) -> str:
    """That of one attempt to materialize one partition of an asset, or to evaluate a check.

    Args:
        kind: tells an asset from its lineage, and from a check.
        where: the coordinates of the attempt.
    """
    thing = (where.asset_key, where.partition_key, where.check_name)
    return _derived(kind, where.run_id, where.step_key, where.attempt, *thing)


def event_run_id(kind: str, event_id: str) -> str:
    """That of what happened outside of any run."""
    return _derived(kind, event_id)


def _derived(*coordinates: str | int | None) -> str:
    return str(uuid.uuid5(_NAMESPACE, json.dumps(coordinates, ensure_ascii=False)))
