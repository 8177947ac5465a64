"""The health monitor: whether an asset is healthy, worked out as Dagster+ does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phlo_hooks.events import AssetHealthEvent, HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.monitors.marks import DEGRADED, GOOD, RUN, Mark, mark_of, of_runs
from phlo_hooks.monitors.monitor import envelope
from phlo_hooks.monitors.reasons import reasons

# About 25 KB of memory for each asset. Of more partitions, those that are well are forgotten first.
MOST_PARTITIONS = 500

HEALTHY, UNKNOWN = "HEALTHY", "UNKNOWN"


@dataclass(frozen=True)
class Health:
    """What is known of an asset's health.

    Args:
        state: HEALTHY, WARNING, DEGRADED or UNKNOWN.
        told: whether anybody was ever told of it.
        marks: the newest of each thing: materialization, by partition; check, by name; freshness.
        forgotten: how many partitions were failing when there was no more room for them.
    """

    state: str = UNKNOWN
    told: bool = False
    marks: Mapping[str, Mark] = field(default_factory=dict)
    forgotten: int = 0


class HealthMonitor:
    """Emits `asset.health_changed` when the state of an asset is another one.

    That an asset is seen to be healthy for the first time is no news; from when it was first told not to
    be, each change is.
    """

    name = "health"
    emits = "asset.health_changed"
    filters = HookFilter(
        event_types={
            "ingestion.end",
            "transform.end",
            "publish.end",
            "quality.result",
            "quality.error",
            "freshness.changed",
        },
        when=lambda event: mark_of(event) is not None,
    )

    def follow(self, known: Health | None, event: HookEvent) -> tuple[Health | None, AssetHealthEvent | None]:
        """Put the event's mark in the place of an older one, and see what has become of the whole."""
        found = mark_of(event)
        before = known or Health()
        if found is None or before.marks.get(found[0], found[1]) > found[1]:
            return known, None
        after = _marked(before, *found)
        if after.state == before.state:
            return after, None
        if after.state == HEALTHY and not before.told:
            return after, None
        return replace(after, told=True), _event(before, after, event)

    def dump(self, known: Health) -> Any:
        """As JSON can say it."""
        return {**vars(known), "marks": {key: list(mark) for key, mark in known.marks.items()}}

    def load(self, value: Any) -> Health:
        """From what `dump` gave."""
        return Health(**{**value, "marks": {key: Mark(*mark) for key, mark in value["marks"].items()}})


def _marked(health: Health, key: str, mark: Mark) -> Health:
    marks, forgotten = dict(health.marks), health.forgotten
    marks[key] = mark
    parts = [key for key in marks if key.startswith(RUN)]
    if len(parts) > MOST_PARTITIONS:
        least = min(parts, key=lambda each: (marks[each].level, marks[each]))
        forgotten += marks.pop(least).level > GOOD
    if not any(marks[key].level for key in of_runs(marks)):
        # Those that are known by name have all recovered: of the others nobody could ever say so.
        forgotten = 0
    return replace(health, marks=marks, forgotten=forgotten, state=_state(marks))


def _counted(marks: Mapping[str, Mark]) -> dict[str, Mark]:
    """All that says something of the asset as it is now."""
    others = {key: mark for key, mark in marks.items() if not key.startswith(RUN)}
    return {**of_runs(marks), **others}


def _state(marks: Mapping[str, Mark]) -> str:
    """The worst of all; what was never seen to be materialized is unknown until something is bad about it.

    So does `overall_status_from_component_statuses` in `dagster/_core/definitions/asset_health`.
    """
    worst = max((mark.level for mark in _counted(marks).values()), default=GOOD)
    if worst > GOOD:
        return "DEGRADED" if worst == DEGRADED else "WARNING"
    return HEALTHY if of_runs(marks) else UNKNOWN


def _event(before: Health, after: Health, cause: HookEvent) -> AssetHealthEvent:
    fields = envelope("asset.health_changed", cause)
    # It is the whole asset's.
    fields["correlation"] = fields["correlation"].model_copy(
        update={"partition_key": None, "check_name": None}
    )
    why = reasons(_counted(after.marks), after.forgotten)
    return AssetHealthEvent(**fields, from_state=before.state, to_state=after.state, reasons=why)
