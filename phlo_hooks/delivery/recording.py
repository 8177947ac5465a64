"""Record events with their deliveries, each once, whoever else records them at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from phlo_hooks.delivery import statements
from phlo_hooks.delivery.columns import delivery_row, event_row, exact
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.records import Entry, StateWrite, Told
from phlo_hooks.delivery.state import check_state, put, put_all


class Recording:
    """The writing end of the store."""

    _database: Database
    clock: Callable[[], datetime]

    def record(self, entries: Sequence[Entry], *, state: Sequence[StateWrite] = ()) -> frozenset[str]:
        """Record the events that are not known yet, with a delivery for each of their targets.

        All of it is one transaction, or none: events, deliveries and `state`. A known event is left as it
        is, and gets no further deliveries; of two entries with one id, the first counts.

        Returns:
            The ids of the events that this call recorded.

        Raises:
            StoreUnavailableError: nothing was recorded; the same call may work later.
        """
        now = self.clock()
        batch: dict[str, Entry] = {}
        for entry in entries:
            batch.setdefault(exact(entry.event.event_id), entry)
        rows = {key: event_row(entry.event, now) for key, entry in batch.items()}
        for write in state:
            check_state(write.namespace, write.key)

        def work(connection: Connection) -> frozenset[str]:
            new = {key: batch[key] for key in _unknown(connection, list(batch))}
            _insert(connection, new, [rows[key] for key in new], now)
            for write in state:
                put(connection, write, now)
            return frozenset(entry.event.event_id for entry in new.values())

        return self._database.write(work) if entries or state else frozenset()

    def swap(self, write: StateWrite, expected_version: int, told: Iterable[Told] = ()) -> bool:
        """Keep a value if nobody wrote meanwhile, and record what is to be told of it; all or nothing.

        Args:
            write: what to keep.
            expected_version: of the entry that was read; 0 when there was none.
            told: what the change brings about.
        """
        return self.swap_all([(write, expected_version)], told)

    def swap_all(self, writes: Sequence[tuple[StateWrite, int]], told: Iterable[Told] = ()) -> bool:
        """As `swap`, for several values: if somebody wrote one of them meanwhile, nothing is kept.

        Args:
            writes: each with the version of the entry that was read; 0 when there was none.
            told: what the changes bring about.
        """
        now, news = self.clock(), list(told)
        for write, _ in writes:
            check_state(write.namespace, write.key)

        def work(connection: Connection) -> bool:
            if not put_all(connection, writes, now):
                raise _Outrun
            for each in news:
                tell(connection, each, now)
            return True

        try:
            return self._database.write(work)
        except _Outrun:
            return False

    def known(self, event_ids: Iterable[str]) -> frozenset[str]:
        """Those of `event_ids` that are recorded."""
        by_key = {exact(event_id): event_id for event_id in event_ids}

        def work(connection: Connection) -> frozenset[str]:
            return frozenset(by_key[key] for key in _known(connection, list(by_key)))

        return self._database.read(work) if by_key else frozenset()


class _Outrun(Exception):
    """Somebody else wrote first: undoes what the transaction has written so far."""


def tell(connection: Connection, told: Told, now: datetime) -> None:
    """Record an event of the bus's own within a transaction of something else."""
    event = told.entry.event
    key = exact(event.event_id)
    if _known(connection, [key]):
        return
    _insert(connection, {key: told.entry}, [event_row(event, now)], now)
    for write in told.state:
        put(connection, write, now)


def _known(connection: Connection, keys: list[str]) -> set[str]:
    found: set[str] = set()
    for ids in statements.chunks(keys):
        found.update(connection.execute(statements.KNOWN, {"ids": ids}).scalars())
    return found


def _unknown(connection: Connection, keys: list[str]) -> list[str]:
    known = _known(connection, keys)
    return [key for key in keys if key not in known]


def _insert(connection: Connection, new: dict[str, Entry], rows: list[dict[str, Any]], now: datetime) -> None:
    if not new:
        return
    connection.execute(statements.INSERT_EVENTS, rows)
    targeted = [key for key, entry in new.items() if entry.targets]
    row_of = _row_ids(connection, targeted)
    deliveries = [
        delivery_row(row_of[key], target, now)
        for key in targeted
        for target in {(target.hook, target.scope): target for target in new[key].targets}.values()
    ]
    if deliveries:
        connection.execute(statements.INSERT_DELIVERIES, deliveries)


def _row_ids(connection: Connection, keys: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for ids in statements.chunks(keys):
        rows = connection.execute(statements.ROWS_OF, {"ids": ids})
        found.update({row.event_id: row.id for row in rows})
    return found
