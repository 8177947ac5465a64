"""Lineage between tables: from real runs, into a server that forgets of an edge what a PUT does not repeat."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import LineageEvent, TransformEvent, emit
from phlo_hooks.capabilities.openmetadata.lineage.upstreams import Said, Upstreams
from phlo_hooks.capabilities.openmetadata.lineage.writer import LineageWriter
from phlo_hooks.errors import PermanentError
from phlo_hooks.event_parts import Column, ColumnEdge
from phlo_hooks_tests.capabilities.openmetadata.bench import Bench, ended, orders
from phlo_hooks_tests.capabilities.openmetadata.flow import (
    QUIET,
    World,
    asset,
    columns,
    definitions,
    deployment,
    edges,
    fqn,
    lineage,
    pairs,
    recorded,
    world,
)
from phlo_hooks_tests.capabilities.openmetadata.seeds import (
    column,
    reference,
    seed_pipeline,
    seed_tables,
    seed_warehouse,
    table,
)
from phlo_hooks_tests.capabilities.openmetadata.server import OpenMetadataServer, Principal
from phlo_hooks_tests.capabilities.openmetadata.server.lineage import add

__all__ = ["world"]

pytestmark = QUIET

FROM_ORDERS = {"dagster/column_lineage": lineage(id=("orders", "id"), amount=("orders", "amount"))}


def shop(**report: Any) -> dg.Definitions:
    """`report`, and `orders` that it is computed from."""
    return definitions(asset("orders"), asset("report", ["orders"], metadata=FROM_ORDERS, **report))


def put_edge(server: OpenMetadataServer, start: Any, end: Any, **details: Any) -> None:
    """What a person has drawn by hand, or another tool."""
    ends = reference("table", start), reference("table", end)
    add(server.catalog, *ends, details, Principal("ana", bot=False))


def lineage_writes(server: OpenMetadataServer) -> list[str]:
    """The requests that changed an edge."""
    return [f"{each.method} {each.path}" for each in server.writes if each.path.startswith("lineage")]


def test_an_edge_with_its_columns_and_its_pipeline(server: OpenMetadataServer, world: World) -> None:
    """From the definitions' own lineage; tables and pipeline are made on the way."""
    world.run(shop())
    ((ends, edge),) = edges(server).items()
    assert ends == ("orders", "report")
    assert pairs(edge) == {("orders.id", "report.id"), ("orders.amount", "report.amount")}
    assert edge.details["source"] == "PipelineLineage"
    assert edge.details["pipeline"]["fullyQualifiedName"] == "dagster.group:default"


def test_the_same_again_writes_nothing(server: OpenMetadataServer, world: World) -> None:
    """A second sync, and one more materialization, find everything as it is to be."""
    world.run(shop())
    world.sync(shop())
    server.reset_counts()
    assert world.sync(shop()) == []
    assert server.writes == []
    world.run(shop())
    assert lineage_writes(server) == []


def test_what_a_person_wrote_of_an_edge_stays(server: OpenMetadataServer, world: World) -> None:
    """Columns, function, pipeline, SQL and source of others survive a server that replaces all of it on PUT."""
    seed_warehouse(server)
    orders, report = seed_tables(server, "orders", "report")
    pipeline = seed_pipeline(server, "load")
    server.seed("pipelineService", {"name": "airflow", "serviceType": "Airflow"})
    theirs = server.seed("pipeline", {"name": "etl", "service": "airflow"})
    assert pipeline["id"] != theirs["id"]
    by_hand = {"fromColumns": [fqn("orders.id")], "toColumn": fqn("report.amount"), "function": "count"}
    put_edge(
        server, orders, report,
        columnsLineage=[by_hand], pipeline=reference("pipeline", theirs), sqlQuery="select 1", source="Manual",
    )  # fmt: skip
    world.run(shop())
    details = edges(server)["orders", "report"].details
    assert pairs(edges(server)["orders", "report"]) == {
        ("orders.id", "report.amount"),
        ("orders.amount", "report.amount"),
        ("orders.id", "report.id"),
    }
    assert [each.get("function") for each in details["columnsLineage"]] == ["count", None]
    assert details["pipeline"]["fullyQualifiedName"] == "airflow.etl"
    assert (details["sqlQuery"], details["source"]) == ("select 1", "Manual")


