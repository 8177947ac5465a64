"""Runs that take longer than they should: executing, in the queue, or while they start."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from dagster import DagsterRunStatus, RunRecord, RunsFilter

from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import RunEvent
from phlo_hooks.producers.runlog import RunFacts
from phlo_hooks.producers.translate import Place
from phlo_hooks.producers.watching.limits import Limits
from phlo_hooks.producers.watching.notes import Notes
from phlo_hooks.producers.watching.post import OutOfTime, Post

logger = logging.getLogger("phlo_hooks.watching.runs")

S = DagsterRunStatus
EXECUTING, STARTING, QUEUED = "executing", "starting", "queued"
# The longest queue last: what executes is bounded by the deployment, what waits is not.
_PHASES = {EXECUTING: [S.STARTED, S.CANCELING], STARTING: [S.STARTING], QUEUED: [S.QUEUED]}
_PAGE = 200


def watch_runs(post: Post, notes: Notes) -> Iterator[RunEvent]:
    """`run.long_running` and `run.stuck`, once for each run and phase; forgets the runs that have ended.

    Raises:
        OutOfTime: there are more open runs than the budget allows.
        ConfigurationError: a limit in the environment is no duration.
    """
    limits, told, there = post.limits(), notes.all(), set()
    for phase, record in _open_runs(post, limits):
        run = RunFacts.of(record.dagster_run)
        key = f"{run.run_id}/{phase}"
        there.add(key)
        if key in told or not _is_ours(post, record, run):
            continue
        limit = _limit(limits, run, phase, notes)
        since = None if limit is None else _since(post, record, phase)
        if limit is None or since is None or not post.since <= since + limit <= utc_now():
            continue
        notes.keep(key, True)
        yield _event(post, run, phase, since, since + limit)
    for key in told.keys() - there:
        notes.forget(key)


def _open_runs(post: Post, limits: Limits) -> Iterator[tuple[str, RunRecord]]:
    """Those that may be too slow, phase by phase, the oldest of each first."""
    waiting = {STARTING: limits.stuck_starting, QUEUED: limits.stuck_queued}
    for phase, statuses in _PHASES.items():
        if phase == EXECUTING:
            # Each may have a limit of its own.
            wanted = RunsFilter(statuses=statuses)
        elif (limit := waiting[phase]) is not None:
            wanted = RunsFilter(statuses=statuses, created_before=utc_now() - limit)
        else:
            continue
        for record in _pages(post, wanted):
            yield phase, record


def _pages(post: Post, wanted: RunsFilter) -> Iterator[RunRecord]:
    cursor = None
    while True:
        page = post.instance.get_run_records(wanted, limit=_PAGE, cursor=cursor, ascending=True)
        yield from page
        if len(page) < _PAGE:
            return
        if post.out_of_time():
            raise OutOfTime
        cursor = page[-1].dagster_run.run_id


def _is_ours(post: Post, record: RunRecord, run: RunFacts) -> bool:
    if run.location is not None:
        return run.location == post.scope
    # A run that was executed in its own process has no location; its assets have.
    chosen = {key.to_user_string() for key in record.dagster_run.asset_selection or ()}
    return not chosen or not chosen.isdisjoint(post.catalog.assets)


def _since(post: Post, record: RunRecord, phase: str) -> datetime | None:
    """When the run entered the phase; None where nobody knows."""
    if phase == EXECUTING:
        return _instant(record.start_time)
    if phase == QUEUED:
        return record.create_timestamp.replace(tzinfo=record.create_timestamp.tzinfo or timezone.utc)
    # Only the run's log has it; a run may have waited for hours in the queue before.
    return _instant(post.instance.get_run_stats(record.dagster_run.run_id).launch_time)


def _instant(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, timezone.utc)


def _limit(limits: Limits, run: RunFacts, phase: str, notes: Notes) -> timedelta | None:
    if phase == STARTING:
        return limits.stuck_starting
    if phase == QUEUED:
        # The runs of a backfill wait for one another: that is what the queue is for.
        return None if run.backfill_id else limits.stuck_queued
    try:
        return limits.of_run(run.tags)
    except ConfigurationError as exc:
        # Once for each run: from then on it counts as told.
        logger.warning("run %s: %s; the run is not watched", run.run_id, exc)
        notes.keep(f"{run.run_id}/{phase}", False)
        return None


def _event(post: Post, run: RunFacts, phase: str, since: datetime, when: datetime) -> RunEvent:
    executing = phase == EXECUTING
    event_type = "run.long_running" if executing else "run.stuck"
    place = Place(run, post.catalog)
    return RunEvent(
        **place.envelope(event_type, when, partition_key=run.partition_key, subject=phase, ordinal=0),
        status="started" if executing else None,
        phase=None if executing else phase,
        duration=(utc_now() - since).total_seconds(),
        tags=run.own_tags,
        retry_number=run.retry_number,
        launched_by=run.launched_by,
        job_name=run.job_name,
    )
