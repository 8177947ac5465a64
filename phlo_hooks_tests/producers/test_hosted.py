"""A provider that remembers gets its host: in real definitions, on an ephemeral and on a persistent instance.

No `from __future__ import annotations` here: Dagster looks at the annotations of a resource.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookFilter, HookRegistration, with_hooks
from phlo_hooks.errors import ConfigurationError, UnknownAssetError
from phlo_hooks.events import HookEvent, TelemetryEvent
from phlo_hooks.identity import follow_up_id
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.state import Host, StateChange, StateEntry
from phlo_hooks_tests.producers.recording import Spy, running, runtime_of

NAME = "materializations"


@dg.asset(group_name="marts")
def orders() -> None:
    """Something to count."""


class Counter(dg.ConfigurableResource):
    """Counts materializations, and tells the number: a capability that remembers and tells."""

    selection: str = "*"

    def get_hooks(self) -> Iterable[HookRegistration]:
        """Its hook, without a place to run."""
        return [_hook(lambda event: pytest.fail("called without a host"))]

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """Its hook."""
        return [_hook(lambda event: self._count(host, event))]

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """There has to be something to count."""
        select_assets(self.selection)

    def _count(self, host: Host, event: Any) -> None:
        if event.asset_key not in host.select_assets(self.selection):
            return
        entry = host.state.get(event.asset_key)
        value = {"number": _number(entry) + 1, "location": host.location}
        change = StateChange(event.asset_key, value, entry.version if entry else 0)
        told = TelemetryEvent(
            event_type="telemetry.metric",
            event_id=follow_up_id("telemetry.metric", event.event_id),
            name=NAME,
            value=value["number"],
            correlation=event.correlation,
        )
        assert host.state.commit([change], [told])


def _number(entry: StateEntry | None) -> int:
    return entry.value["number"] if entry else 0


def _hook(handler: Any) -> HookRegistration:
    filters = HookFilter(event_types={"ingestion.end"}, status={"success"})
    return HookRegistration("count", handler, filters=filters)


class Plain:
    """A provider that is no resource; `with_hooks` is passed it."""

    def __init__(self) -> None:
        self._counter = Counter()
        self.get_hooks, self.hooks_on = self._counter.get_hooks, self._counter.hooks_on
        self.check = self._counter.check


def wanted(event: HookEvent) -> bool:
    return getattr(event, "name", "") == NAME


def listening(resources: dict[str, Any] | None = None, hooks: Iterable[Any] = ()) -> tuple[Any, Spy]:
    spy = Spy()
    listener = spy.hook(filters=HookFilter(event_types={"telemetry.metric"}, when=wanted))
    defs = dg.Definitions(assets=[orders], resources=resources)
    return with_hooks(defs, hooks=[*hooks, listener], plugins=False), spy


@contextmanager
def ran(defs: dg.Definitions, instance: dg.DagsterInstance, scope: str = "") -> Iterator[Any]:
    """Run the asset, and have all of it delivered."""
    with running(defs, instance=instance) as run:
        deliver(runtime_of(defs), instance, scope)
        yield run


def deliver(runtime: Runtime, instance: dg.DagsterInstance, scope: str) -> None:
    if not instance.is_ephemeral:
        runtime.relay(instance, scope).run(budget=10)


PROVIDED = [
    pytest.param(lambda: ({"counter": Counter()}, ()), "counter", id="resource"),
    pytest.param(lambda: (None, (Plain(),)), "Plain", id="provider"),
]


@pytest.mark.parametrize(("provided", "plugin"), PROVIDED)
@pytest.mark.parametrize("make", [dg.DagsterInstance.ephemeral, dg.instance_for_test])
def test_a_hook_remembers_between_runs_and_tells_other_hooks(make: Any, provided: Any, plugin: str) -> None:
    """What it emits is recorded beside the run's own events, and delivered like them."""
    resources, hooks = provided()
    defs, spy = listening(resources, hooks)
    with make() as instance:
        for _ in range(2):
            with ran(defs, instance) as run:
                assert run.result.success
        assert [event.value for event in spy.events] == [1, 2]
        recorded = [each.event for each in run.store.events(run_id=run.result.run_id)]
        assert [event.value for event in recorded if wanted(event)] == [2]
        assert [each.last_error for each in run.store.deliveries()] == [None] * len(run.store.deliveries())
        assert run.store.list_state(f"plugin:{plugin}:")[0].value["number"] == 2


def test_each_process_finds_what_another_one_kept() -> None:
    """Definitions that are loaded again, as another process would, on the same instance."""
    with dg.instance_for_test() as instance:
        heard = []
        for _ in range(2):
            defs, spy = listening({"counter": Counter()})
            with ran(defs, instance):
                heard.append([event.value for event in spy.events])
    assert heard == [[1], [2]]


def test_the_host_is_that_of_the_code_location_that_delivers() -> None:
    """Its name is known, and its memory is its own."""
    defs, _ = listening({"counter": Counter()})
    with dg.instance_for_test() as instance, ran(defs, instance, "etl") as run:
        (entry,) = run.store.list_state("plugin:counter:etl")
        assert entry.value == {"number": 1, "location": "etl"}
        assert run.store.list_state("plugin:counter:") == []


def test_told_twice_counts_once() -> None:
    """A delivery that is made again tells nothing new: its event is there."""
    defs, spy = listening({"counter": Counter()})
    with dg.instance_for_test() as instance, ran(defs, instance) as run:
        (event,) = [each for each in run.events if each.event_type == "ingestion.end"]
        hook = next(
            hook for hook in runtime_of(defs).bus(instance).hooks if hook.qualified_name == "counter.count"
        )
        hook.deliver(event)
        deliver(runtime_of(defs), instance, "")
        assert [each.value for each in spy.events] == [1]


def test_what_can_never_work_is_refused_when_definitions_load() -> None:
    """By the provider's own check, with Dagster's selections."""
    assert listening({"counter": Counter(selection='group:"marts"')})
    with pytest.raises(UnknownAssetError, match=r'group:"none"'):
        listening({"counter": Counter(selection='group:"none"')})
    with pytest.raises(ConfigurationError, match="no Dagster asset selection"):
        listening({"counter": Counter(selection="group:(")})
