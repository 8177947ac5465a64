"""Real runs of Dagster, delivered by the relay: what is in OpenMetadata then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.capabilities import OpenMetadataResource
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import ASSET_JOB, runtime_of

from .bench import paths
from .server import TABLE_PROFILE, OpenMetadataServer

# What is sent does not depend on the version here.
ONE = pytest.mark.parametrize("server", ["2.0.6"], indirect=True)
DAYS = dg.DailyPartitionsDefinition("2026-03-01")
SCHEMA = dg.TableSchema(
    [
        dg.TableColumn(
            "id", "bigint", description="Of the order.", constraints=dg.TableColumnConstraints(False)
        ),
        dg.TableColumn("tags", "varchar(10)[]"),
    ]
)


@dg.asset(
    kinds={"postgres"},
    metadata={"dagster/table_name": "shop.raw.orders", "dagster/column_schema": SCHEMA},
    owners=["team:data", "jane@example.com"],
    tags={"tier": "gold"},
    group_name="raw",
    description="All orders.",
)
def orders() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"dagster/row_count": 12})


@dg.asset(deps=[orders], kinds={"postgres"}, partitions_def=DAYS)
def daily() -> dg.MaterializeResult[None]:
    metadata = {
        "dagster/table_name": "shop.marts.daily",
        "dagster/column_schema": SCHEMA,
        "dagster/partition_row_count": 3,
    }
    return dg.MaterializeResult(metadata=metadata)


@dg.asset(deps=[orders], kinds={"postgres"}, metadata={"dagster/table_name": "shop.marts.broken"})
def broken() -> None:
    raise dg.Failure("no such column")


outside = dg.AssetSpec(
    "outside",
    kinds={"postgres"},
    metadata={"dagster/table_name": "shop.crm.customers"},
    description="Theirs.",
)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with no_fsync(), dg.instance_for_test() as made:
        yield made


def on_openmetadata(server: OpenMetadataServer, *assets: Any, **fields: Any) -> dg.Definitions:
    known = {"url": server.url, "token": server.token, "services": {"postgres": "warehouse"}}
    others = {"lineage": False, "quality": False, "pipelines": False}
    resource = OpenMetadataResource(**{**known, **others, **fields})
    return with_hooks(dg.Definitions(assets=assets, resources={"openmetadata": resource}), plugins=False)


def play(defs: dg.Definitions, instance: dg.DagsterInstance, success: bool = True, **options: Any) -> None:
    """Run all assets, and do what the daemon does; everything is delivered then."""
    job = defs.resolve_job_def(ASSET_JOB)
    result = job.execute_in_process(instance=instance, raise_on_error=False, **options)
    assert result.success is success
    runtime = runtime_of(defs)
    tick(instance, runtime, "")
    left = [
        each for each in runtime.store(instance).deliveries() if each.state is not DeliveryState.DELIVERED
    ]
    assert [] == [f"{each.event_type}: {each.last_error}" for each in left]


def test_a_run(server, instance):
    """The table with all that is said of it, and its rows; another run of the same writes only its rows."""
    server.seed("team", {"name": "data", "teamType": "Group"})
    defs = on_openmetadata(server, orders, outside, webserver_url="https://dagster.example")
    play(defs, instance)
    table = server.entity("table", "warehouse.shop.raw.orders")
    assert table["description"] == "All orders."
    assert table["sourceUrl"] == "https://dagster.example/assets/orders"
    assert [each["name"] for each in table["owners"]] == ["data"]
    assert sorted(each["tagFQN"] for each in table["tags"]) == ["Dagster.group:raw", "Dagster.tier:gold"]
    first, second = table["columns"]
    assert (first["dataType"], first["description"], first["constraint"]) == (
        "BIGINT",
        "Of the order.",
        "NOT_NULL",
    )
    assert (second["dataType"], second["arrayDataType"]) == ("ARRAY", "VARCHAR")
    assert table["serviceType"] == "Postgres"
    (profile,) = server.series(TABLE_PROFILE, table["fullyQualifiedName"])
    assert profile["rowCount"] == 12
    server.reset_counts()
    play(defs, instance)
    assert [path.rpartition("/")[2] for path in paths(server)] == ["tableProfile"]
    assert server.problems == []


@ONE
def test_a_partition(server, instance):
    """Its rows are not those of the table; what only the materialization says is known."""
    play(
        on_openmetadata(server, daily, orders),
        instance,
        partition_key="2026-03-01",
        asset_selection=[daily.key],
    )
    table = server.entity("table", "warehouse.shop.marts.daily")
    assert [each["name"] for each in table["columns"]] == ["id", "tags"]
    assert server.series(TABLE_PROFILE, "warehouse.shop.marts.daily") == []


@ONE
def test_an_asset_that_fails(server, instance):
    """Writes nothing; the others of its run do."""
    defs = on_openmetadata(server, orders, broken)
    play(defs, instance, success=False)
    server.reset_counts()
    play(defs, instance, success=False)
    made = server.entity("table", "warehouse.shop.raw.orders")
    assert paths(server) == [f"PUT /tables/{made['id']}/tableProfile"]


@ONE
def test_an_asset_that_is_unresolved(server, instance, caplog):
    """The run and the deliveries are none the worse; a warning says what to do, once for two runs."""

    @dg.asset
    def nowhere() -> None: ...

    defs = on_openmetadata(server, nowhere)
    play(defs, instance)
    play(defs, instance)
    told = [each.getMessage() for each in caplog.records if each.name == "phlo_hooks.openmetadata"]
    assert len(told) == 1
    assert told[0].startswith("asset nowhere is no table of OpenMetadata yet: nothing says which table it is")


@ONE
def test_a_server_that_is_down_for_a_while(server, instance):
    """Costs the run nothing, and the relay delivers later."""
    server.fail("*", ".", 503, times=2)
    defs = on_openmetadata(server, orders)
    job = defs.resolve_job_def(ASSET_JOB)
    assert job.execute_in_process(instance=instance).success
    runtime = runtime_of(defs)
    tick(instance, runtime, "")
    store = runtime.store(instance)
    errors = [each.last_error or "" for each in store.deliveries()]
    assert any("answered 503" in error for error in errors)
    assert not any(server.token in error for error in errors)
