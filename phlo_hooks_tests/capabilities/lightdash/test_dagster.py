"""Runs of Dagster publish, and Lightdash is asked for what it needs, and no more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import publish, with_hooks
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookCorrelation, PublishEvent, SchemaChangeEvent, SemanticEvent
from phlo_hooks.producers.sensor import tick
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.lightdash.explores import broken
from phlo_hooks_tests.capabilities.lightdash.helpers import resource_on
from phlo_hooks_tests.capabilities.lightdash.server import TOKEN, Lightdash
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import runtime_of

COMPILE = "POST refresh"
DAILY, BY_STATUS, PER_CITY = (
    f"POST pre-aggregates/definitions/{name}/refresh" for name in ("daily", "by_status", "per_city")
)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Of default storage, with a store beside it."""
    with no_fsync(), dg.instance_for_test() as made:
        yield made


class Shop:
    """Two marts whose data version and columns a test may change.

    Args:
        lightdash: what they feed.
        instance: where they run.
        fields: of the resource.
    """

    def __init__(self, lightdash: Lightdash, instance: dg.DagsterInstance, **fields: Any) -> None:
        self.lightdash, self.instance = lightdash, instance
        self.version, self.columns, self.passes = "v1", ["id"], True
        quick = {
            "wait": 0.0,
            "poll_every": 0.02,
            "explores": {"orders": ["marts/orders"], "customers": ["marts/c*"]},
        }
        resource = resource_on(lightdash, **{**quick, **fields})
        self.defs = with_hooks(self._definitions(resource), plugins=False)
        self.runtime = runtime_of(self.defs)

    def _definitions(self, resource: object) -> dg.Definitions:
        def result() -> dg.MaterializeResult[Any]:
            schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in self.columns])
            metadata = {"dagster/column_schema": schema}
            return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(self.version))

        @dg.asset(key=["marts", "orders"])
        @publish
        def orders() -> dg.MaterializeResult[Any]:
            return result()

        @dg.asset(key=["marts", "customers"])
        @publish
        def customers() -> dg.MaterializeResult[Any]:
            return result()

        @dg.asset(key=["raw", "orders"])
        def raw() -> None: ...

        @dg.asset_check(asset=orders, blocking=True)
        def not_empty() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=self.passes)

        return dg.Definitions(
            assets=[orders, customers, raw], asset_checks=[not_empty], resources={"lightdash": resource}
        )

    def run(self, *assets: str) -> list[str]:
        """Materialize, wait for all that follows, and give what Lightdash was asked to start."""
        before = len(self.lightdash.writes)
        selection = [dg.AssetKey(each.split("/")) for each in assets]
        job = self.defs.resolve_implicit_global_asset_job_def()
        job.execute_in_process(instance=self.instance, asset_selection=selection, raise_on_error=False)
        self.settle()
        return self.lightdash.writes[before:]

    def settle(self) -> None:
        """Deliver until nothing is left to come within the next seconds."""
        soon = datetime.now(timezone.utc) + timedelta(seconds=5)
        tick(self.instance, self.runtime, "")
        while any(each.next_attempt_at and each.next_attempt_at < soon for each in self._open()):
            assert datetime.now(timezone.utc) < soon
            time.sleep(0.02)
            tick(self.instance, self.runtime, "")

    def _open(self) -> list[Any]:
        states = (DeliveryState.PENDING, DeliveryState.RETRYING)
        return [each for each in self._deliveries() if each.state in states]

    def _deliveries(self) -> list[Any]:
        return list(self.runtime.store(self.instance).deliveries())

    @property
    def told(self) -> list[SemanticEvent]:
        """How the refreshes ended."""
        records = self.runtime.store(self.instance).events()
        events = [each.event for each in records]
        ends = ("semantic.refreshed", "semantic.refresh_failed")
        return [each for each in events if isinstance(each, SemanticEvent) and each.event_type in ends]


def test_only_what_is_new_is_built(lightdash: Lightdash, instance: dg.DagsterInstance) -> None:
    """Data, then nothing, then a schema."""
    shop = Shop(lightdash, instance)
    assert shop.run("marts/orders") == [DAILY, BY_STATUS]
    assert shop.run("marts/orders") == []
    shop.version = "v2"
    assert shop.run("marts/customers") == [PER_CITY]
    shop.version, shop.columns = "v3", ["id", "amount"]
    assert shop.run("marts/orders") == [COMPILE, DAILY, BY_STATUS]
    assert [(each.event_type, each.model_names, each.recompiled) for each in shop.told] == [
        ("semantic.refreshed", ("orders",), False),
        ("semantic.refreshed", ("customers",), False),
        ("semantic.refreshed", ("orders",), True),
    ]
    assert shop.told[0].details["pre_aggregates"] == ["by_status", "daily"]


