"""Backfills: that they were launched, and how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from dagster import RunsFilter

from phlo_hooks.envelope import utc_now
from phlo_hooks.events import BackfillEvent
from phlo_hooks.producers.catalog import key_text, own_tags
from phlo_hooks.producers.dagster_private import find_backfills
from phlo_hooks.producers.failures import user_error
from phlo_hooks.producers.watching.notes import Notes
from phlo_hooks.producers.watching.post import OutOfTime, Post, envelope

# How far apart two machines' clocks, or a write and its commit, may be.
_LOOKBACK = timedelta(minutes=10)
# Well past the lookback: what has ended must not be met for the first time again.
_REMEMBERED = timedelta(days=1)
_SEEN = "seen"
_OPEN = ("REQUESTED", "CANCELING", "FAILING")
_ENDS = {
    "COMPLETED": "success",
    "COMPLETED_SUCCESS": "success",
    "COMPLETED_FAILED": "failure",
    "FAILED": "failure",
    "CANCELED": "canceled",
}
_RUN_PAGE = 1_000


def watch_backfills(post: Post, notes: Notes) -> Iterator[BackfillEvent]:
    """`backfill.start` and `backfill.end`; how the partitions did is counted when all is over.

    Raises:
        OutOfTime: the rest is looked at the next time.
    """
    known = notes.all()
    seen, now = known.pop(_SEEN, None), utc_now()
    due = _due(post, known, seen)
    for backfill in sorted(due.values(), key=lambda each: each.backfill_timestamp):
        if post.out_of_time():
            raise OutOfTime
        if _is_ours(post, backfill):
            yield from _watch(post, notes, backfill, known.get(backfill.backfill_id))
    for key in {key for key, state in known.items() if state == "open"} - due.keys():
        # Somebody has deleted it.
        notes.forget(key)
    notes.keep(_SEEN, now.isoformat())


def _due(post: Post, known: dict[str, str], seen: str | None) -> dict[str, Any]:
    """Those that were launched lately, and those that are known to be open."""
    if seen is None:
        found = find_backfills(post.instance, statuses=_OPEN)
        found += find_backfills(post.instance, created_after=post.since)
    else:
        after = max(post.since, datetime.fromisoformat(seen) - _LOOKBACK)
        found = find_backfills(post.instance, created_after=after)
        lately = {each.backfill_id for each in found}
        waited_for = [key for key, state in known.items() if state == "open" and key not in lately]
        found += find_backfills(post.instance, ids=waited_for)
    return {each.backfill_id: each for each in found}


def _watch(post: Post, notes: Notes, backfill: Any, known: str | None) -> Iterator[BackfillEvent]:
    ended = _ENDS.get(backfill.status.value)
    if known == "ended" or (known == "open" and ended is None):
        return
    started = datetime.fromtimestamp(backfill.backfill_timestamp, timezone.utc)
    if known is None and started >= post.since:
        yield _event(backfill, "start", started, "started", _targeted(backfill))
    if ended is None:
        notes.keep(backfill.backfill_id, "open")
        return
    when = _end(backfill)
    notes.keep(backfill.backfill_id, "ended", utc_now() + _REMEMBERED)
    if when >= post.since:
        yield _event(backfill, "end", when, ended, _outcomes(post, backfill))


def _is_ours(post: Post, backfill: Any) -> bool:
    """A job's backfill is that of the job's location, one of assets that of each which has one of them."""
    origin = backfill.partition_set_origin
    if origin is not None:
        location: str = origin.repository_origin.code_location_origin.location_name
        return location == post.scope
    return not post.catalog.assets.keys().isdisjoint(_asset_keys(backfill))


def _asset_keys(backfill: Any) -> tuple[str, ...]:
    return tuple(sorted(key_text(key) for key in backfill.asset_selection or ()))


def _end(backfill: Any) -> datetime:
    # None where the daemon gave up on it, or somebody ended it by hand.
    at = backfill.backfill_end_timestamp
    return utc_now() if at is None else datetime.fromtimestamp(at, timezone.utc)


def _event(
    backfill: Any, phase: str, when: datetime, status: Any, partitions: dict[str, int]
) -> BackfillEvent:
    where = {"backfill_id": backfill.backfill_id, "job_name": backfill.job_name}
    ended = status != "started"
    return BackfillEvent(
        **envelope(f"backfill.{phase}", when, backfill.backfill_id, where=where),
        backfill_id=backfill.backfill_id,
        asset_keys=_asset_keys(backfill),
        job_name=backfill.job_name,
        status=status,
        partitions=partitions,
        error=user_error(backfill.error) if ended and backfill.error else None,
        tags=own_tags(backfill.tags),
    )


def _targeted(backfill: Any) -> dict[str, int]:
    """How many partitions it is about; of assets, each asset's count on their own."""
    data = backfill.asset_backfill_data
    if data is not None:
        return {"requested": _size(data.target_subset)}
    return {"requested": len(backfill.partition_names or ())}


def _outcomes(post: Post, backfill: Any) -> dict[str, int]:
    data = backfill.asset_backfill_data
    counts = _of_runs(post, backfill) if data is None else _of_assets(data)
    missing = _targeted(backfill)["requested"] - sum(counts.values())
    return {name: count for name, count in {**counts, "missing": missing}.items() if count > 0}


def _of_assets(data: Any) -> dict[str, int]:
    return {"success": _size(data.materialized_subset), "failure": _size(data.failed_and_downstream_subset)}


def _size(subset: Any) -> int:
    return int(subset.num_partitions_and_non_partitioned_assets)


def _of_runs(post: Post, backfill: Any) -> dict[str, int]:
    """Of each partition, what became of the last run for it: the one before may have been retried."""
    last: dict[str, str] = {}
    cursor, wanted = None, RunsFilter(tags={"dagster/backfill": backfill.backfill_id})
    more = True
    while more:
        page = post.instance.get_run_records(wanted, limit=_RUN_PAGE, cursor=cursor)
        for record in page:
            run = record.dagster_run
            last.setdefault(run.tags.get("dagster/partition", run.run_id), run.status.value.lower())
        more = len(page) == _RUN_PAGE
        cursor = page[-1].dagster_run.run_id if page else None
    return dict(Counter(last.values()))
