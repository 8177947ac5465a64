"""Daemons of the instance that stop their heartbeat.

All locations of an instance see the same daemons and share what they know of them. The first whose hooks want
to know tells it, for all; a location without such hooks leaves it to the others for a while.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from phlo_hooks.envelope import utc_now
from phlo_hooks.events import DeploymentEvent
from phlo_hooks.producers.dagster_private import heartbeat_tolerance
from phlo_hooks.producers.watching.notes import Notes
from phlo_hooks.producers.watching.post import Post, envelope

# Several ticks of every other location.
_LEFT_TO_OTHERS = timedelta(minutes=2)
UNHEALTHY, RECOVERED = "daemon_unhealthy", "daemon_recovered"


@dataclass(frozen=True)
class _Change:
    """That a daemon fell silent after the heartbeat `last`, or came back from it."""

    last: float
    to: str
    seen: str
    told: bool = False


def watch_daemons(post: Post, notes: Notes) -> Iterator[DeploymentEvent]:
    """`deployment.daemon_unhealthy` and `.daemon_recovered`, once for each change.

    A daemon that has never had a heartbeat is not missed: a deployment may have no daemon, or not yet.
    """
    # Where Dagster writes heartbeats only with errors, silence says nothing.
    if post.instance.daemon_skip_heartbeats_without_errors:
        return
    known = {daemon: _Change(**value) for daemon, value in notes.all().items()}
    for daemon, status in post.instance.get_daemon_statuses().items():
        if status.last_heartbeat is None:
            continue
        before = known.get(daemon)
        change = _change(before, status, post.since)
        if change is not None and not change.told:
            event = _event(daemon, change, status.last_heartbeat.timestamp)
            if post.wanted(event) or utc_now() - datetime.fromisoformat(change.seen) > _LEFT_TO_OTHERS:
                yield event
                change = replace(change, told=True)
        if change is not None and change.told and change.to == RECOVERED:
            notes.forget(daemon)
        elif change is not None and change != before:
            notes.keep(daemon, asdict(change))


def _change(before: _Change | None, status: Any, since: datetime) -> _Change | None:
    """What has changed, or is yet to be told; None where there is nothing to tell of."""
    beat, now = status.last_heartbeat.timestamp, utc_now().isoformat()
    if status.healthy:
        if before is None or before.to == RECOVERED:
            return before
        # What nobody was told of needs no end.
        return _Change(before.last, RECOVERED, now, told=not before.told)
    if before is not None and before.to == UNHEALTHY and before.last == beat:
        return before
    return _Change(beat, UNHEALTHY, now) if _missed_at(beat) >= since else None


def _missed_at(beat: float) -> datetime:
    return datetime.fromtimestamp(beat, timezone.utc) + heartbeat_tolerance()


def _event(daemon: str, change: _Change, beat: float) -> DeploymentEvent:
    last = datetime.fromtimestamp(beat, timezone.utc)
    return DeploymentEvent(
        **envelope(
            f"deployment.{change.to}",
            last if change.to == RECOVERED else _missed_at(beat),
            daemon,
            repr(change.last),
        ),
        daemon_type=daemon,
        last_heartbeat=last,
    )