def test_an_edge_with_a_pipeline_that_was_deleted(server: OpenMetadataServer, world: World) -> None:
    """The server refuses an edge that names one, though that is what it says itself: it loses it, and no more."""
    seed_warehouse(server)
    orders, report = seed_tables(server, "orders", "report")
    server.seed("pipelineService", {"name": "airflow", "serviceType": "Airflow"})
    theirs = server.seed("pipeline", {"name": "etl", "service": "airflow"})
    by_hand = {"fromColumns": [fqn("orders.id")], "toColumn": fqn("report.amount")}
    put_edge(server, orders, report, columnsLineage=[by_hand], pipeline=reference("pipeline", theirs))
    server.delete("pipeline", "airflow.etl")
    world.run(shop())
    edge = edges(server)["orders", "report"]
    assert len(pairs(edge)) == 3
    assert "pipeline" not in edge.details
    world.run(shop())
    assert (
        edges(server)["orders", "report"].details["pipeline"]["fullyQualifiedName"] == "dagster.group:default"
    )


def test_a_pipeline_of_ours_follows_the_definitions(server: OpenMetadataServer, world: World) -> None:
    """Once one job computes the asset, it is the edge's pipeline, and no longer the group."""
    world.sync(shop())
    in_job = dg.Definitions.merge(shop(), dg.Definitions(jobs=[dg.define_asset_job("nightly")]))
    world.sync(in_job)
    assert edges(server)["orders", "report"].details["pipeline"]["fullyQualifiedName"] == "dagster.nightly"


@pytest.mark.parametrize("how", ["fails", "skipped"])
def test_a_failure_empties_nothing(server: OpenMetadataServer, world: World, how: str) -> None:
    """Of an asset that failed, or that was skipped for its upstream's failure, what is there stays as it is."""
    world.run(shop())
    before = edges(server)["orders", "report"].details
    server.reset_counts()
    broken = {"fails": "no such table"} if how == "fails" else {}
    upstream = {} if how == "fails" else {"fails": "no such file"}
    report = asset("report", ["orders"], metadata=FROM_ORDERS, **broken)
    bad = definitions(asset("orders", **upstream), report)
    world.run(bad, fields={"remove_stale_edges": True})
    assert edges(server)["orders", "report"].details == before
    assert lineage_writes(server) == []


def test_a_run_that_says_no_columns_takes_none_away(server: OpenMetadataServer, world: World) -> None:
    """Of columns that only a materialization has told, the next one may be silent."""
    told = [{"dagster/column_lineage": lineage(id=("orders", "id"))}, {}]

    @dg.asset(
        deps=["orders"],
        metadata={"dagster/table_name": "shop.main.report", "dagster/column_schema": columns("id", "amount")},
    )
    def report() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(metadata=told.pop(0))

    defs = definitions(asset("orders"), report)
    for _ in range(2):
        world.run(defs, fields={"remove_stale_edges": True})
        assert pairs(edges(server)["orders", "report"]) == {("orders.id", "report.id")}
    assert told == []
    world.sync(defs, remove_stale_edges=True)
    assert pairs(edges(server)["orders", "report"]) == {("orders.id", "report.id")}


def test_stale_edges_stay_unless_it_is_asked_for(server: OpenMetadataServer, world: World) -> None:
    """And then those go that were written here, with columns too; not those of people."""
    world.run(shop())
    by_hand = server.seed("table", table("by_hand"))
    report = server.entity("table", fqn("report"))
    put_edge(server, by_hand, report)
    now = definitions(asset("orders"), asset("customers"), asset("report", ["customers"]))
    world.sync(now)
    assert edges(server).keys() == {("orders", "report"), ("by_hand", "report"), ("customers", "report")}
    world.sync(now, remove_stale_edges=True)
    assert edges(server).keys() == {("by_hand", "report"), ("customers", "report")}
    assert world.sync(now, remove_stale_edges=True) == []


def test_an_edge_that_a_person_has_added_to_is_not_removed(server: OpenMetadataServer, world: World) -> None:
    """It loses what was ours, and keeps the rest."""
    world.sync(shop())
    orders, report = (server.entity("table", fqn(name)) for name in ("orders", "report"))
    mine = edges(server)["orders", "report"].details
    by_hand = {"fromColumns": [fqn("orders.amount")], "toColumn": fqn("report.id")}
    kept = {key: mine[key] for key in ("pipeline", "source")}
    put_edge(server, orders, report, columnsLineage=[*mine["columnsLineage"], by_hand], **kept)
    now = definitions(asset("orders"), asset("report"))
    world.sync(now, remove_stale_edges=True)
    edge = edges(server)["orders", "report"]
    assert pairs(edge) == {("orders.amount", "report.id")}
    assert "pipeline" not in edge.details


