"""Look through events and deliveries by what an operator knows of them. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Select

from phlo_hooks.delivery import admin_statements as admin, statements
from phlo_hooks.delivery.criteria import deliveries_selected, events_selected
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.history import delivery_record, event_record
from phlo_hooks.delivery.records import DeliveryRecord, EventRecord
from phlo_hooks.delivery.schema import hook_deliveries, hook_events
from phlo_hooks.delivery.selection import Selection

# Events of 256 KiB are rare; a page of them must still fit into memory.
PAGE = 500


@dataclass(frozen=True)
class AttemptError:
    """Why one attempt failed; `at` is an ISO 8601 time."""

    attempt: int
    at: str
    error: str


class Browsing:
    """Pages of what is selected, oldest first, and how much of it there is."""

    _database: Database

    def select_events(
        self, selection: Selection, *, after_id: int = 0, limit: int = PAGE, newest: bool = False
    ) -> list[EventRecord]:
        """Selected events in the order they were recorded.

        Args:
            selection: which.
            after_id: the `id` of the last event of the page before.
            limit: how many at most.
            newest: the last ones instead of the first; they are in the same order.
        """
        query = statements.EVENTS.where(*events_selected(selection), hook_events.c.id > after_id)
        return [event_record(row) for row in self._page(query, hook_events.c.id, limit, newest)]

    def select_deliveries(
        self, selection: Selection, *, after_id: int = 0, limit: int = PAGE, newest: bool = False
    ) -> list[DeliveryRecord]:
        """Selected deliveries in the order they were made; arguments as for `select_events`."""
        query = statements.DELIVERIES.where(*deliveries_selected(selection), hook_deliveries.c.id > after_id)
        return [delivery_record(row) for row in self._page(query, hook_deliveries.c.id, limit, newest)]

    def count_events(self, selection: Selection) -> int:
        """How many events are selected."""
        return self._count(admin.COUNT_EVENTS.where(*events_selected(selection)))

    def count_deliveries(self, selection: Selection) -> int:
        """How many deliveries are selected."""
        return self._count(admin.COUNT_DELIVERIES.where(*deliveries_selected(selection)))

    def attempt_errors(self, delivery_id: int) -> list[AttemptError]:
        """Why each failed attempt of a delivery failed, the newest last."""
        query = statements.DELIVERIES.where(hook_deliveries.c.id == delivery_id)
        rows = self._database.read(lambda c: c.execute(query).all())
        return [error for row in rows for error in _errors(row.errors)]

    def recorded_between(self) -> tuple[datetime | None, datetime | None]:
        """When the first and the last event that is there were recorded; None twice without any."""

        def work(connection: Connection) -> tuple[datetime | None, datetime | None]:
            ends = (admin.FIRST_EVENT, admin.LAST_EVENT)
            first, last = (connection.execute(query).scalar() for query in ends)
            return first, last

        return self._database.read(work)

    def _page(self, query: Select[Any], order: Column[int], limit: int, newest: bool) -> list[Row[Any]]:
        if newest:
            query = query.order_by(None).order_by(order.desc())
        rows = list(self._database.read(lambda c: c.execute(query.limit(limit)).all()))
        return rows[::-1] if newest else rows

    def _count(self, query: Select[Any]) -> int:
        return int(self._database.read(lambda c: c.execute(query).scalar_one()))


def every_event(store: Browsing, selection: Selection, *, page: int = PAGE) -> Iterator[EventRecord]:
    """All selected events, in the order they were recorded, a page in memory at a time."""
    after = 0
    while found := store.select_events(selection, after_id=after, limit=page):
        yield from found
        after = found[-1].id


def every_delivery(store: Browsing, selection: Selection, *, page: int = PAGE) -> Iterator[DeliveryRecord]:
    """All selected deliveries, in the order they were made, a page in memory at a time."""
    after = 0
    while found := store.select_deliveries(selection, after_id=after, limit=page):
        yield from found
        after = found[-1].delivery_id


def _errors(text: str | None) -> list[AttemptError]:
    kept: list[dict[str, Any]] = json.loads(text or "[]")
    return [
        AttemptError(int(each.get("attempt", 0)), str(each.get("at", "")), str(each.get("error", "")))
        for each in kept
    ]
