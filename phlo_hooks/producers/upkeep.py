"""What the tail sensor does besides: delete what is old, and tell Dagster how the hooks are doing."""

# No `from __future__ import annotations`: Dagster reads the annotation of the check's context.

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg

from phlo_hooks.delivery.health import HookHealth
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.producers.catalog import HEALTH_ASSET

HEALTH_CHECK = "healthy"

_NAMESPACE = "upkeep"
_EVERY = timedelta(hours=1)
# Of a tick, in seconds; a backlog of old rows is the next ticks' too.
_PRUNE_BUDGET = 5.0


def prune(store: HookStore, retention_days: float | None, budget: float) -> int:
    """Delete what was delivered so many days ago, at most once an hour; return how many rows."""
    last, now = store.get_state(_NAMESPACE, "prune"), store.clock()
    if retention_days is None or (last is not None and now - last.updated_at < _EVERY):
        return 0
    store.expire()
    pruned = store.prune(now - timedelta(days=retention_days), budget=min(budget, _PRUNE_BUDGET))
    if pruned.complete:
        store.put_state(_NAMESPACE, "prune", now.timestamp())
    return pruned.deliveries + pruned.events


def make_health_check(store_of: Callable[[dg.DagsterInstance], HookStore]) -> dg.AssetChecksDefinition:
    """A check that passes while every hook is being called, has no dead letter, and keeps nobody waiting."""

    @dg.asset_check(
        asset=HEALTH_ASSET,
        name=HEALTH_CHECK,
        description="Every hook is called, nothing is given up, nothing waits for long.",
    )
    def healthy(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        found = store_of(context.instance).health()
        return dg.AssetCheckResult(passed=not _problems(found), severity=_SEVERITY, metadata=_metadata(found))

    return healthy


def health_asset() -> dg.AssetSpec:
    """What the check is on."""
    return dg.AssetSpec(
        HEALTH_ASSET, group_name="phlo_hooks", description="What the Hook Bus delivers to its hooks."
    )


def report_health(instance: dg.DagsterInstance, store: HookStore) -> bool:
    """Tell Dagster how the hooks are doing, when that has changed; return whether it was told."""
    found = store.health()
    problems, last = _problems(found), store.get_state(_NAMESPACE, "health")
    # Every tick would bury the asset's history; what changes is which hooks have which kind of trouble.
    now = {hook: [_DIGITS.sub("", text) for text in texts] for hook, texts in problems.items()}
    if last is not None and last.value == now:
        return False
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=HEALTH_ASSET,
            check_name=HEALTH_CHECK,
            passed=not problems,
            severity=_SEVERITY,
            metadata=_metadata(found),
        )
    )
    store.put_state(_NAMESPACE, "health", now)
    return True


_DIGITS = re.compile(r"\d+")
# The data itself may be well.
_SEVERITY = dg.AssetCheckSeverity.WARN


def _problems(found: list[HookHealth]) -> dict[str, list[str]]:
    told = {each.hook: list(each.problems()) for each in found}
    return {hook: texts for hook, texts in told.items() if texts}


def _metadata(found: list[HookHealth]) -> dict[str, Any]:
    lines = [f"| {each.hook} | {'; '.join(each.problems()) or 'well'} |" for each in found]
    table = "\n".join(("| hook | how it is |", "| --- | --- |", *lines))
    return {
        "hooks": dg.MetadataValue.md(table),
        "dead": sum(each.dead for each in found),
        "waiting": sum(each.pending + each.retrying + each.in_flight for each in found),
    }
