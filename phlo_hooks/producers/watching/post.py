"""From where a source looks: the instance, the location, and how much time it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg

from phlo_hooks.assets import AssetGraph, NoAssets
from phlo_hooks.events import HookCorrelation, HookEvent
from phlo_hooks.identity import derive_event_id
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.translate import PRODUCER
from phlo_hooks.producers.watching.limits import Limits


@dataclass(frozen=True)
class Post:
    """What every source is given.

    Args:
        instance: the Dagster instance.
        catalog: what the definitions say of the assets.
        scope: the code location; what belongs to others is left to their own posts.
        since: what came to be before is not told.
        limits: gives how long runs may take.
        wanted: whether a hook of this location wants an event.
        asked_for: whether one names a type of event.
        out_of_time: whether the budget is used up.
        assets: what the definitions say of the assets, ready to be told.
    """

    instance: dg.DagsterInstance
    catalog: Catalog
    scope: str
    since: datetime
    limits: Callable[[], Limits]
    wanted: Callable[[HookEvent], bool]
    asked_for: Callable[[str], bool]
    out_of_time: Callable[[], bool]
    assets: AssetGraph = field(default_factory=NoAssets)


class OutOfTime(Exception):
    """The budget is used up: what was not looked at is looked at first the next time."""


def envelope(
    event_type: str, when: datetime, *subject: str, where: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """The fields all events share, for one that belongs to no run.

    Args:
        event_type: such as `tick.failure`.
        when: it happened.
        subject: tells it from all others of its type, whoever sees it.
        where: fields of its correlation.
    """
    correlation = HookCorrelation.model_validate(dict(where or {}))
    return {
        "event_id": derive_event_id(event_type, HookCorrelation(), *subject),
        "event_type": event_type,
        "timestamp": when,
        "producer": PRODUCER,
        "correlation": correlation,
    }
