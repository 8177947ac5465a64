"""A monitor works where somebody listens, and nowhere else."""

from __future__ import annotations

import dagster as dg
import pytest

from phlo_hooks import HookFilter, HookRegistration, with_hooks
from phlo_hooks.capabilities import ConsoleResource
from phlo_hooks.monitors.provider import Monitors
from phlo_hooks_tests.producers.recording import runtime_of

BOTH = ["schema", "health"]

ASKED = [
    pytest.param([], [], id="no hooks"),
    pytest.param([None], [], id="no filter"),
    pytest.param([HookFilter(groups={"marts"})], [], id="no event types"),
    pytest.param([HookFilter(event_types={"*"})], [], id="all there is"),
    pytest.param([HookFilter(event_types={"run.*", "ingestion.end"})], [], id="something else"),
    pytest.param([HookFilter(event_types={"schema.changed"})], ["schema"], id="schema"),
    pytest.param([HookFilter(event_types={"asset.health_changed"})], ["health"], id="health"),
    pytest.param([HookFilter(event_types={"schema.*"})], ["schema"], id="pattern"),
    pytest.param([HookFilter(event_types={"*changed"})], BOTH, id="pattern for both"),
    pytest.param(
        [None, HookFilter(event_types={"schema.changed"}), HookFilter(event_types={"asset.*"})],
        BOTH,
        id="two hooks",
    ),
]


@pytest.mark.parametrize(("listeners", "expected"), ASKED)
def test_asked_for(listeners: list[HookFilter | None], expected: list[str]) -> None:
    """By name or pattern; what wants all there is asks for nothing more."""
    assert [hook.hook_name for hook in Monitors(listeners).get_hooks()] == expected


def tell(event: object) -> None:
    """A hook that does nothing."""


def test_registered_beside_the_hooks_of_the_definitions() -> None:
    """Under the name of the project; whatever else wants all there is."""
    listener = HookRegistration(
        "listen", tell, filters=HookFilter(event_types={"*.changed", "asset.health*"})
    )
    defs = dg.Definitions(resources={"console": ConsoleResource()})
    with dg.DagsterInstance.ephemeral() as instance:
        for hooks, own in (([tell], set()), ([listener], {"phlo_hooks.schema", "phlo_hooks.health"})):
            # Once more on top: doing it twice is doing it once.
            on_bus = with_hooks(with_hooks(defs, hooks=hooks, plugins=False), hooks=hooks, plugins=False)
            names = {hook.qualified_name for hook in runtime_of(on_bus).bus(instance).hooks}
            assert {name for name in names if name.startswith("phlo_hooks.")} == own