def test_a_failed_check_keeps_the_last_good_one(lightdash: Lightdash, instance: dg.DagsterInstance) -> None:
    shop = Shop(lightdash, instance)
    shop.passes = False
    assert shop.run("marts/orders") == []
    shop.passes = True
    assert shop.run("marts/orders") == [DAILY, BY_STATUS]


def test_what_comes_together_is_one_refresh(lightdash: Lightdash, instance: dg.DagsterInstance) -> None:
    shop = Shop(lightdash, instance)
    assert shop.run("marts/orders", "marts/customers", "raw/orders") == [DAILY, BY_STATUS, PER_CITY]
    (told,) = shop.told
    assert (told.model_names, told.publications) == (("customers", "orders"), 2)


def test_what_is_not_published_is_not_followed(lightdash: Lightdash, instance: dg.DagsterInstance) -> None:
    assert Shop(lightdash, instance).run("raw/orders") == []


def test_a_refresh_that_fails_is_told_with_the_reason(
    lightdash: Lightdash, instance: dg.DagsterInstance
) -> None:
    """And never with the token, whatever Lightdash repeats of it."""
    lightdash.explores["orders"] = broken("orders", f"no amount {TOKEN}")
    shop = Shop(lightdash, instance, give_up_after=60)
    shop.run("marts/orders")
    (told,) = shop.told
    assert told.event_type == "semantic.refresh_failed"
    assert told.error is not None
    assert told.error.message == "explore 'orders': it does not compile: no amount [redacted]"
    dump = "".join(each.event.to_json() for each in shop.runtime.store(instance).events())
    assert TOKEN not in dump


def test_a_lightdash_that_is_down_costs_a_delay_and_nothing_else(
    lightdash: Lightdash, instance: dg.DagsterInstance
) -> None:
    shop = Shop(lightdash, instance)
    lightdash.server.next(Fault.answer(500, TOKEN))
    assert shop.run("marts/orders") == [DAILY, BY_STATUS]
    assert [each.event_type for each in shop.told] == ["semantic.refreshed"]
    assert all(TOKEN not in (each.last_error or "") for each in shop._deliveries())


def test_an_explore_of_no_asset_is_refused_when_definitions_load(
    lightdash: Lightdash, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(
        ConfigurationError, match="no asset matches 'marts/order'; did you mean 'marts/orders'"
    ):
        Shop(lightdash, instance, explores={"orders": ["marts/order"]})


def test_the_page_of_an_asset_links_to_its_explores(
    lightdash: Lightdash, instance: dg.DagsterInstance
) -> None:
    shop = Shop(lightdash, instance)
    specs = {spec.key.to_user_string(): spec for spec in shop.defs.resolve_all_asset_specs()}
    said = specs["marts/orders"].metadata["phlo_hooks/lightdash"].md_str
    assert said == f"- [orders]({resource_on(lightdash).client().base}/tables/orders)"


def test_a_step_may_ask_for_the_resource(lightdash: Lightdash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_TOKEN", TOKEN)
    metrics: list[str] = []

    @dg.op(required_resource_keys={"lightdash"})
    def look(context) -> None:
        metrics.extend(each.name for each in context.resources.lightdash.list_metrics())

    @dg.job
    def report() -> None:
        look()

    resource = resource_on(lightdash, token=dg.EnvVar("LD_TOKEN"))
    report.execute_in_process(resources={"lightdash": resource})
    assert metrics == ["customers_revenue", "orders_revenue"]


REFRESHES = {
    "publish": (
        PublishEvent(event_type="publish.end", asset_key="marts/customers"),
        [PER_CITY, DAILY, BY_STATUS],
    ),
    "schema": (
        SchemaChangeEvent(event_type="schema.changed", asset_key="marts/orders"),
        [COMPILE, DAILY, BY_STATUS],
    ),
    "other": (PublishEvent(event_type="publish.end", asset_key="raw/orders"), []),
}


@pytest.mark.parametrize(("event", "expected"), REFRESHES.values(), ids=REFRESHES)
def test_a_refresh_by_hand(
    lightdash: Lightdash, event: PublishEvent | SchemaChangeEvent, expected: list[str]
) -> None:
    event = event.model_copy(update={"correlation": HookCorrelation(asset_key=event.asset_key)})
    progress = resource_on(lightdash, poll_every=0.01).refresh(event)
    assert (progress.state, sorted(lightdash.writes)) == ("done", sorted(expected))
