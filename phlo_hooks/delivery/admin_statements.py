"""Every statement that operators' commands run, each with a line of why; criteria are added to them.

No RETURNING and no DELETE … LIMIT, which not every database has: rows are chosen by one statement and
changed, by their ids, by another one, which repeats the condition for what happened in between.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from phlo_hooks.delivery.criteria import IS_DEAD, IS_OPEN, IS_SETTLED
from phlo_hooks.delivery.schema import UtcTime, hook_deliveries, hook_events

_event = hook_events.c
_delivery = hook_deliveries.c

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_NOW = bindparam("now", type_=UtcTime)
_TIME = bindparam("time", type_=UtcTime)
_AFTER = bindparam("after", type_=Integer)
_MOST = bindparam("most", type_=Integer)

# -- looking ---------------------------------------------------------------------------------------

COUNT_EVENTS = select(func.count()).select_from(hook_events)

COUNT_DELIVERIES = select(func.count()).join_from(
    hook_deliveries, hook_events, _event.id == _delivery.event_row
)

# -- mending ---------------------------------------------------------------------------------------

# The next page of deliveries to change, chosen outside of the transaction that changes them: a search
# through millions must not keep SQLite's one writer waiting.
DELIVERY_IDS = select(_delivery.id).where(_delivery.id > _AFTER).order_by(_delivery.id).limit(_MOST)

# A lease that has not ended: somebody is calling the hook.
IN_FLIGHT = and_(IS_OPEN, _delivery.lease_owner.is_not(None), _delivery.next_attempt_at > _NOW)

DEAD = IS_DEAD

# Waits for a later time, of its own accord.
WAITING = and_(IS_OPEN, _delivery.lease_owner.is_(None), _delivery.next_attempt_at > _NOW)

# Dead, or open and not being called right now.
DISCARDABLE_OPEN = and_(IS_OPEN, or_(_delivery.lease_owner.is_(None), _delivery.next_attempt_at <= _NOW))

# Settled before the replay began: what it has delivered itself meanwhile is not replayed once more.
REPLAYABLE = and_(IS_SETTLED, or_(_delivery.settled_at.is_(None), _delivery.settled_at < _TIME))

_CHOSEN = update(hook_deliveries).where(_delivery.id.in_(_IDS))

# `created_at` is since when it waits: health shows its age, and a RetryLater counts from it.
_REOPENED = {
    "state": "pending",
    "attempts": 0,
    "next_attempt_at": _NOW,
    "lease_owner": None,
    "settled_at": None,
    "created_at": _NOW,
}

# Counted, so that giving it up a second time is news again.
REOPEN = REPLAY = _CHOSEN.values({**_REOPENED, "replays": _delivery.replays + 1})

MAKE_DUE = _CHOSEN.values(next_attempt_at=_NOW)

DISCARD = _CHOSEN.values(
    state="suppressed",
    next_attempt_at=None,
    lease_owner=None,
    settled_at=_NOW,
    last_error=bindparam("reason"),
)

# Of these events, those that are still there; a prune may have come in between.
EVENT_ROWS = select(_event.id).where(_event.id.in_(_IDS))

# Of these events, those that a hook got; without a scope counts too, any location's relay takes that.
GOT_BY = select(_delivery.event_row).where(
    _delivery.event_row.in_(_IDS),
    _delivery.hook == bindparam("of_hook"),
    _delivery.scope.in_((bindparam("of_scope"), "")),
)

# Of these events, the deliveries that a hook got once more with `give_history`, as they were before.
SETTLED_BY = select(_delivery.id).where(
    _delivery.event_row.in_(_IDS),
    _delivery.hook == bindparam("of_hook"),
    _delivery.scope.in_((bindparam("of_scope"), "")),
    REPLAYABLE,
)

TAKE_BACK = delete(hook_deliveries).where(_delivery.id.in_(_IDS), IS_SETTLED)

# -- pruning ---------------------------------------------------------------------------------------

PRUNABLE = and_(
    IS_SETTLED,
    _delivery.settled_at < _TIME,
    _delivery.state.in_(("delivered", "suppressed")),
)

# The oldest settled first: a range of one index, whose beginning each batch takes away.
OLD_DELIVERIES = select(_delivery.id).where(PRUNABLE).order_by(_delivery.settled_at).limit(_MOST)

DELETE_DELIVERIES = delete(hook_deliveries).where(_delivery.id.in_(_IDS), PRUNABLE)

# Numbers grow with the time of recording: the first page without an old event is the last one.
EVENT_PAGE = select(_event.id, _event.recorded_at).where(_event.id > _AFTER).order_by(_event.id).limit(_MOST)

DELETE_EVENTS = delete(hook_events).where(
    _event.id.in_(_IDS),
    _event.recorded_at < _TIME,
    ~select(_delivery.id).where(_delivery.event_row == _event.id).exists(),
)

# -- health ----------------------------------------------------------------------------------------


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


# What is open, by hook: the index of what is due holds no other rows.
OPEN_BY_HOOK = (
    select(
        _delivery.hook,
        func.count().label("open"),
        _number(IN_FLIGHT).label("in_flight"),
        _number(and_(_delivery.state == "retrying", ~IN_FLIGHT)).label("retrying"),
        func.min(_delivery.created_at).label("oldest"),
        func.max(case((_delivery.last_error.is_not(None), _delivery.id))).label("newest_error"),
    )
    .where(IS_OPEN)
    .group_by(_delivery.hook)
)

DEAD_BY_HOOK = (
    select(_delivery.hook, func.count().label("dead"), func.max(_delivery.id).label("newest_error"))
    .where(IS_DEAD)
    .group_by(_delivery.hook)
)

# A range of one index; it holds hook and state too, so no row is read.
SETTLED_SINCE = (
    select(_delivery.hook, _delivery.state, func.count().label("number"))
    .where(_delivery.settled_at >= _TIME)
    .group_by(_delivery.hook, _delivery.state)
)

# Which hooks there are, as far as the newest deliveries tell: all of them would be a look at each row. With
# no upper end, PostgreSQL expects a third of the table and starts two processes to read it: 12 ms, not 2.
_NEWEST = select(func.max(_delivery.id)).scalar_subquery()
RECENT_HOOKS = select(_delivery.hook).distinct().where(_delivery.id.between(_NEWEST - _MOST + 1, _NEWEST))

LAST_ERRORS = select(_delivery.id, _delivery.last_error).where(_delivery.id.in_(_IDS))

FIRST_EVENT = select(_event.recorded_at).order_by(_event.id).limit(1)
LAST_EVENT = select(_event.recorded_at).order_by(_event.id.desc()).limit(1)
