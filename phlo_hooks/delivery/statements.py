"""Every statement that the store runs, each with a line of why.

Bind names differ from column names, which SQLAlchemy keeps for VALUES and SET.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from sqlalchemy import (
    Boolean,
    Integer,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from phlo_hooks.delivery.schema import hook_deliveries, hook_events, hook_state

T = TypeVar("T")

# Under the 999 variables that an old SQLite takes in one statement.
CHUNK = 500

_event = hook_events.c
_delivery = hook_deliveries.c
_state = hook_state.c

# -- recording -------------------------------------------------------------------------------------

# Which of these are recorded already; asked first, because nearly all of what a sensor sees is.
KNOWN = select(_event.event_id).where(_event.event_id.in_(bindparam("ids", expanding=True)))

# A plain insert on purpose: no database agrees with another on "on conflict". A process that was faster
# makes it fail, the transaction starts over, and KNOWN then finds what the other one recorded.
INSERT_EVENTS = insert(hook_events)

# The rows just inserted, for their deliveries to point at (MySQL has no RETURNING).
ROWS_OF = select(_event.event_id, _event.id).where(_event.event_id.in_(bindparam("ids", expanding=True)))

INSERT_DELIVERIES = insert(hook_deliveries)

# -- the queue -------------------------------------------------------------------------------------

# The due deliveries of one hook. SKIP LOCKED lets several relays pass one another; SQLite needs none, it
# has one writer at a time.
_DUE = (
    select(
        _delivery.id,
        _delivery.hook,
        _delivery.scope,
        _delivery.attempts,
        _delivery.lease_owner,
        _delivery.next_attempt_at,
        _delivery.created_at,
        _delivery.lane,
        _delivery.replays,
        _delivery.errors,
        _event.body,
    )
    .join_from(hook_deliveries, hook_events, _event.id == _delivery.event_row)
    .where(_delivery.hook == bindparam("of_hook"), _delivery.next_attempt_at <= bindparam("now"))
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True, of=hook_deliveries)
)

# The oldest of one scope first: the beginning of a range of one index.
DUE = _DUE.where(_delivery.scope == bindparam("of_scope")).order_by(_delivery.next_attempt_at, _delivery.id)

# What was recorded before its hook asked for order has no lane, and waits for nobody.
DUE_WITHOUT_LANE = DUE.where(_delivery.lane.is_(None))

# What waits for its next attempt, or what somebody holds a lease on, for any of the code locations that are
# served: the events of one run may be of two. Read once for each claim: PostgreSQL,
# whose statistics of a queue are always old, would else read all that is open for each row.
_held = hook_deliveries.alias("held")
_waiting = (
    select(_held.c.lane, _held.c.id)
    .where(
        _held.c.hook == bindparam("of_hook"),
        _held.c.scope.in_(bindparam("of_scopes", expanding=True)),
        _held.c.lane.is_not(None),
        _held.c.next_attempt_at > bindparam("now"),
    )
    .cte("waiting")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)

# By number, so that of one lane the earlier ones are always among those taken; and none behind one that
# waits.
#
# BETWEEN, where = would do, leaves only the index in which they stand in this order: by the index of what
# is due, SQLite reads and sorts the whole backlog (107 s for 100,000 deliveries in 50 lanes, not 0.1 ms).
DUE_IN_ORDER = _DUE.where(
    _delivery.scope.between(bindparam("of_scope"), bindparam("of_scope")),
    _delivery.lane.is_not(None),
    ~exists().where(_waiting.c.lane == _delivery.lane, _waiting.c.id < _delivery.id),
).order_by(_delivery.scope, _delivery.id)

# Counts the attempt now, not when it ends: an event that kills its process must come to an end too.
LEASE = (
    update(hook_deliveries)
    .where(_delivery.id.in_(bindparam("ids", expanding=True)))
    .values(
        attempts=_delivery.attempts + 1,
        lease_owner=bindparam("owner"),
        next_attempt_at=bindparam("until"),
    )
)

# Only what is open, and only by who holds the lease; in a lane, only while it has not ended: another relay,
# which passes rows that are locked, would take what comes after this one. A success counts from anyone and
# at any time, for the hook has the event, and calling it again would be the worse mistake.
_SETTLE = (
    update(hook_deliveries)
    .where(
        _delivery.next_attempt_at.is_not(None),
        or_(
            and_(
                _delivery.lease_owner == bindparam("owner"),
                or_(_delivery.lane.is_(None), _delivery.next_attempt_at > bindparam("at")),
            ),
            bindparam("succeeded", type_=Boolean),
        ),
    )
    .values(
        state=func.coalesce(bindparam("new_state"), _delivery.state),
        attempts=_delivery.attempts - bindparam("uncounted", type_=Integer),
        next_attempt_at=bindparam("due"),
        lease_owner=None,
        last_error=func.coalesce(bindparam("error"), _delivery.last_error),
        errors=func.coalesce(bindparam("all_errors"), _delivery.errors),
        settled_at=bindparam("settled"),
    )
)

SETTLE_ROW = _SETTLE.where(_delivery.id == bindparam("row"))

# For who recorded the delivery and called the hook at once, without ever reading its row.
SETTLE_KEY = _SETTLE.where(
    _delivery.event_row
    == select(_event.id).where(_event.event_id == bindparam("of_event")).scalar_subquery(),
    _delivery.hook == bindparam("of_hook"),
    _delivery.scope == bindparam("of_scope"),
)

# -- what there is ---------------------------------------------------------------------------------

EVENTS = select(hook_events).order_by(_event.id)

KNOWN_FOR_RUN = select(_event.event_id).where(_event.run_id == bindparam("of_run"))

DELIVERIES = (
    select(hook_deliveries, _event.event_id, _event.event_type)
    .join_from(hook_deliveries, hook_events, _event.id == _delivery.event_row)
    .order_by(_delivery.id)
)

# Open deliveries: the index of what is due holds these and no others.
PENDING_COUNT = select(func.count()).where(_delivery.next_attempt_at.is_not(None))

# Asked five times a second by a relay that has nothing to do.
ANY_DUE = select(_delivery.id).where(_delivery.next_attempt_at <= bindparam("now")).limit(1)

OLDEST_PENDING = select(func.min(_delivery.created_at)).where(_delivery.next_attempt_at.is_not(None))

COUNTS = select(_delivery.hook, _delivery.state, func.count().label("number")).group_by(
    _delivery.hook, _delivery.state
)

# -- state -----------------------------------------------------------------------------------------

_ONE_STATE = and_(_state.namespace == bindparam("of_namespace"), _state.key == bindparam("of_key"))
_LIVE = or_(_state.expires_at.is_(None), _state.expires_at > bindparam("now"))

GET_STATE = select(hook_state).where(_ONE_STATE, _LIVE)

# Many at once: a network's time for one.
GET_STATES = select(hook_state).where(
    _state.namespace == bindparam("of_namespace"),
    _state.key.in_(bindparam("keys", expanding=True)),
    _LIVE,
)

# Which of these keys have a row at all, be it one that has expired.
STATE_ROWS = select(_state.key).where(
    _state.namespace == bindparam("of_namespace"),
    _state.key.in_(bindparam("keys", expanding=True)),
)

# Keys that begin like this; a range, not LIKE, whose % and _ are ordinary characters of a key.
LIST_STATE = select(hook_state).where(_state.namespace == bindparam("of_namespace"), _LIVE)

INSERT_STATE = insert(hook_state)

_NEW_STATE = {
    "value": bindparam("new_value"),
    "version": _state.version + 1,
    "updated_at": bindparam("now"),
    "expires_at": bindparam("expires"),
}

# Whatever is there; also what has expired, so that versions go on and an old one never fits again.
PUT_STATE = update(hook_state).where(_ONE_STATE).values(_NEW_STATE)

# Only this very version of what has not expired.
SWAP_STATE = PUT_STATE.where(_state.version == bindparam("expected"), _LIVE)

# Only what has expired, which counts as absent.
RENEW_STATE = PUT_STATE.where(_state.expires_at <= bindparam("now"))

DELETE_STATE = delete(hook_state).where(_ONE_STATE)

EXPIRE_STATE = delete(hook_state).where(_state.expires_at <= bindparam("now"))


def chunks(items: list[T]) -> Iterator[list[T]]:
    """`items` in lists that one statement takes."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
