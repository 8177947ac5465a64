"""What was recorded before a hook was there, or before it worked, as it would be delivered to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import click

from phlo_hooks.delivery.browsing import every_event
from phlo_hooks.delivery.mending import PastEvent
from phlo_hooks.delivery.records import EventRecord
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import EventError
from phlo_hooks.events import HookEvent

if TYPE_CHECKING:
    import dagster as dg

    from phlo_hooks.bus import HookBus


class HookHistory(NamedTuple):
    """A hook, and where it is.

    Args:
        hook: `plugin.hook_name`.
        scope: the code location that has it.
        run_location: gives the code location of a run; None where nobody knows.
    """

    store: HookStore
    bus: HookBus
    hook: str
    scope: str
    run_location: Callable[[str], str | None]

    def wanted(self, selection: Selection) -> Iterator[PastEvent]:
        """The selected events that the hook wants and this release can read."""
        for record, event in readable(every_event(self.store, selection)):
            if not self._is_theirs(event):
                lanes = (
                    each.lane(event) for each in self.bus.match(event) if each.qualified_name == self.hook
                )
                yield from (PastEvent(record.id, lane) for lane in lanes)

    def _is_theirs(self, event: HookEvent) -> bool:
        """Whether it is of a run of another code location, whose hooks have it."""
        where = self.run_location(event.run_id) if event.run_id else None
        return where not in (None, self.scope)


def readable(records: Iterable[EventRecord]) -> Iterator[tuple[EventRecord, HookEvent]]:
    """Those that this release can read, with their events; of the others the terminal is told."""
    for record in records:
        try:
            yield record, record.event
        except EventError as exc:
            click.echo(f"event {record.event_id} is left out, it cannot be read: {exc}", err=True)


def run_locations(instance: dg.DagsterInstance) -> Callable[[str], str | None]:
    """What the instance says of where its runs came from; of one that a script executed, it says nothing."""
    from phlo_hooks.producers.runlog import RunFacts

    @lru_cache(maxsize=10_000)
    def location(run_id: str) -> str | None:
        run = instance.get_run_by_id(run_id)
        return RunFacts.of(run).location if run else None

    return location
