"""What an asset's health is made of: one mark for each thing that can be good or bad about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from phlo_hooks.events import AssetEvent, FreshnessEvent, HookEvent, QualityResultEvent

GOOD, WARNING, DEGRADED = range(3)

RUN, CHECK, FRESHNESS = "run/", "check/", "freshness"

_FRESHNESS = {"WARN": WARNING, "FAIL": DEGRADED}


class Mark(NamedTuple):
    """How one thing was when it was last heard of; the later one is the greater one.

    Args:
        at: when that was, in seconds since 1970.
        level: GOOD, WARNING or DEGRADED.
        why: the words for it.
    """

    at: float
    level: int
    why: str


def mark_of(event: HookEvent) -> tuple[str, Mark] | None:
    """What an event says of its asset's health: of which thing, and how it is; None for nothing."""
    found = _found(event)
    if found is None:
        return None
    key, level, why = found
    return key, Mark(event.timestamp.timestamp(), level, why)


def _found(event: HookEvent) -> tuple[str, int, str] | None:
    if isinstance(event, AssetEvent):
        return _materialization(event)
    if isinstance(event, QualityResultEvent):
        return (CHECK + event.check_name, *_check(event))
    if isinstance(event, FreshnessEvent):
        return FRESHNESS, _FRESHNESS.get(event.to_state, GOOD), event.to_state
    return None


def _materialization(event: AssetEvent) -> tuple[str, int, str] | None:
    """An attempt of a step that is tried once more, or one that was not made, says nothing."""
    key = RUN + (event.partition_key or "")
    if event.event_type.endswith(".end") and event.status == "success":
        return key, GOOD, "succeeded"
    if not event.event_type.endswith(".end") or event.status != "failure" or event.will_retry:
        return None
    if event.run_may_retry:
        return key, WARNING, "failed, and may be tried again"
    return key, DEGRADED, "failed"


def _check(event: QualityResultEvent) -> tuple[int, str]:
    if event.passed is None:
        return DEGRADED, "crashed"
    if event.passed:
        return GOOD, "passed"
    level = WARNING if event.severity in ("INFO", "WARN") else DEGRADED
    return level, f"failed ({event.severity or 'ERROR'})"


def of_runs(marks: Mapping[str, Mark]) -> dict[str, Mark]:
    """The materializations that count: of the whole asset, or of its partitions, whichever is newer.

    An asset may have had no partitions before, and a run over a range of them fails as a whole.
    """
    parts = {key: mark for key, mark in marks.items() if key.startswith(RUN) and key != RUN}
    whole = marks.get(RUN)
    if whole and all(whole.at >= mark.at for mark in parts.values()):
        return {RUN: whole}
    return parts
