"""What the tests of the producers share: runs, the events that were recorded of them, and their golden rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import dagster as dg
from dagster import DagsterEvent

from phlo_hooks import HookEvent, HookRegistration
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks_tests.producers.dagster_log import events_of

ASSET_JOB = "__ASSET_JOB"


class Row(NamedTuple):
    """One event, as a golden table has it."""

    event_type: str
    asset: str = ""
    check: str = ""
    partition: str = ""
    status: str = ""
    attempt: int = 0


def golden(events: Iterable[HookEvent]) -> list[Row]:
    """Events as rows, in an order that does not depend on who came first."""
    return sorted(row_of(event) for event in events)


def row_of(event: HookEvent) -> Row:
    """An event as a row."""
    where = event.correlation
    return Row(
        event.event_type,
        where.asset_key or "",
        where.check_name or "",
        where.partition_key or "",
        _status(event),
        where.attempt or 0,
    )


def _status(event: Any) -> str:
    if not event.event_type.startswith("quality."):
        return getattr(event, "status", None) or ""
    if event.passed is None:
        return "crashed"
    return "passed" if event.passed else f"failed {event.severity}"


@dataclass
class Spy:
    """A hook that keeps what it is given."""

    events: list[HookEvent] = field(default_factory=list)

    def __call__(self, event: HookEvent) -> None:
        """Keep `event`."""
        self.events.append(event)

    def hook(self, name: str = "spy", **options: Any) -> HookRegistration:
        """The registration to pass to `with_hooks`."""
        return HookRegistration(name, self, **options)

    @property
    def types(self) -> list[str]:
        """What it was told, in order."""
        return [event.event_type for event in self.events]


@dataclass
class Gate(Spy):
    """A hook that refuses the events it is told to refuse."""

    refuse: frozenset[tuple[str, str]] = frozenset()

    def __call__(self, event: HookEvent) -> None:
        """Keep `event`, and raise where it is to be refused."""
        super().__call__(event)
        if (event.event_type, getattr(event, "status", None) or "") in self.refuse:
            raise Refused(event.event_type)

    def hook(self, name: str = "gate", **options: Any) -> HookRegistration:
        """The registration to pass to `with_hooks`."""
        return HookRegistration(name, self, failure_policy="raise", **options)  # type: ignore[arg-type]


class Refused(Exception):
    """What a `Gate` raises."""


def runtime_of(defs: dg.Definitions) -> Runtime:
    """What the bus of these definitions works with."""
    runtime: Runtime = (defs.resources or {})["hooks"].runtime
    return runtime


@dataclass
class Ran:
    """A job that was run in this process."""

    result: dg.ExecuteInProcessResult
    instance: dg.DagsterInstance
    store: HookStore

    @property
    def events(self) -> list[HookEvent]:
        """What was recorded of the run."""
        return [record.event for record in self.store.events(run_id=self.result.run_id)]

    @property
    def log(self) -> list[DagsterEvent]:
        """What Dagster recorded of it."""
        return events_of(self.instance, self.result.run_id)

    def one(self, event_type: str, **fields: Any) -> Any:
        """The one event of this type whose coordinates are these."""
        found = [event for event in self.events if event.event_type == event_type and _at(event, fields)]
        assert len(found) == 1, f"{len(found)} events {event_type} {fields} in {golden(self.events)}"
        return found[0]


def _at(event: HookEvent, fields: dict[str, Any]) -> bool:
    return all(getattr(event.correlation, name) == value for name, value in fields.items())


@contextmanager
def running(
    defs: dg.Definitions, job: str = ASSET_JOB, *, instance: dg.DagsterInstance | None = None, **options: Any
) -> Iterator[Ran]:
    """Run a job, and look at it while its instance is there; an ephemeral one unless another is given."""
    if instance is None:
        with dg.DagsterInstance.ephemeral() as own, running(defs, job, instance=own, **options) as ran:
            yield ran
        return
    definition = defs.resolve_job_def(job)
    result = definition.execute_in_process(instance=instance, raise_on_error=False, **options)
    yield Ran(result, instance, runtime_of(defs).store(instance))
