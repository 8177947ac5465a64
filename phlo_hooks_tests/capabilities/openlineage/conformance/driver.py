"""Runs definitions for real, with an OpenLineageResource that tells a strict backend, and reads what it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.capabilities.openlineage import OpenLineageResource
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.capabilities.openlineage.backend import Backend
from phlo_hooks_tests.capabilities.openlineage.lifecycle import Event, is_terminal
from phlo_hooks_tests.producers.recording import ASSET_JOB, runtime_of

# Dagster's observable sources and backfill policies.
QUIET = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore:Property `OpDefinition.version` is deprecated:DeprecationWarning"),
]
# Seconds that a request may take.
QUICK = 5.0
# Options of `with_hooks`; all others are fields of the resource.
_OPTIONS = ("step_hooks", "store", "since", "hooks")


def on_openlineage(defs: dg.Definitions, backend: Backend | None, **options: Any) -> dg.Definitions:
    """On the bus, with an OpenLineageResource.

    Args:
        defs: a scene.
        backend: where events go; None where the other fields or the environment say so.
        options: those of `with_hooks` by name, the rest are fields of the resource.
    """
    ours = {key: options.pop(key) for key in _OPTIONS if key in options}
    where = {"url": backend.url} if backend else {}
    resource = OpenLineageResource(**{"timeout": QUICK, **where, **options})
    both = dg.Definitions.merge(defs, dg.Definitions(resources={"openlineage": resource}))
    return with_hooks(both, plugins=False, **ours)


@dataclass
class Played:
    """What became of a run, and what a backend was told meanwhile."""

    result: Any
    events: list[Event]

    def of_job(self, name: str) -> list[Event]:
        """The events of a job, whatever its namespace."""
        return [event for event in self.events if event.get("job", {}).get("name") == name]

    def end(self, name: str) -> Event:
        """The one end of the one run of a job."""
        (found,) = [event for event in self.of_job(name) if is_terminal(event)]
        return found

    @property
    def states(self) -> dict[str, str]:
        """By job, the states that were told of it, in order."""
        return states_of(self.events)


def play(
    backend: Backend,
    defs: dg.Definitions,
    job: str = ASSET_JOB,
    *,
    instance: dg.DagsterInstance | None = None,
    fields: Mapping[str, Any] | None = None,
    **options: Any,
) -> Played:
    """Run a job of a scene, and see what was told of it; check that it is a life cycle.

    Args:
        backend: is told.
        defs: not yet on the bus.
        job: of them.
        instance: an ephemeral one, where none is given.
        fields: of the resource, and options of `with_hooks`.
        options: of `execute_in_process`.
    """
    if instance is None:
        with dg.DagsterInstance.ephemeral() as own:
            return play(backend, defs, job, instance=own, fields=fields, **options)
    hooked = on_openlineage(defs, backend, **(fields or {}))
    before = len(backend.events)
    definition = hooked.resolve_job_def(job)
    result = definition.execute_in_process(instance=instance, raise_on_error=False, **options)
    catch_up(hooked, instance)
    backend.check_valid()
    backend.check_lifecycle()
    return Played(result, backend.events[before:])


def catch_up(hooked: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """What the daemon does for a persistent instance; check that everything was delivered."""
    runtime = runtime_of(hooked)
    if not instance.is_ephemeral:
        tick(instance, runtime, "")
    assert [] == undelivered(runtime.store(instance))


def states_of(events: Sequence[Event]) -> dict[str, str]:
    """By job, the states that were told of it, in order."""
    found: dict[str, list[str]] = {}
    for event in events:
        if "run" in event:
            found.setdefault(event["job"]["name"], []).append(event["eventType"])
    return {job: " ".join(states) for job, states in found.items()}


def undelivered(store: HookStore) -> list[str]:
    """What was not delivered, and why."""
    return [
        f"{each.event_type} {each.state.value}: {each.last_error}"
        for each in store.deliveries()
        if each.state is not DeliveryState.DELIVERED
    ]


def names(datasets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Without their namespaces."""
    return [each["name"] for each in datasets]


def facet(thing: Mapping[str, Any], path: str) -> Any:
    """What stands at the end of a path of keys, such as `run.facets.parent`; None where there is nothing."""
    found: Any = thing
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
