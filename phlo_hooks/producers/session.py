"""One run in one process: where its events are emitted from."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import dagster as dg
from dagster import DagsterEvent, DagsterEventType

from phlo_hooks.bus import HookBus, passage
from phlo_hooks.dispatch import Delivery
from phlo_hooks.envelope import redacted, utc_now
from phlo_hooks.events import HookCorrelation, HookEvent
from phlo_hooks.limits import bounded
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.runlog import (
    PLANS,
    RELEVANT,
    Planned,
    Recorded,
    RunFacts,
    RunLog,
    StepAttempt,
    T,
    planned_by_step,
    previous_attempts,
    recorded,
)
from phlo_hooks.producers.translate import Place, run_events, translate_attempt
from phlo_hooks.redaction import Redactor

logger = logging.getLogger("phlo_hooks.session")


class RunSession:
    """What a run's process knows of the run, and the bus its events go to.

    Args:
        instance: the run's Dagster instance.
        run: the run.
        catalog: what the definitions say of the assets.
        bus: where events go.
        redactor: knows the values that no hook may see.
        recorded: is called when a step's events were recorded.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        run: RunFacts,
        catalog: Catalog,
        bus: HookBus,
        redactor: Redactor | None = None,
        recorded: Callable[[], None] = lambda: None,
    ) -> None:
        self._recorded = recorded
        self.instance = instance
        self.run = run
        self.catalog = catalog
        self.bus = bus
        self._redactor = redactor or Redactor()
        self._told_beginning = False
        self._passed: set[tuple[str, str | None, str]] = set()
        self._emitted: Counter[str] = Counter()
        self._seen: dict[str, list[Recorded]] = {}

    @cached_property
    def planned(self) -> Mapping[str, tuple[Planned, ...]]:
        """What the run planned, by step key."""
        return planned_by_step(record.event for record in self._beginning)

    @cached_property
    def _beginning(self) -> tuple[Recorded, ...]:
        """What was recorded before the first step; so it is read once."""
        return tuple(self._records_of({*PLANS, T.RUN_ENQUEUED, T.RUN_START}))

    def step_ended(self, step_key: str, events: Sequence[DagsterEvent]) -> None:
        """Emit what one attempt of a step brought, as Dagster hands it to a hook."""
        records = self._records(step_key, events)
        planned = self.planned.get(step_key, ())
        attempt = StepAttempt(step_key, self._attempt(step_key, events), records, planned)
        told = [*self._begun(), *translate_attempt(self.run, attempt, self.catalog)]
        self.bus.emit_all([self._outgoing(event) for event in told], passed=self._passed)
        self._recorded()

    def _begun(self) -> Iterable[HookEvent]:
        """That the run began, before anything that happened in it: once from each process."""
        if self._told_beginning:
            return ()
        self._told_beginning = True
        return run_events(RunLog(self.run, self._beginning), self.catalog)

    def saw(self, record: Recorded) -> None:
        """Note when an event of the run was recorded, which the step hook is not told."""
        if record.type in RELEVANT and record.event.step_key:
            self._seen.setdefault(record.event.step_key, []).append(record)

    def _records(self, step_key: str, events: Sequence[DagsterEvent]) -> tuple[Recorded, ...]:
        own = [each for each in events if each.step_key == step_key and each.event_type in RELEVANT]
        seen = [each for each in self._seen.pop(step_key, ()) if each.type not in PLANS]
        if [each.type for each in seen] == [event.event_type for event in own]:
            return tuple(seen)
        # They were stored in a batch that has not gone out yet, say: then it is now.
        return tuple(Recorded(event, utc_now()) for event in own)

    def emit(self, event: HookEvent, step_key: str, attempt: int) -> Sequence[Delivery]:
        """Emit an event of the user's own from within a step."""
        correlation = HookCorrelation(**self.place(step_key, attempt).run_fields())
        where = correlation.model_copy(update={"step_key": step_key, "attempt": attempt})
        first = event.placed(where)
        self._emitted[first.event_id] += 1
        ordinal = self._emitted[first.event_id] - 1
        return self.send(event.placed(where, ordinal) if ordinal else first)

    def send(self, event: HookEvent) -> Sequence[Delivery]:
        """Emit an event that has its place."""
        begun = [self._outgoing(each) for each in self._begun()]
        if begun:
            self.bus.emit_all(begun)
        return self.bus.emit(self._outgoing(event))

    def gate(self, event: HookEvent) -> None:
        """Let the hooks that may abort see `event` before it is recorded, once."""
        for hook in self.bus.gate(self._outgoing(event)):
            self._passed.add(passage(event, hook))

    def clean(self, text: str) -> str:
        """`text` without what is secret, for what Dagster itself is to record."""
        return self._redactor.text(text)

    def _outgoing(self, event: HookEvent) -> HookEvent:
        """As it will be recorded: a hook that is called in the step is told no more than one that is not."""
        return bounded(redacted(event, self._redactor))

    def place(self, step_key: str, attempt: int) -> Place:
        """Where events of this attempt belong."""
        return Place(self.run, self.catalog, step_key, attempt)

    def _attempt(self, step_key: str, events: Sequence[DagsterEvent]) -> int:
        if not any(event.event_type is T.STEP_RESTARTED for event in events):
            return 1
        retries = (record.event for record in self._records_of({T.STEP_UP_FOR_RETRY}))
        before = previous_attempts(retries, step_key)
        # The retry that this attempt asked for itself is in the log already.
        return before + (0 if previous_attempts(events, step_key) else 1)

    def _records_of(self, types: set[DagsterEventType]) -> Iterable[Recorded]:
        page = self.instance.get_records_for_run(self.run.run_id, of_type=types)
        found = (recorded(each.event_log_entry, each.storage_id) for each in page.records)
        return (record for record in found if record is not None)
