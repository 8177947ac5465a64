"""Real runs that publish, and what Cube is asked to build then."""

# No `from __future__ import annotations` here: Dagster refuses a config whose type is a string.

import json
import time
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.events import SemanticEvent
from phlo_hooks.producers.sensor import tick
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.cube.datamodel import SHOP
from phlo_hooks_tests.capabilities.cube.server import SECRET, CubeServer
from phlo_hooks_tests.capabilities.cube.shop import layer
from phlo_hooks_tests.producers.recording import runtime_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]
DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2027-01-01", timezone="Europe/Berlin")
PUBLISH = {"phlo/stage": "publish"}
MODELS = {"orders": ["marts/orders"], "customers": ["marts/customers"], "sales": ["marts/*"]}


class Run(dg.Config):
    """What the next run is to do."""

    version: str = "v1"
    passes: bool = True
    column: str = "id"


@dg.asset(
    key=["marts", "orders"],
    partitions_def=DAYS,
    tags=PUBLISH,
)
def orders(context: dg.AssetExecutionContext, config: Run) -> dg.MaterializeResult[None]:
    return _published(config)


@dg.asset(key=["marts", "customers"], tags=PUBLISH)
def customers(config: Run) -> dg.MaterializeResult[None]:
    return _published(config)


@dg.asset_check(asset=["marts", "customers"], blocking=True)
def customers_are_whole(config: Run) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=config.passes)


def _published(config: Run) -> dg.MaterializeResult[None]:
    columns = dg.TableSchema(columns=[dg.TableColumn(config.column, "INT")])
    metadata = {"dagster/column_schema": columns}
    return dg.MaterializeResult(data_version=dg.DataVersion(config.version), metadata=metadata)


class Place:
    """Definitions with a Cube, and an instance to run them on."""

    def __init__(self, server: CubeServer, instance: dg.DagsterInstance, **fields: Any) -> None:
        self.instance = instance
        fields = {"models": MODELS, "wait": 0, "poll_every": 0.01, "timezones": ["Europe/Berlin"], **fields}
        resources = {"cube": layer(server, **fields)}
        plain = dg.Definitions(
            assets=[orders, customers], asset_checks=[customers_are_whole], resources=resources
        )
        self.defs = with_hooks(plain, plugins=False)
        self.runtime = runtime_of(self.defs)

    def run(self, name: str, partition: str | None = None, tags: Any = None, **config: Any) -> "Place":
        ops = {f"marts__{name}": {"config": config}}
        if name == "customers":
            ops["marts__customers_customers_are_whole"] = {"config": config}
        self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(["marts", name])],
            partition_key=partition,
            tags=tags,
            run_config={"ops": ops},
            raise_on_error=False,
        )
        return self.catch_up()

    def catch_up(self) -> "Place":
        # A step that is due now is taken in this tick or in the next one.
        for _ in range(4):
            tick(self.instance, self.runtime, "")
        return self

    def told(self) -> list[SemanticEvent]:
        events = [record.event for record in self.runtime.store(self.instance).events()]
        return [
            each for each in events if isinstance(each, SemanticEvent) and each.event_type != "semantic.due"
        ]


@pytest.fixture
def server():
    with CubeServer() as server:
        yield server


@pytest.fixture
def instance():
    with dg.instance_for_test() as instance:
        yield instance


def test_data_that_changed(server, instance):
    """Only the cubes that depend on it, and of these only the day of its time zone."""
    place = Place(server, instance, models={"orders": ["marts/orders"], "customers": ["marts/customers"]})
    place.run("orders", "2026-03-29")
    assert server.built() == [("orders.all", ""), ("orders.daily", "2026-03-29")]
    (told,) = place.told()
    assert (told.event_type, told.model_names) == ("semantic.refreshed", ("orders",))
    assert told.metric_names == ("orders.count", "orders.revenue")
    assert told.details["partitions"] == 2
    place.run("customers")
    assert [each.cubes for each in server.posted] == [("orders",), ("customers",)]


def test_nothing_that_changed(server, instance):
    place = Place(server, instance, models={"customers": ["marts/customers"]})
    place.run("customers").run("customers").run("customers")
    assert len(server.posted) == 1
    place.run("customers", version="v2")
    assert len(server.posted) == 2


def test_a_schema_that_changed(server, instance):
    """Cube's data model is looked at, and what is built is built of it."""
    place = Place(server, instance, models={"customers": ["marts/customers"]})
    place.run("customers").run("customers", column="name")
    assert [each.recompiled for each in place.told()] == [False, True]
    assert server.asked().count("meta") == 2


def test_a_check_that_failed(server, instance):
    """What is there stays; nobody asks Cube for anything."""
    place = Place(server, instance, models={"customers": ["marts/customers"]})
    place.run("customers", passes=False)
    assert (server.asked(), place.told()) == ([], [])
    place.run("customers")
    assert len(server.posted) == 1


def test_a_view_of_two_assets(server, instance):
    """Not before both of them are there."""
    place = Place(server, instance, models={"sales": ["marts/*"]})
    place.run("customers")
    assert server.posted == []
    place.run("orders", "2026-03-02")
    assert {each.cubes for each in server.posted} == {("customers", "orders")}


@pytest.mark.e2e
def test_a_year_in_one_run(server, instance):
    """365 partitions are one job, with a range of dates."""
    tags = {
        "dagster/asset_partition_range_start": "2025-01-01",
        "dagster/asset_partition_range_end": "2025-12-31",
    }
    server.cubes = (replace(SHOP[0], start="2025-01-01T00:00:00.000"),)
    place = Place(server, instance, models={"orders": ["marts/orders"]})
    place.run("orders", tags=tags)
    (posted,) = server.posted
    assert posted.window == ("2025-01-01T00:00:00.000", "2025-12-31T23:59:59.999")
    (told,) = place.told()
    assert (told.event_type, told.publications, told.details["partitions"]) == (
        "semantic.refreshed",
        365,
        366,
    )


def test_a_build_that_fails(server, instance):
    server.failures = {"customers.monthly": f"failure: no table, with {SECRET}"}
    place = Place(server, instance, models={"customers": ["marts/customers"]}).run("customers")
    (told,) = place.told()
    assert told.event_type == "semantic.refresh_failed"
    assert "cube 'customers': customers.monthly: no table" in str(told.error)


def test_cube_is_down_for_a_while(server, instance, caplog):
    """It goes on with the next attempt; and nobody sees the secret."""
    server.server.next(Fault.answer(503, f'{{"error": "{SECRET}"}}'))
    place = Place(server, instance, models={"customers": ["marts/customers"]}).run("customers")
    time.sleep(1.2)
    (told,) = place.catch_up().told()
    assert told.event_type == "semantic.refreshed"
    store = place.runtime.store(instance)
    kept = json.dumps([record.event.model_dump(mode="json") for record in store.events()])
    log = "".join(str(entry) for run in instance.get_runs() for entry in instance.all_logs(run.run_id))
    assert "canary" not in kept + log + caplog.text


def test_the_page_of_an_asset(server, instance):
    """In Dagster's UI; without asking Cube."""
    place = Place(server, instance)
    specs = {spec.key.to_user_string(): spec for spec in place.defs.resolve_all_asset_specs()}
    assert specs["marts/orders"].metadata["phlo_hooks/cube"].md_str == "- **orders**\n- **sales**"
    assert server.asked() == []
