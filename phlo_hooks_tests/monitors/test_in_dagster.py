"""The monitors in real definitions: what Dagster runs and records, and the events that are in the store then.

No `from __future__ import annotations` here: Dagster looks at the annotation of a context.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from phlo_hooks import HookFilter, with_hooks
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import Spy, runtime_of

DERIVED = {"schema.changed", "asset.health_changed"}
NOW: dict[str, Any] = {}


@dg.asset(group_name="marts", owners=["team:data"], kinds={"duckdb"})
def orders() -> dg.MaterializeResult:
    """A table with the columns of the day."""
    if NOW.get("error"):
        raise ValueError(NOW["error"])
    columns = [dg.TableColumn(*text.split(maxsplit=1)) for text in NOW.get("columns", ["id INT"])]
    return dg.MaterializeResult(metadata={"dagster/column_schema": dg.TableSchema(columns)})


@dg.asset_check(asset=orders)
def unique() -> dg.AssetCheckResult:
    """Says what is to be said."""
    if NOW.get("crash"):
        raise RuntimeError(NOW["crash"])
    severity = NOW.get("severity", dg.AssetCheckSeverity.ERROR)
    return dg.AssetCheckResult(passed=NOW.get("passed", True), severity=severity)


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["eu", "us"]))
def regions(context: dg.AssetExecutionContext) -> None:
    """One part of the world at a time."""
    if context.partition_key == NOW.get("broken"):
        raise ValueError("no such region")


class Bus:
    """Definitions on an instance, with a hook that listens to what the monitors tell."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.spy = instance, Spy()
        listener = self.spy.hook(filters=HookFilter(event_types=DERIVED))
        plain = dg.Definitions(
            assets=[orders, regions], asset_checks=[unique], executor=dg.in_process_executor
        )
        self.defs = with_hooks(plain, hooks=[listener], plugins=False)

    def run(self, *selection: dg.AssetsDefinition, partition: str | None = None, **now: Any) -> str:
        """Materialize, in a world as it is now, and have the sensor tick."""
        NOW.clear()
        NOW.update(now)
        keys = [key for each in selection or (orders,) for key in each.keys]
        result = self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance, asset_selection=keys, partition_key=partition, raise_on_error=False
        )
        self.tick()
        return result.run_id

    def tick(self) -> None:
        """What the daemon does every ten seconds."""
        tick(self.instance, runtime_of(self.defs), "")

    @property
    def recorded(self) -> list[Any]:
        """What the monitors told, from the store."""
        events = [each.event for each in runtime_of(self.defs).store(self.instance).events()]
        return [event for event in events if event.event_type in DERIVED]

    @property
    def health(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """How the health went."""
        found = [event for event in self.recorded if event.event_type == "asset.health_changed"]
        return [(event.from_state, event.to_state, event.reasons) for event in found]


@pytest.fixture
def bus() -> Iterator[Bus]:
    """On a persistent instance."""
    with no_fsync(), dg.instance_for_test() as instance:
        yield Bus(instance)


def test_columns_that_change_between_two_runs(bus: Bus) -> None:
    """One event, with the asset's facts, in the run that brought it; delivered to who asked for it."""
    bus.run(columns=["id INT", "name TEXT"])
    assert bus.recorded == []
    run_id = bus.run(columns=["id BIGINT", "amount DECIMAL(10,2)"])
    bus.run(columns=["amount decimal(10, 2)", "id bigint"])
    (event,) = bus.recorded
    assert [(each.name, each.before, each.after) for each in event.retyped] == [("id", "INT", "BIGINT")]
    assert [each.name for each in (*event.added, *event.removed)] == ["amount", "name"]
    assert (event.run_id, event.asset_key, event.breaking) == (run_id, "orders", True)
    assert (event.group_name, event.owners, event.kinds) == ("marts", ("team:data",), ("duckdb",))
    (cause,) = [
        each.event.event_id
        for each in runtime_of(bus.defs).store(bus.instance).events(run_id=run_id)
        if each.event_type == "ingestion.end"
    ]
    assert event.correlation.causation_id == cause
    assert bus.spy.events == [event]


def test_a_check_that_fails_and_recovers(bus: Bus) -> None:
    """By its severity; a crash is a failure."""
    bus.run()
    bus.run(passed=False, severity=dg.AssetCheckSeverity.WARN)
    bus.run(passed=False)
    bus.run(crash="no such table")
    bus.run()
    assert bus.health == [
        ("HEALTHY", "WARNING", ("check unique failed (WARN)",)),
        ("WARNING", "DEGRADED", ("check unique failed (ERROR)",)),
        ("DEGRADED", "HEALTHY", ()),
    ]


def test_an_asset_that_fails_and_recovers(bus: Bus) -> None:
    """With the check that could not be evaluated, which had passed before."""
    bus.run()
    bus.run(error="disk full")
    bus.run()
    assert bus.health == [("HEALTHY", "DEGRADED", ("materialization failed",)), ("DEGRADED", "HEALTHY", ())]
    assert bus.spy.events == bus.recorded


def test_partitions_that_fail_and_recover(bus: Bus) -> None:
    """Another one that succeeds changes nothing."""
    for partition, broken in (("eu", ""), ("us", "us"), ("eu", ""), ("us", "")):
        bus.run(regions, partition=partition, broken=broken)
    assert bus.health == [
        ("HEALTHY", "DEGRADED", ("materialization of partition us failed",)),
        ("DEGRADED", "HEALTHY", ()),
    ]
    assert [event.correlation.partition_key for event in bus.recorded] == [None, None]


def test_freshness_that_dagster_reports(bus: Bus) -> None:
    """From outside of any run, as its daemon does; with the asset's group and owners."""
    bus.tick()
    bus.run()
    states = [FreshnessState.PASS, FreshnessState.WARN, FreshnessState.FAIL, FreshnessState.PASS]
    for before, after in zip([FreshnessState.UNKNOWN, *states], states, strict=False):
        change = FreshnessStateChange(
            key=orders.key, new_state=after, previous_state=before, state_change_timestamp=time.time()
        )
        bus.instance.report_runless_asset_event(change)
    bus.tick()
    assert bus.health == [
        ("HEALTHY", "WARNING", ("freshness WARN",)),
        ("WARNING", "DEGRADED", ("freshness FAIL",)),
        ("DEGRADED", "HEALTHY", ()),
    ]
    assert {(event.group_name, event.owners) for event in bus.recorded} == {("marts", ("team:data",))}


def test_an_ephemeral_run_tells_before_it_ends() -> None:
    """No daemon will ever come for it."""
    with dg.DagsterInstance.ephemeral() as instance:
        own = Bus(instance)
        own.run(passed=False)
        assert own.spy.types == ["asset.health_changed"]


def test_what_was_delivered_before_tells_nothing_again(bus: Bus) -> None:
    """All events of both runs once more to both monitors, the later ones first."""
    bus.run(columns=["a INT"], passed=False)
    bus.run(columns=["b INT"])
    before, runtime = bus.recorded, runtime_of(bus.defs)
    assert len(before) == 3
    for hook in runtime.bus(bus.instance).hooks:
        if hook.plugin_name == "phlo_hooks":
            again = [each.event for each in runtime.store(bus.instance).events()]
            hook.deliver(
                *(event for event in reversed(again) if hook.filters and hook.filters.matches(event))
            )
    bus.tick()
    assert bus.recorded == before
