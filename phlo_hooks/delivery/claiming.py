"""The queue: who may call a hook for which event, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row, Select

from phlo_hooks.delivery import statements
from phlo_hooks.delivery.columns import bounded_error, exact
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.recording import tell
from phlo_hooks.delivery.records import Claim, DeliveryKey, DeliveryState, Settlement, StateWrite, Want
from phlo_hooks.delivery.state import put
from phlo_hooks.errors import EventError
from phlo_hooks.events import HookEvent

# Its rows are only there to be locked.
_TURN = "turn"
_OPEN = (DeliveryState.PENDING, DeliveryState.RETRYING, None)


class Claiming:
    """The delivering end of the store."""

    _database: Database
    clock: Callable[[], datetime]

    def claim(self, wants: Iterable[Want], *, scopes: Collection[str], owner: str) -> list[Claim]:
        """Take due deliveries: each is this owner's until the lease ends, and counts as an attempt.

        Due is what has never been tried, what is to be tried again by now, and what somebody claimed and
        did not settle before the lease ended. The last kind comes one at a time for each hook: one of them
        killed its process, and the others must not be counted as tried with it each time.

        An event that this release cannot read goes to the dead letters instead.

        Args:
            wants: the hooks that can be called here, and how much of their work is wanted; the oldest first.
            scopes: the code locations that are served here.
            owner: who claims; unique for each relay.
        """
        now, asked = self.clock(), {want.hook: want for want in wants if want.limit > 0}

        def work(connection: Connection) -> list[Row[Any]]:
            return [row for want in asked.values() for row in _take(connection, want, scopes, owner, now)]

        rows = self._database.write(work) if asked and scopes else []
        return self._read(rows, owner, now, asked)

    def settle(self, results: Iterable[Settlement], *, owner: str) -> None:
        """Record what became of deliveries that `owner` has leased.

        Nothing changes where the lease has ended and someone else took the delivery, or where it is
        settled already; but a success counts whenever it comes, because the hook has the event.
        """
        now = self.clock()
        # One order for all processes: two that settle the same rows then wait instead of deadlocking.
        ordered = sorted(results, key=_order)
        news = [result for result in ordered if result.told is not None]
        plain = [result for result in ordered if result.told is None]
        by_row = [_values(each, owner, now) for each in plain if not isinstance(each.delivery, DeliveryKey)]
        by_key = [_values(each, owner, now) for each in plain if isinstance(each.delivery, DeliveryKey)]

        def work(connection: Connection) -> None:
            if by_row:
                connection.execute(statements.SETTLE_ROW, by_row)
            if by_key:
                connection.execute(statements.SETTLE_KEY, by_key)
            for each in news:
                _settle_and_tell(connection, each, owner, now)

        if ordered:
            self._database.write(work)

    def _read(
        self, rows: Sequence[Row[Any]], owner: str, now: datetime, wants: Mapping[str, Want]
    ) -> list[Claim]:
        claims: list[Claim] = []
        unreadable: list[Settlement] = []
        for row in rows:
            try:
                until = now + timedelta(seconds=wants[row.hook].lease)
                claims.append(_claim(row, HookEvent.from_json(row.body), owner, until))
            except EventError as exc:
                unreadable.append(Settlement.dead(row.id, f"the event cannot be read: {exc}"))
        self.settle(unreadable, owner=owner)
        return claims


def _take(
    connection: Connection, want: Want, scopes: Collection[str], owner: str, now: datetime
) -> list[Row[Any]]:
    if want.ordered and connection.dialect.name != "sqlite":
        # One relay at a time: what another one is about to lease is not seen, nor what it leased just now.
        put(connection, StateWrite(_TURN, want.hook, None), now)
    rows = _due(connection, want, scopes, now)
    if len(rows) < want.fill and not _waited(rows, want.wait, now):
        return []
    if rows:
        until = now + timedelta(seconds=want.lease)
        connection.execute(
            statements.LEASE, {"ids": [row.id for row in rows], "owner": owner, "until": until}
        )
    return rows


def _due(connection: Connection, want: Want, scopes: Collection[str], now: datetime) -> list[Row[Any]]:
    queries = _queries(want)
    rows: list[Row[Any]] = []
    everywhere = {"of_hook": want.hook, "of_scopes": list(scopes), "now": now, "most": want.limit}
    for scope in set(scopes):
        where = {**everywhere, "of_scope": scope}
        for query in queries:
            rows.extend(connection.execute(query, where))
    rows.sort(key=lambda row: row.id if want.ordered else (row.next_attempt_at, row.id))
    return _apart(rows[: want.limit])


def _queries(want: Want) -> tuple[Select[Any], ...]:
    if not want.ordered:
        return (statements.DUE,)
    in_order = (statements.DUE_IN_ORDER,)
    return (*in_order, statements.DUE_WITHOUT_LANE) if want.laneless else in_order


def _waited(rows: Sequence[Row[Any]], wait: float, now: datetime) -> bool:
    return any((now - row.next_attempt_at).total_seconds() >= wait for row in rows)


def _settle_and_tell(connection: Connection, result: Settlement, owner: str, now: datetime) -> None:
    by_key = isinstance(result.delivery, DeliveryKey)
    query = statements.SETTLE_KEY if by_key else statements.SETTLE_ROW
    if connection.execute(query, _values(result, owner, now)).rowcount and result.told is not None:
        tell(connection, result.told, now)


def _apart(rows: list[Row[Any]]) -> list[Row[Any]]:
    """Those never abandoned, up to the first that was; that one alone, when it comes first."""
    return list(takewhile(lambda row: row.lease_owner is None, rows)) or rows[:1]


def _claim(row: Row[Any], event: HookEvent, owner: str, until: datetime) -> Claim:
    return Claim(
        delivery_id=row.id,
        event=event,
        hook=row.hook,
        scope=row.scope,
        attempts=row.attempts + 1,
        owner=owner,
        lease_until=until,
        created_at=row.created_at,
        lane=row.lane,
        replays=row.replays,
        errors=row.errors,
    )


def _order(result: Settlement) -> tuple[int, tuple[str, ...]]:
    delivery = result.delivery
    return (0, delivery) if isinstance(delivery, DeliveryKey) else (delivery, ())


def _values(result: Settlement, owner: str, now: datetime) -> dict[str, Any]:
    values = {
        "owner": owner,
        "at": now,
        "succeeded": result.state is DeliveryState.DELIVERED,
        "new_state": result.state and result.state.value,
        "uncounted": int(not result.counted),
        "due": None if result.after is None else now + timedelta(seconds=result.after),
        "error": bounded_error(result.error),
        "all_errors": result.errors,
        "settled": None if result.state in _OPEN else now,
    }
    if isinstance(result.delivery, DeliveryKey):
        event_id, hook, scope = result.delivery
        return {**values, "of_event": exact(event_id), "of_hook": hook, "of_scope": scope}
    return {**values, "row": result.delivery}
