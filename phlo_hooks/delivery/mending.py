"""Try again, discard, replay: what an operator does once the receiver works again.

Each works through its deliveries in small transactions, so that no lock is held for long. One that is killed
in between has done a part of its work; the same call again does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Update

from phlo_hooks.delivery import admin_statements as admin, statements
from phlo_hooks.delivery.columns import bounded_error, delivery_row
from phlo_hooks.delivery.criteria import deliveries_alone
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.records import Instant, Target
from phlo_hooks.delivery.selection import Selection

# Rows of one transaction: a few milliseconds.
BATCH = 500


class PastEvent(NamedTuple):
    """An event in the store, by its row, and the lane in which a hook wants it."""

    row: int
    lane: str | None = None


class Mending:
    """The repairing end of the store."""

    _database: Database
    clock: Callable[[], datetime]

    def retry(self, selection: Selection) -> int:
        """Have dead deliveries tried again, and those that wait for a later time tried now.

        A dead one starts over: all attempts of its schedule are before it, its errors are kept. One that is
        being called right now, or is due anyway, is left alone.

        Returns:
            How many deliveries are due now that were not before.
        """
        now = {"now": self.clock()}
        dead = self._change(selection, admin.DEAD, admin.REOPEN, now)
        return dead + self._change(selection, admin.WAITING, admin.MAKE_DUE, now)

    def discard(self, selection: Selection, reason: str) -> int:
        """Give up deliveries that are dead or open; one that is being called right now is left alone.

        Args:
            selection: which.
            reason: is kept with each of them.

        Returns:
            How many were discarded.
        """
        values = {"now": self.clock(), "reason": bounded_error(f"discarded: {reason}")}
        dead = self._change(selection, admin.DEAD, admin.DISCARD, values)
        return dead + self._change(selection, admin.DISCARDABLE_OPEN, admin.DISCARD, values)

    def replay(self, selection: Selection, *, settled_before: Instant | None = None) -> int:
        """Deliver once more what is settled, under the same event ids.

        What is open will be delivered anyway, and is left alone.

        Args:
            selection: which.
            settled_before: leaves alone what was settled later: give the time at which a replay that was
                killed began, and nothing is replayed twice. Now, without.

        Returns:
            How many deliveries will be made again.
        """
        now = self.clock()
        values = {"now": now, "time": now if settled_before is None else settled_before}
        return self._change(selection, admin.REPLAYABLE, admin.REPLAY, values)

    def give_history(
        self,
        hook: str,
        events: Iterable[PastEvent],
        *,
        scope: str = "",
        settled_before: Instant | None = None,
    ) -> int:
        """Have a hook get recorded events that it never got; those that it has are left alone.

        Args:
            hook: `plugin.hook_name`.
            events: in the order in which they are to be delivered.
            scope: the code location that has the hook.
            settled_before: give it once more what was settled before this time, too. A replay keeps the place
                that a delivery had; this one puts all events in order, those that are new to the hook among
                them.

        Returns:
            How many deliveries were added.

        Raises:
            ConfigurationError: a name is too long for the tables.
        """
        target, rest, added = Target(hook, scope), iter(events), 0
        with self._database.connected():
            while batch := list(islice(rest, BATCH)):
                added += self._give(target, batch, settled_before)
        return added

    def _give(self, target: Target, batch: Sequence[PastEvent], settled_before: Instant | None) -> int:
        now = self.clock()

        def work(connection: Connection) -> int:
            if settled_before is not None:
                _take_back(connection, target, batch, settled_before)
            rows = [_history_row(event, target, now) for event in _missing(connection, target, batch)]
            if rows:
                connection.execute(statements.INSERT_DELIVERIES, rows)
            return len(rows)

        return self._database.write(work)

    def _change(
        self, selection: Selection, which: ColumnElement[bool], change: Update, values: dict[str, Any]
    ) -> int:
        """Change those of the selection that are `which`, still so when it is their turn."""
        query, changed = change.where(which), 0
        with self._database.connected():
            for ids in self._pages(selection, which, values):
                changed += self._execute(query, {**values, "ids": ids})
        return changed

    def _pages(
        self, selection: Selection, which: ColumnElement[bool], values: dict[str, Any]
    ) -> Iterator[Sequence[int]]:
        query = admin.DELIVERY_IDS.where(which, *deliveries_alone(selection))
        page = {**values, "most": BATCH, "after": 0}
        while ids := self._ids(query, page):
            yield ids
            page["after"] = ids[-1]

    def _ids(self, query: Select[int], where: dict[str, Any]) -> Sequence[int]:
        return self._database.read(lambda c: c.execute(query, where).scalars().all())

    def _execute(self, query: Update, values: dict[str, Any]) -> int:
        return self._database.write(lambda connection: connection.execute(query, values).rowcount)


def _take_back(connection: Connection, target: Target, batch: Sequence[PastEvent], before: Instant) -> None:
    """What is settled is made anew, since an order can only be had from the numbers of new rows."""
    settled: Sequence[int] = (
        connection.execute(admin.SETTLED_BY, {**_of(target, batch), "time": before}).scalars().all()
    )
    if settled:
        connection.execute(admin.TAKE_BACK, {"ids": settled})


def _of(target: Target, batch: Sequence[PastEvent]) -> dict[str, Any]:
    return {"ids": [event.row for event in batch], "of_hook": target.hook, "of_scope": target.scope}


def _missing(connection: Connection, target: Target, batch: Sequence[PastEvent]) -> list[PastEvent]:
    where = _of(target, batch)
    there: set[int] = set(connection.execute(admin.EVENT_ROWS, where).scalars())
    got: set[int] = set(connection.execute(admin.GOT_BY, where).scalars())
    return [event for event in batch if event.row in there - got]


def _history_row(event: PastEvent, target: Target, now: datetime) -> dict[str, Any]:
    row = delivery_row(event.row, Target(target.hook, target.scope, lane=event.lane), now)
    return {**row, "replays": 1}
