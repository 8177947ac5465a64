"""What has happened since a moment, as the hooks of a resource would have got it."""

from __future__ import annotations

from collections.abc import Iterator, Set as AbstractSet
from datetime import datetime

import dagster as dg

from phlo_hooks.cli.history import readable, run_locations
from phlo_hooks.cli.openmetadata.setups import Target
from phlo_hooks.delivery.browsing import every_event
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import DefinitionsEvent, HookEvent, RunEvent

RUN_ENDS = ("run.success", "run.failure", "run.canceled")
# Of runs that are read from Dagster's own storage.
_PAGE = 100


class Past:
    """Events of a code location in the order in which they were recorded, then what only Dagster's log has.

    Args:
        target: whose resource it is.
        instance: Dagster's.
        store: None where there is none.
        since: the events are of then, or later.
    """

    def __init__(
        self, target: Target, instance: dg.DagsterInstance, store: HookStore | None, since: datetime
    ) -> None:
        self._target, self._instance, self._store, self.since = target, instance, store, since
        self._bus = target.location.runtime.bus(instance)
        self._where = run_locations(instance)

    def of(self, part: str) -> Iterator[HookEvent]:
        """Those that the hook of a part wants."""
        hook = f"{self._target.key}.{part}"
        for event in self._all():
            if any(each.qualified_name == hook for each in self._bus.match(event)):
                yield event

    def _all(self) -> Iterator[HookEvent]:
        told, ended = set[str](), set[str | None]()
        for event in self._recorded():
            told.add(event.event_id)
            if isinstance(event, RunEvent) and event.event_type in RUN_ENDS:
                ended.add(event.run_id)
            # What the definitions say is brought up to date anyway.
            if not isinstance(event, DefinitionsEvent) and self._is_ours(event.run_id):
                yield event
        for run_id in self._runs():
            if run_id not in ended and self._is_ours(run_id):
                events = self._target.location.runtime.read_run(self._instance, run_id)
                yield from (each for each in events if self._is_news(each, told))

    def _is_news(self, event: HookEvent, told: AbstractSet[str]) -> bool:
        return event.timestamp >= self.since and event.event_id not in told

    def _recorded(self) -> Iterator[HookEvent]:
        if self._store is None:
            return
        for _, event in readable(every_event(self._store, Selection(since=self.since))):
            yield event

    def _runs(self) -> Iterator[str]:
        """Runs of Dagster that have changed since then, the oldest first."""
        filters, cursor = dg.RunsFilter(updated_after=self.since), None
        while True:
            records = self._instance.get_run_records(filters, limit=_PAGE, cursor=cursor, ascending=True)
            yield from (record.dagster_run.run_id for record in records)
            if len(records) < _PAGE:
                return
            cursor = records[-1].dagster_run.run_id

    def _is_ours(self, run_id: str | None) -> bool:
        return not run_id or self._where(run_id) in (None, self._target.location.name)
