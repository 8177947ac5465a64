"""The queue: who may call a hook for which event, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row

from phlo_hooks.delivery import statements
from phlo_hooks.delivery.columns import bounded_error, exact
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.records import Claim, DeliveryKey, DeliveryState, Settlement
from phlo_hooks.errors import EventError
from phlo_hooks.events import HookEvent
from phlo_hooks.retry import seconds

_OPEN = (DeliveryState.PENDING, DeliveryState.RETRYING, None)


class Claiming:
    """The delivering end of the store."""

    _database: Database
    clock: Callable[[], datetime]

    def claim(
        self,
        hooks: Collection[str],
        *,
        scopes: Collection[str],
        owner: str,
        lease: float | timedelta,
        limit: int,
    ) -> list[Claim]:
        """Take due deliveries: each is this owner's until the lease ends, and counts as an attempt.

        Due is what has never been tried, what is to be tried again by now, and what somebody claimed and
        did not settle before the lease ended. The last kind comes one at a time for each hook: one of them
        killed its process, and the others must not be counted as tried with it each time.

        An event that this release cannot read goes to the dead letters instead.

        Args:
            hooks: `plugin.hook_name` of the hooks that can be called here.
            scopes: the code locations that are served here.
            owner: who claims; unique for each relay.
            lease: how long until someone else may take them.
            limit: at most this many for each hook, the oldest first.
        """
        now = self.clock()
        until = now + timedelta(seconds=seconds(lease))

        def work(connection: Connection) -> list[Row[Any]]:
            rows = [
                row for hook in dict.fromkeys(hooks) for row in _due(connection, hook, scopes, now, limit)
            ]
            if rows:
                taken = {"ids": [row.id for row in rows], "owner": owner, "until": until}
                connection.execute(statements.LEASE, taken)
            return rows

        rows = self._database.write(work) if hooks and scopes and limit > 0 else []
        return self._read(rows, owner, until)

    def settle(self, results: Iterable[Settlement], *, owner: str) -> None:
        """Record what became of deliveries that `owner` has leased.

        Nothing changes where the lease has ended and someone else took the delivery, or where it is
        settled already; but a success counts whenever it comes, because the hook has the event.
        """
        now = self.clock()
        by_row: list[dict[str, Any]] = []
        by_key: list[dict[str, Any]] = []
        # One order for all processes: two that settle the same rows then wait instead of deadlocking.
        for result in sorted(results, key=_order):
            rows = by_key if isinstance(result.delivery, DeliveryKey) else by_row
            rows.append(_values(result, owner, now))

        def work(connection: Connection) -> None:
            if by_row:
                connection.execute(statements.SETTLE_ROW, by_row)
            if by_key:
                connection.execute(statements.SETTLE_KEY, by_key)

        if by_row or by_key:
            self._database.write(work)

    def _read(self, rows: Sequence[Row[Any]], owner: str, until: datetime) -> list[Claim]:
        claims: list[Claim] = []
        unreadable: list[Settlement] = []
        for row in rows:
            try:
                claims.append(_claim(row, HookEvent.from_json(row.body), owner, until))
            except EventError as exc:
                unreadable.append(Settlement.dead(row.id, f"the event cannot be read: {exc}"))
        self.settle(unreadable, owner=owner)
        return claims


def _due(
    connection: Connection, hook: str, scopes: Collection[str], now: datetime, limit: int
) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    for scope in set(scopes):
        where = {"of_hook": hook, "of_scope": scope, "now": now, "most": limit}
        rows.extend(connection.execute(statements.DUE, where))
    rows.sort(key=lambda row: (row.next_attempt_at, row.id))
    return _apart(rows[:limit])


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
    )


def _order(result: Settlement) -> tuple[int, tuple[str, ...]]:
    delivery = result.delivery
    return (0, delivery) if isinstance(delivery, DeliveryKey) else (delivery, ())


def _values(result: Settlement, owner: str, now: datetime) -> dict[str, Any]:
    values = {
        "owner": owner,
        "succeeded": result.state is DeliveryState.DELIVERED,
        "new_state": result.state and result.state.value,
        "uncounted": int(not result.counted),
        "due": None if result.after is None else now + timedelta(seconds=result.after),
        "error": bounded_error(result.error),
        "settled": None if result.state in _OPEN else now,
    }
    if isinstance(result.delivery, DeliveryKey):
        event_id, hook, scope = result.delivery
        return {**values, "of_event": exact(event_id), "of_hook": hook, "of_scope": scope}
    return {**values, "row": result.delivery}
