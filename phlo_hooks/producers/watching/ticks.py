"""Schedules and sensors that fail to evaluate, and those that do so again.

A tick's row is written when it begins and once more when it ends, and a schedule that retries writes the same
row again: so each time the last tick that was seen is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from phlo_hooks.events import TickEvent
from phlo_hooks.producers.failures import user_error
from phlo_hooks.producers.watching.notes import Notes
from phlo_hooks.producers.watching.post import Post, envelope

_PAGE = 100
# Of one schedule or sensor at a time; who has more has been failing for days while nobody looked.
_MOST = 1_000
# Whose turn it was last, when there was no time for all.
_LAST = "last"


@dataclass(frozen=True)
class _Seen:
    """The last tick that was seen of an instigator, and how many failed in a row up to it."""

    at: float
    tick: int = -1
    failures: int = 0


def watch_ticks(post: Post, notes: Notes) -> Iterator[TickEvent]:
    """`tick.failure` for each tick that failed, `tick.recovered` for the first that did not.

    When there are too many instigators for one look, the next look begins with the rest.
    """
    known = notes.all()
    start = last = known.pop(_LAST, "")
    states = post.instance.all_instigator_state()
    ours = {state.selector_id: state for state in states if _is_ours(post, state)}
    for key in known.keys() - ours.keys():
        notes.forget(key)
    try:
        for key in sorted(ours, key=lambda each: (each <= start, each)):
            if post.out_of_time():
                break
            last = key
            seen = _Seen(**known[key]) if key in known else _Seen(post.since.timestamp())
            yield from _watch(post, notes, ours[key], seen)
        else:
            last = ""
    finally:
        # Also after one that cannot be read: it must not keep the others from their turn.
        if last != start:
            notes.keep(_LAST, last)


def _is_ours(post: Post, state: Any) -> bool:
    return _kind(state) in ("schedule", "sensor") and bool(state.selector.location_name == post.scope)


def _kind(state: Any) -> Any:
    return state.instigator_type.value.lower()


def _watch(post: Post, notes: Notes, state: Any, seen: _Seen) -> Iterator[TickEvent]:
    if _nothing_new(state, seen):
        return
    now = seen
    for tick in _ticks(post, state, seen):
        after = _after(now, tick)
        if after.failures > now.failures:
            yield _event("tick.failure", state, tick, after.failures, error=user_error(tick.error))
        elif now.failures and not after.failures:
            yield _event("tick.recovered", state, tick, now.failures)
        now = after
    if now != seen:
        notes.keep(state.selector_id, asdict(now))


def _nothing_new(state: Any, seen: _Seen) -> bool:
    """Whether it need not be asked: it is stopped, or a sensor that has ended no tick since."""
    if not state.is_running:
        return True
    data = state.instigator_data
    last = getattr(data, "last_tick_timestamp", None)
    if last is None or data.sensor_type is None or data.sensor_type.is_handled_by_asset_daemon:
        # That daemon notes only the ticks that went well.
        return False
    return bool(last <= seen.at)


def _after(now: _Seen, tick: Any) -> _Seen:
    failed = tick.status.value == "FAILURE"
    if failed and tick.tick_id == now.tick:
        return now
    return _Seen(tick.timestamp, tick.tick_id, now.failures + 1 if failed else 0)


def _ticks(post: Post, state: Any, seen: _Seen) -> list[Any]:
    """The ticks that have ended, from the one that was seen last, oldest first."""
    found: list[Any] = []
    before = None
    while len(found) < _MOST:
        # A little back: databases keep a time to the microsecond.
        page = post.instance.get_ticks(
            state.instigator_origin_id, state.selector_id, before=before, after=seen.at - 1e-3, limit=_PAGE
        )
        found += page
        if len(page) < _PAGE:
            break
        before = page[-1].timestamp
    # One that is under way is yet to end, unless its daemon was killed and another has come after it.
    return sorted((each for each in found if each.status.value != "STARTED"), key=_order)


def _order(tick: Any) -> tuple[float, int]:
    return tick.timestamp, tick.tick_id


def _event(event_type: str, state: Any, tick: Any, failures: int, **fields: Any) -> TickEvent:
    when = datetime.fromtimestamp(tick.end_timestamp or tick.timestamp, timezone.utc)
    return TickEvent(
        **envelope(event_type, when, state.selector_id, str(tick.tick_id), repr(tick.timestamp)),
        instigator_name=state.instigator_name,
        instigator_type=_kind(state),
        consecutive_failures=failures,
        **fields,
    )
