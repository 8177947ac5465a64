"""What the store knows: events, where each of them went, and what is still to do. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select

from phlo_hooks.delivery import statements
from phlo_hooks.delivery.columns import exact
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.records import (
    DeliveryRecord,
    DeliveryState,
    EventRecord,
)
from phlo_hooks.delivery.schema import hook_deliveries, hook_events
from phlo_hooks.events import HookEvent


class History:
    """The reading end of the store."""

    _database: Database

    def known_for_run(self, run_id: str) -> frozenset[str]:
        """The ids of all events recorded for a run."""
        where = {"of_run": exact(run_id)}
        return self._database.read(lambda c: frozenset(c.execute(statements.KNOWN_FOR_RUN, where).scalars()))

    def get_event(self, event_id: str) -> EventRecord | None:
        """One event; None when it was never recorded."""
        found = self._events(statements.EVENTS.where(hook_events.c.event_id == exact(event_id)))
        return found[0] if found else None

    def events(
        self,
        *,
        run_id: str | None = None,
        event_type: str | None = None,
        after_id: int = 0,
        limit: int = 1000,
    ) -> list[EventRecord]:
        """Events in the order they were recorded, a page at a time.

        For reading, not for a cursor that must see every event: two transactions may commit in another
        order than they took their numbers in.

        Args:
            run_id: of this run only.
            event_type: of this type only.
            after_id: the `id` of the last event of the page before.
            limit: how many at most.
        """
        query = statements.EVENTS.where(hook_events.c.id > after_id)
        if run_id is not None:
            query = query.where(hook_events.c.run_id == exact(run_id))
        if event_type is not None:
            query = query.where(hook_events.c.event_type == event_type)
        return self._events(query.limit(limit))

    def deliveries(self, *, event_id: str | None = None, run_id: str | None = None) -> list[DeliveryRecord]:
        """Where an event, or every event of a run, went."""
        query = statements.DELIVERIES
        if event_id is not None:
            query = query.where(hook_events.c.event_id == exact(event_id))
        if run_id is not None:
            query = query.where(hook_events.c.run_id == exact(run_id))
        rows = self._database.read(lambda c: c.execute(query).all())
        return [delivery_record(row) for row in rows]

    def pending_count(
        self,
        *,
        hooks: Collection[str] | None = None,
        scopes: Collection[str] | None = None,
        due_at: datetime | None = None,
    ) -> int:
        """How many deliveries are open.

        Args:
            hooks, scopes: of these only.
            due_at: only those that a relay could take at that time.
        """
        query = _only(statements.PENDING_COUNT, hooks, scopes)
        if due_at is not None:
            query = query.where(hook_deliveries.c.next_attempt_at <= due_at)
        return int(self._database.read(lambda c: c.execute(query).scalar_one()))

    def any_due(self, hooks: Collection[str], scopes: Collection[str], at: datetime) -> bool:
        """Whether a relay for these could take anything at that time; as cheap as a look gets."""
        query = _only(statements.ANY_DUE, hooks, scopes)
        return self._database.read(lambda c: c.execute(query, {"now": at}).first()) is not None

    def oldest_pending(
        self, *, hooks: Collection[str] | None = None, scopes: Collection[str] | None = None
    ) -> datetime | None:
        """Since when the oldest open delivery has been waiting; None when there is none."""
        query = _only(statements.OLDEST_PENDING, hooks, scopes)
        oldest: datetime | None = self._database.read(lambda c: c.execute(query).scalar())
        return oldest

    def counts(self) -> dict[tuple[str, DeliveryState], int]:
        """How many deliveries each hook has in each state."""
        rows = self._database.read(lambda c: c.execute(statements.COUNTS).all())
        return {(row.hook, DeliveryState(row.state)): row.number for row in rows}

    def _events(self, query: Select[Any]) -> list[EventRecord]:
        return [event_record(row) for row in self._database.read(lambda c: c.execute(query).all())]


def events_of_run(store: History, run_id: str) -> Iterator[HookEvent]:
    """Every event of a run, in the order they were recorded."""
    after = 0
    while page := store.events(run_id=run_id, after_id=after):
        yield from (record.event for record in page)
        after = page[-1].id


def _only(query: Select[Any], hooks: Collection[str] | None, scopes: Collection[str] | None) -> Select[Any]:
    if hooks is not None:
        query = query.where(hook_deliveries.c.hook.in_(hooks))
    return query if scopes is None else query.where(hook_deliveries.c.scope.in_(scopes))


def event_record(row: Row[Any]) -> EventRecord:
    """The record of a row of `statements.EVENTS`."""
    return EventRecord(
        id=row.id,
        event_id=row.event_id,
        event_type=row.event_type,
        timestamp=row.timestamp,
        recorded_at=row.recorded_at,
        run_id=row.run_id,
        body=row.body,
    )


def delivery_record(row: Row[Any]) -> DeliveryRecord:
    """The record of a row of `statements.DELIVERIES`."""
    return DeliveryRecord(
        delivery_id=row.id,
        event_id=row.event_id,
        event_type=row.event_type,
        hook=row.hook,
        scope=row.scope,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        lease_owner=row.lease_owner,
        last_error=row.last_error,
        lane=row.lane,
        replays=row.replays,
        errors=row.errors,
        created_at=row.created_at,
        settled_at=row.settled_at,
    )