def test_stale_columns(server: OpenMetadataServer, world: World) -> None:
    """A column that comes from elsewhere now: the old pair goes when it is asked for."""
    world.sync(shop())
    other = {"dagster/column_lineage": lineage(id=("orders", "amount"))}
    now = definitions(asset("orders"), asset("report", ["orders"], metadata=other))
    world.sync(now)
    assert len(pairs(edges(server)["orders", "report"])) == 3
    world.sync(now, remove_stale_edges=True)
    assert pairs(edges(server)["orders", "report"]) == {("orders.amount", "report.id")}


def test_edges_of_an_asset_that_is_gone(server: OpenMetadataServer, world: World) -> None:
    """Its table may still be there; without any definitions nothing is concluded."""
    world.sync(shop())
    world.sync(definitions(), remove_stale_edges=True)
    assert edges(server).keys() == {("orders", "report")}
    world.sync(definitions(asset("orders")), remove_stale_edges=True)
    assert edges(server) == {}


def test_an_unresolved_upstream_is_said_and_stops_no_other(
    server: OpenMetadataServer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody knows its table: the edge is left out, with what to do; and nothing is removed meanwhile."""
    world.sync(definitions(asset("old"), asset("report", ["old"])))
    defs = definitions(
        asset("orders"), asset("files", table=""), asset("report", ["orders", "files", "elsewhere"])
    )
    for _ in range(2):
        world.sync(defs, remove_stale_edges=True)
    assert edges(server).keys() == {("old", "report"), ("orders", "report")}
    said = [each.message for each in caplog.records if "no lineage from" in each.message]
    assert [each.partition(": no lineage from ")[2].partition(":")[0] for each in said] == [
        "files",
        "elsewhere",
    ]


def test_ignored_assets_are_bridged(server: OpenMetadataServer, world: World) -> None:
    """Files between two tables: the edge goes from table to table, and so do the columns."""
    ignored = {"openmetadata/ignore": "true"}
    exported = {"dagster/column_lineage": lineage(number=("orders", "id")), **ignored}
    imported = {"dagster/column_lineage": lineage(n=("exported", "number")), **ignored}
    final = {"dagster/column_lineage": lineage(id=("imported", "n"), amount=("imported", "other"))}
    defs = definitions(
        asset("orders"),
        asset("exported", ["orders"], metadata=exported),
        asset("imported", ["exported"], metadata=imported),
        asset("report", ["imported"], metadata=final),
    )
    world.run(defs)
    ((ends, edge),) = edges(server).items()
    assert ends == ("orders", "report")
    assert pairs(edge) == {("orders.id", "report.id")}


def test_the_ways_through_ignored_assets_are_not_all_gone(server: OpenMetadataServer) -> None:
    """`include` may leave out most of a graph: thirty layers of two have a thousand million ways through."""
    layers = [(f"left{n}", f"right{n}") for n in range(30)]
    above = [("raw/orders",), *layers]
    assets = [orders()]
    for deps, pair in zip(above, layers):  # noqa: B905  # one more above
        assets += [orders(key=key, metadata={"openmetadata/ignore": True}, upstream=deps) for key in pair]
    bench = Bench(server, *assets, orders(key="report", table_name="raw.report", upstream=layers[-1]))
    upstreams = Upstreams(bench.setup(), lambda key: Said())
    assert [each.asset_key for each in upstreams.of("report").found] == ["raw/orders"]


def test_columns_that_only_the_materialization_names(server: OpenMetadataServer) -> None:
    """The hook for tables may be behind: neither a new table nor a new column costs an edge its columns."""
    new = [orders(key=key, table_name=f"raw.{key}", columns=()) for key in ("orders", "report")]
    bench = Bench(server, *new)
    for at, names in enumerate((["id"], ["id", "vat"])):
        known = tuple(Column(name=name, type="INT") for name in names)
        told = tuple(ColumnEdge(column=name, upstream_asset="orders", upstream_column=name) for name in names)
        bench.deliver(ended("orders", at, columns=known), hook="lineage")
        bench.deliver(ended("report", at, columns=known, column_lineage=told), hook="lineage")
        (edge,) = server.edges()
        assert len(edge.details["columnsLineage"]) == len(names)


def test_an_edge_that_is_refused_holds_up_no_other(server: OpenMetadataServer) -> None:
    """Of an asset with two upstream tables the second is told, whatever is wrong with the first."""
    above = [orders(key=key, table_name=f"raw.{key}") for key in ("first", "second")]
    bench = Bench(server, *above, orders(key="report", table_name="raw.report", upstream=("first", "second")))
    bench.sync()
    server.fail("PUT", "^lineage$", 400)
    with pytest.raises(PermanentError, match=r"lineage lake.shop.raw.first to lake.shop.raw.report"):
        bench.deliver(ended("report"), hook="lineage")
    assert [each.from_fqn for each in server.edges()] == ["lake.shop.raw.second"]


def test_columns_that_are_not_there(
    server: OpenMetadataServer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """1.x refuses an edge with one, 2.x drops it without a word: they are left out, and said; case counts little."""
    seed_warehouse(server)
    server.seed("table", table("orders", column("ID"), column("Amount")))
    wrong = {"dagster/column_lineage": lineage(id=("orders", "id"), amount=("orders", "sum"))}
    defs = definitions(asset("orders"), asset("report", ["orders"], metadata=wrong))
    world.sync(defs)
    assert pairs(edges(server)["orders", "report"]) == {("orders.ID", "report.id")}
    assert "no column sum in warehouse.shop.main.orders" in caplog.text
    assert world.sync(defs) == []


def test_names_that_need_quotes(server: OpenMetadataServer, world: World) -> None:
    """Dots, spaces, quotes and letters of all kinds, in tables and columns."""
    names = {"dagster/column_schema": columns("größe.in mm", "naïve name")}
    both = {"dagster/column_lineage": lineage(**{"größe.in mm": ("orders", "größe.in mm")}), **names}

    def named(key: str, deps: list[str], table: str, metadata: dict[str, Any]) -> dg.AssetsDefinition:
        stated = {"openmetadata/fqn": f'warehouse.shop.main."{table}"', **metadata}
        return asset(key, deps, metadata=stated)

    defs = definitions(
        named("orders", [], "2026.orders of \u4e1c\u4eac", names),
        named("report", ["orders"], "the.report", both),
    )
    world.run(defs)
    ((_, edge),) = edges(server).items()
    assert (edge.from_fqn, edge.to_fqn) == (fqn('"2026.orders of \u4e1c\u4eac"'), fqn('"the.report"'))
    assert [each["toColumn"] for each in edge.details["columnsLineage"]] == [
        fqn('"the.report"."größe.in mm"')
    ]
    assert world.sync(defs) == []


def test_a_deleted_table_gets_no_edge(
    server: OpenMetadataServer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not brought back for the sake of an edge."""
    seed_warehouse(server)
    seed_tables(server, "orders", "report")
    server.delete("table", fqn("orders"))
    world.sync(shop())
    assert edges(server) == {}
    assert server.entity("table", fqn("orders"))["deleted"]
    assert "no lineage from warehouse.shop.main.orders: OpenMetadata has no such table" in caplog.text


def test_without_create_only_what_is_there_is_linked(server: OpenMetadataServer, world: World) -> None:
    """An edge needs both tables."""
    seed_warehouse(server)
    seed_tables(server, "orders", "report")
    defs = definitions(asset("orders"), asset("customers"), asset("report", ["orders", "customers"]))
    world.run(defs, fields={"create": False, "pipelines": False})
    assert edges(server).keys() == {("orders", "report")}


def test_without_create_an_edge_needs_no_pipeline(server: OpenMetadataServer, world: World) -> None:
    """It gets one once somebody has made the service, and the pipeline is there."""
    seed_warehouse(server)
    seed_tables(server, "orders", "report")
    with recorded(shop()) as (hooked, instance, _):
        writer = LineageWriter(world.setup(hooked, instance, create=False))
        writer.sync()
        assert "pipeline" not in edges(server)["orders", "report"].details
        seed_pipeline(server)
        world.sync(shop(), create=False)
        writer.sync()
    assert (
        edges(server)["orders", "report"].details["pipeline"]["fullyQualifiedName"] == "dagster.group:default"
    )


def test_a_right_that_is_missing(server: OpenMetadataServer, world: World, tmp_path: Path) -> None:
    """A 403 is tried again, and says which right and what it is about; once it is given, the edge is there."""
    server.permissions.deny("EditLineage")
    with deployment(world, shop(), tmp_path) as deployed:
        assert deployed.run().success
        (failed,) = [each for each in deployed.tick() if each.startswith("transform.end")]
        assert failed.startswith(
            "transform.end openmetadata.lineage retrying: DeliveryError: OpenMetadata at http"
        )
        assert "lineage warehouse.shop.main.orders to warehouse.shop.main.report, for asset report" in failed
        assert "[EditLineage] not allowed" in failed
        assert server.token not in failed
        server.permissions.allow("EditLineage")
        assert deployed.settle() == []
    assert edges(server).keys() == {("orders", "report")}


def test_an_answer_that_was_lost(server: OpenMetadataServer, world: World) -> None:
    """What was written without our knowing is found at the next try, and written no second time."""
    world.sync(definitions(asset("orders"), asset("report")))
    server.fail("PUT", "^lineage$", 0, applied=True)
    with pytest.raises(Exception, match="OpenMetadata"):
        world.sync(shop())
    server.reset_counts()
    world.sync(shop())
    assert lineage_writes(server) == []
    assert len(pairs(edges(server)["orders", "report"])) == 2


def test_multi_assets(server: OpenMetadataServer, world: World) -> None:
    """Each asset of one step has edges of its own."""

    def spec(name: str, *deps: str) -> dg.AssetSpec:
        return dg.AssetSpec(name, deps=deps, metadata={"dagster/table_name": f"shop.main.{name}"})

    @dg.multi_asset(specs=[spec("staged", "orders"), spec("report", "staged", "rates")])
    def load() -> Iterator[dg.MaterializeResult[Any]]:
        yield dg.MaterializeResult("staged")
        yield dg.MaterializeResult("report")

    world.run(definitions(asset("orders"), asset("rates"), load))
    assert edges(server).keys() == {("orders", "staged"), ("staged", "report"), ("rates", "report")}


def test_sql_follows_the_runs(server: OpenMetadataServer, world: World) -> None:
    """As long as it is ours: what a person wrote instead stays."""

    def shop_with(sql: str) -> dg.Definitions:
        @dg.asset(deps=["orders"], metadata={"dagster/table_name": "shop.main.report"})
        def report(context: dg.AssetExecutionContext) -> None:
            ended = {"event_type": "transform.end", "asset_key": "report", "status": "success"}
            emit(context, TransformEvent(**ended, tool="dbt", sql=sql))

        return definitions(asset("orders"), report)

    for sql in ("select 1", "select 2"):
        world.run(shop_with(sql))
        assert edges(server)["orders", "report"].details["sqlQuery"] == sql
    orders, report = (server.entity("table", fqn(name)) for name in ("orders", "report"))
    put_edge(server, orders, report, sqlQuery="select by_hand")
    world.run(shop_with("select 3"))
    assert edges(server)["orders", "report"].details["sqlQuery"] == "select by_hand"


def test_lineage_that_a_step_tells_itself(server: OpenMetadataServer, world: World) -> None:
    """`lineage.edges` of a user's own: between any two assets, and remembered by a later sync."""

    @dg.asset(metadata={"dagster/table_name": "shop.main.report", "dagster/column_schema": columns("id")})
    def report(context: dg.AssetExecutionContext) -> None:
        edge = {"column": "id", "upstream_asset": "orders", "upstream_column": "amount"}
        emit(context, LineageEvent(asset_key="report", edges=(("orders", "report"),), column_edges=(edge,)))

    defs = definitions(asset("orders"), report)
    world.run(defs)
    assert pairs(edges(server)["orders", "report"]) == {("orders.amount", "report.id")}
    assert world.sync(defs, remove_stale_edges=True) == []


def test_a_dry_run_sends_nothing(server: OpenMetadataServer, world: World) -> None:
    """It shows every write, tables that are not there yet included, and remembers nothing."""
    changes = world.sync(shop(), dry=True)
    assert server.writes == []
    (edge,) = [each.body["edge"]["lineageDetails"] for each in changes if each.path == "/lineage"]
    assert {each["toColumn"] for each in edge["columnsLineage"]} == {fqn("report.id"), fqn("report.amount")}
    world.sync(shop())
    assert edges(server).keys() == {("orders", "report")}


def test_partitions_are_one_table(server: OpenMetadataServer, world: World) -> None:
    """The second partition finds the edge of the first."""
    days = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01")
    defs = definitions(asset("orders", partitions_def=days), asset("report", ["orders"], partitions_def=days))
    world.run(defs, partition_key="2026-01-01")
    server.reset_counts()
    world.run(defs, partition_key="2026-01-02")
    assert lineage_writes(server) == []
    assert edges(server).keys() == {("orders", "report")}
