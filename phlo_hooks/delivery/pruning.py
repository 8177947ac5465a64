"""Forget what is old and done, a little at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Delete

from phlo_hooks.delivery import admin_statements as admin
from phlo_hooks.delivery.database import Database
from phlo_hooks.errors import ConfigurationError

# Rows of one transaction: a few milliseconds, in which SQLite has no other writer.
PRUNE_BATCH = 500
# Less than the time in which a sensor's tick must end.
PRUNE_BUDGET = 20.0


@dataclass(frozen=True)
class Pruned:
    """What a prune deleted; `complete` unless its time ran out before the end."""

    deliveries: int
    events: int
    complete: bool


class Pruning:
    """The forgetting end of the store."""

    _database: Database
    clock: Callable[[], datetime]

    def prune(
        self, older_than: datetime, *, batch: int = PRUNE_BATCH, budget: float = PRUNE_BUDGET
    ) -> Pruned:
        """Delete deliveries that were made or discarded before a time, then events that have none left.

        What is open or dead is never deleted, and neither is its event. An event goes when it was recorded
        before the time and no delivery of it is left, or never was.

        Args:
            older_than: an aware time.
            batch: rows of one transaction.
            budget: seconds after which to stop; the next call goes on.

        Raises:
            ConfigurationError: the time has no zone, or the batch no rows.
        """
        if older_than.tzinfo is None or batch < 1:
            raise ConfigurationError(
                f"prune(older_than={older_than!r}, batch={batch}): use an aware time and a batch from 1 up"
            )
        patience = _Patience(budget)
        with self._database.connected():
            deliveries = self._delete(
                admin.DELETE_DELIVERIES, self._old_deliveries(older_than, batch), older_than, patience
            )
            events = self._delete(
                admin.DELETE_EVENTS, self._old_events(older_than, batch), older_than, patience
            )
        return Pruned(deliveries, events, not patience.cut_short)

    def _delete(
        self, query: Delete, pages: Iterator[Sequence[int]], older_than: datetime, patience: _Patience
    ) -> int:
        deleted = 0
        for ids in patience.while_it_lasts(pages):
            deleted += self._execute_delete(query, {"ids": ids, "time": older_than})
        return deleted

    def _execute_delete(self, query: Delete, values: dict[str, Any]) -> int:
        return self._database.write(lambda connection: connection.execute(query, values).rowcount)

    def _old_deliveries(self, older_than: datetime, batch: int) -> Iterator[Sequence[int]]:
        where = {"time": older_than, "most": batch}
        before: Sequence[int] = ()
        while ids := self._prunable(where):
            if ids == before:  # none of them could be deleted: they are not to be asked for for ever
                return
            yield ids
            before = ids

    def _prunable(self, where: dict[str, Any]) -> Sequence[int]:
        return self._database.read(lambda c: c.execute(admin.OLD_DELIVERIES, where).scalars().all())

    def _old_events(self, older_than: datetime, batch: int) -> Iterator[Sequence[int]]:
        page = {"after": 0, "most": batch}
        while rows := self._database.read(lambda c: c.execute(admin.EVENT_PAGE, page).all()):
            ids = [row.id for row in rows if row.recorded_at < older_than]
            if not ids:
                return
            yield ids
            page["after"] = rows[-1].id


class _Patience:
    """Ends an iteration when the time is up, and knows whether it did."""

    def __init__(self, budget: float) -> None:
        self._deadline = time.monotonic() + budget
        self.cut_short = False

    def while_it_lasts(self, pages: Iterator[Sequence[int]]) -> Iterator[Sequence[int]]:
        for page in pages:
            if time.monotonic() >= self._deadline:
                self.cut_short = True
                return
            yield page
