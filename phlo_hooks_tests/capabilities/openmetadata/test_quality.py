"""Checks as test cases, and their results, in the server's versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.assets import AssetGraph, AssetInfo, CheckInfo, NoAssets
from phlo_hooks.capabilities.openmetadata.client import OpenMetadataClient
from phlo_hooks.capabilities.openmetadata.mapping import TableMapping
from phlo_hooks.capabilities.openmetadata.quality.check_kinds import Check, CheckKind
from phlo_hooks.capabilities.openmetadata.quality.names import name_of
from phlo_hooks.capabilities.openmetadata.quality.results import result
from phlo_hooks.capabilities.openmetadata.quality.writer import QualityWriter
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.envelope import HookCorrelation, utc_now
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.events import DefinitionsEvent, ErrorInfo, QualityResultEvent
from phlo_hooks.memory import MemoryState
from phlo_hooks.producers.step_hook import RESOURCE_KEY
from phlo_hooks.rest import RestClient

from .seeds import column, seed_tables, seed_warehouse, table
from .server import RESULT, OpenMetadataServer

ORDERS = "warehouse.shop.main.orders"
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
MILLIS = 1_772_366_400_000
PAGE = "https://dagster.example"


def asset(name: str, fqn: str | None = None) -> dg.AssetsDefinition:
    """An asset that is a table of the warehouse."""

    @dg.asset(name=name, metadata={"openmetadata/fqn": fqn or f"warehouse.shop.main.{name}"})
    def made() -> None: ...

    return made


def check(of: str, name: str = "not_empty", **more: Any) -> dg.AssetChecksDefinition:
    """A check of an asset, which passes."""

    @dg.asset_check(asset=of, name=name, **more)
    def passes() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return passes


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def graph(instance: dg.DagsterInstance) -> Any:
    """What the definitions of these assets and checks say."""

    def made(*things: Any) -> AssetGraph:
        assets = [each for each in things if not isinstance(each, dg.AssetChecksDefinition)]
        checks = [each for each in things if isinstance(each, dg.AssetChecksDefinition)]
        defs = with_hooks(dg.Definitions(assets=assets, asset_checks=checks), plugins=False)
        graph: AssetGraph = defs.resources[RESOURCE_KEY].runtime.assets(instance)  # type: ignore[index]
        return graph

    return made


def writer(
    server: OpenMetadataServer, assets: AssetGraph, *, dry: bool = False, **more: Any
) -> QualityWriter:
    """The writer, against the server."""
    rest = RestClient(
        f"{server.url}/api/v1",
        "OpenMetadata",
        {"authorization": f"Bearer {server.token}"},
        extra="openmetadata",
    )
    mapping = TableMapping(more.pop("mapping", {}))
    setup = Setup(OpenMetadataClient(rest, dry), mapping, assets, MemoryState(), MemoryState(), **more)
    return QualityWriter(setup)


def event(
    asset_key: str = "orders",
    name: str = "not_empty",
    *,
    run_id: str = "run-1",
    passed: bool | None = True,
    at: datetime = NOON,
    **more: Any,
) -> QualityResultEvent:
    """A result of a check; without `passed`, of one that crashed."""
    kind = "quality.result" if passed is not None else "quality.error"
    where = HookCorrelation(run_id=run_id)
    return QualityResultEvent(
        event_type=kind,
        timestamp=at,
        correlation=where,
        asset_key=asset_key,
        check_name=name,
        passed=passed,
        **more,
    )


@pytest.fixture
def orders(server: OpenMetadataServer) -> OpenMetadataServer:
    """A server with the tables orders and customers, of the columns id and amount."""
    seed_warehouse(server)
    seed_tables(server, "orders", "customers")
    server.reset_counts()
    return server


def results(server: OpenMetadataServer, fqn: str) -> list[dict[str, Any]]:
    """The results of a test case, the newest first."""
    return server.series(RESULT, fqn)


def paths(server: OpenMetadataServer) -> list[str]:
    """What was written, and where."""
    return [f"{each.method} {each.path}" for each in server.writes]


# -- what is made ----------------------------------------------------------------------------------


def test_the_first_result_makes_all_it_needs(orders: OpenMetadataServer, graph: Any) -> None:
    """Definition, basic suite, test case and result, each of the shape that the vendor's models have."""
    assets = graph(asset("orders"), check("orders", description="There are orders."))
    writer(orders, assets, webserver_url=PAGE).handle(event(metadata={"rows": 12, "note": "fine"}))
    assert orders.problems == []
    assert [each.split("/api/v1/")[-1].split("?")[0] for each in paths(orders)] == [
        "PUT dataQuality/testDefinitions",
        "PUT dataQuality/testSuites/basic",
        "PUT dataQuality/testCases",
        f"POST dataQuality/testCases/testCaseResults/{ORDERS}.not_empty",
    ]
    definition = orders.entity("testDefinition", "dagster_asset_check")
    assert definition is not None
    assert (definition["entityType"], definition["testPlatforms"]) == ("TABLE", ["Other"])
    case = orders.entity("testCase", f"{ORDERS}.not_empty")
    assert case is not None
    assert case["entityLink"] == f"<#E::table::{ORDERS}>"
    assert case["testDefinition"]["name"] == "dagster_asset_check"
    assert case["testSuite"]["fullyQualifiedName"] == f"{ORDERS}.testSuite"
    assert case["description"].startswith(
        "There are orders.\n\nCheck `not_empty` of the Dagster asset [orders]"
    )
    assert f"({PAGE}/assets/orders?view=checks)" in case["description"]
    [found] = results(orders, f"{ORDERS}.not_empty")
    assert (found["timestamp"], found["testCaseStatus"]) == (MILLIS, "Success")
    assert found["result"] == f"Passed\nDagster run: {PAGE}/runs/run-1"
    assert found["testResultValue"] == [{"name": "rows", "value": "12"}]


@pytest.mark.parametrize("key", ["column", "dagster/column", "column_name"])
def test_a_check_of_a_column(orders: OpenMetadataServer, graph: Any, key: str) -> None:
    """Its test case is the column's, as the table writes it, whatever the result's metadata say."""
    assets = graph(asset("orders"), check("orders", metadata={key: "AMOUNT"}))
    writer(orders, assets).handle(event(metadata={"column": "id"}))
    case = orders.entity("testCase", f"{ORDERS}.amount.not_empty")
    assert case is not None
    assert case["entityLink"] == f"<#E::table::{ORDERS}::columns::amount>"
    assert case["testDefinition"]["name"] == "dagster_asset_check_column"
    assert len(results(orders, f"{ORDERS}.amount.not_empty")) == 1


def test_a_dbt_test_that_is_no_asset_check(orders: OpenMetadataServer, graph: Any) -> None:
    """By its name, since nobody else says which column it is of."""
    writer(orders, graph(asset("orders"))).handle(event(name="not_null_orders_amount", check_type="dbt"))
    case = orders.entity("testCase", f"{ORDERS}.amount.not_null_orders_amount")
    assert case is not None
    definition = orders.entity("testDefinition", "dbt_not_null_column")
    assert definition is not None
    assert definition["entityType"] == "COLUMN"
    assert (definition["testPlatforms"], definition["dataQualityDimension"]) == (["dbt"], "Completeness")


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, ("dagster_asset_check", None), id="asset check"),
        pytest.param({"dagster/column": "id"}, ("dagster_asset_check_column", "id"), id="of a column"),
        pytest.param({"dagster_dbt/unique_id": "test.s.t"}, ("dbt_test", None), id="singular"),
        pytest.param(
            {"dagster_dbt/unique_id": "test.s.t", "dagster_dbt/test": "unique", "dagster/column": "id"},
            ("dbt_unique_column", "id"),
            id="generic",
        ),
        pytest.param(
            {"dagster_dbt/unique_id": "test.s.t", "dagster_dbt/test": "equal_rowcount"},
            ("dbt_equal_rowcount", None),
            id="of a package",
        ),
        pytest.param({"column": 7}, ("dagster_asset_check", None), id="no name of a column"),
    ],
)
def test_kinds_of_checks(metadata: Mapping[str, Any], expected: tuple[str, str | None]) -> None:
    """Each has a definition for tables and another one for columns, which OpenMetadata keeps apart."""
    found = Check.of(CheckInfo("orders", "a", metadata=metadata))
    assert (found.kind.definition(column=found.column is not None), found.column) == expected


def test_every_definition_is_one_that_the_server_takes(orders: OpenMetadataServer) -> None:
    """Of both levels, by the vendor's models too."""
    rest = RestClient(f"{orders.url}/api/v1", "OpenMetadata", {"authorization": f"Bearer {orders.token}"})
    client = OpenMetadataClient(rest)
    kinds = [CheckKind(), CheckKind("dbt")]
    kinds += [CheckKind("dbt", test) for test in ("not_null", "unique", "accepted_values", "relationships")]
    for kind in kinds:
        for column_level in (False, True):
            client.put("dataQuality/testDefinitions", kind.body(column=column_level), "a definition")
    assert len({each.fqn for each in orders.changes}) == 12
    assert orders.problems == []


def test_the_definitions_make_all_cases_at_once(orders: OpenMetadataServer, graph: Any) -> None:
    """A suite for each table, a definition for each kind; the same state again writes nothing."""
    assets = graph(
        asset("orders"),
        asset("customers"),
        check("orders"),
        check("orders", "amounts", metadata={"column": "amount"}),
        check("customers"),
    )
    made = writer(orders, assets)
    made.handle(DefinitionsEvent(location="shop", fingerprint="1"))
    assert sorted(each["fullyQualifiedName"] for each in orders.entities("testCase")) == [
        "warehouse.shop.main.customers.not_empty",
        f"{ORDERS}.amount.amounts",
        f"{ORDERS}.not_empty",
    ]
    assert len(orders.entities("testSuite")) == 2
    assert len(orders.writes) == 2 + 2 + 3
    orders.reset_counts()
    made.sync()
    writer(orders, assets).sync()
    assert orders.writes == []


def test_what_people_wrote_stays(orders: OpenMetadataServer, graph: Any) -> None:
    """A test case is made once; what is said of it in OpenMetadata later on is not taken back."""
    assets = graph(asset("orders"), check("orders", description="There are orders."))
    writer(orders, assets).sync()
    orders.edit(
        "testCase", f"{ORDERS}.not_empty", [{"op": "add", "path": "/description", "value": "Ask Ann first."}]
    )
    orders.reset_counts()
    writer(orders, assets).handle(event())
    assert [each.method for each in orders.writes] == ["POST"]
    case = orders.entity("testCase", f"{ORDERS}.not_empty")
    assert case is not None
    assert case["description"] == "Ask Ann first."


def test_an_asset_that_is_no_table_is_passed_over(orders: OpenMetadataServer, graph: Any) -> None:
    """Unmapped, ignored, or left out."""
    assets = graph(asset("orders"), dg.AssetSpec("elsewhere"), check("orders"), check("elsewhere"))
    left_out = writer(orders, assets, takes=lambda key: False)
    left_out.sync()
    left_out.handle(event())
    writer(orders, assets).handle(event("elsewhere"))
    assert orders.writes == []


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "status", "lines"),
    [
        pytest.param({"passed": True}, "Success", ["Passed"], id="passed"),
        pytest.param(
            {"passed": False, "severity": "ERROR", "description": "3 are late"},
            "Failed",
            ["3 are late", "Severity: ERROR"],
            id="failed",
        ),
        pytest.param(
            {"passed": False, "severity": "WARN"}, "Failed", ["Failed", "Severity: WARN"], id="a warning"
        ),
        pytest.param(
            {"passed": None, "error": ErrorInfo(message="no such table", error_class="CatalogError")},
            "Aborted",
            ["Crashed: CatalogError: no such table"],
            id="crashed",
        ),
        pytest.param({"passed": None}, "Aborted", ["Crashed, and gave no result"], id="crashed silently"),
        pytest.param(
            {"passed": True, "partition_key": "2026-03"},
            "Success",
            ["Passed", "Partition: 2026-03"],
            id="partition",
        ),
    ],
)
def test_what_a_result_says(given: dict[str, Any], status: str, lines: list[str]) -> None:
    """Its status, and in words what Dagster knows of it."""
    found = result(event(**given), None)
    assert found["testCaseStatus"] == status
    assert found["result"].splitlines() == [*lines, "Dagster run: run-1"]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"failed_rows": 5}, {"failedRows": 5}, id="failed"),
        pytest.param({"dagster_dbt/failed_row_count": 0}, {"failedRows": 0}, id="of dbt"),
        pytest.param(
            {"failed_rows": 5, "row_count": 20},
            {"passedRows": 15, "failedRows": 5, "passedRowsPercentage": 75.0, "failedRowsPercentage": 25.0},
            id="of all",
        ),
        pytest.param(
            {"failed_rows": 1, "passed_rows": 3},
            {"passedRows": 3, "failedRows": 1, "passedRowsPercentage": 75.0, "failedRowsPercentage": 25.0},
            id="both",
        ),
        pytest.param({"failed_rows": 5, "row_count": 2}, {"failedRows": 5}, id="more than all"),
        pytest.param({"failed_rows": 0, "row_count": 0}, {"passedRows": 0, "failedRows": 0}, id="of none"),
        pytest.param({"failed_rows": -1, "row_count": True}, {}, id="no counts"),
        pytest.param({"failed_rows": 1.5}, {}, id="a half"),
    ],
)
def test_passed_and_failed_rows(metadata: dict[str, Any], expected: dict[str, Any]) -> None:
    """As many as the metadata say, and shares only where all of them are known."""
    found = result(event(passed=False, metadata=metadata), None)
    assert {key: value for key, value in found.items() if "Rows" in key} == expected


def test_values_are_the_numbers(orders: OpenMetadataServer, graph: Any) -> None:
    """Nothing else can be drawn; what no JSON can say is none."""
    metadata = {"mean": 1.5, "max": 3, "ok": True, "text": "12", "nan": float("nan"), "list": [1]}
    writer(orders, graph(asset("orders"), check("orders"))).handle(event(passed=False, metadata=metadata))
    [found] = results(orders, f"{ORDERS}.not_empty")
    assert found["testResultValue"] == [{"name": "mean", "value": "1.5"}, {"name": "max", "value": "3"}]


def test_the_same_event_twice_is_one_result(orders: OpenMetadataServer, graph: Any) -> None:
    """After a crash, or for a replay: nothing is written the second time."""
    made = writer(orders, graph(asset("orders"), check("orders")))
    made.handle(event())
    orders.reset_counts()
    made.handle(event())
    assert orders.writes == []
    assert len(results(orders, f"{ORDERS}.not_empty")) == 1


@pytest.mark.parametrize("status", [0, 500])
def test_an_answer_that_was_lost(orders: OpenMetadataServer, graph: Any, status: int) -> None:
    """The server has the result, and nobody was told: the next attempt finds it there."""
    made = writer(orders, graph(asset("orders"), check("orders")))
    orders.fail("POST", "testCaseResults", status, applied=True)
    with pytest.raises(DeliveryError):
        made.handle(event())
    made.handle(event())
    assert len(results(orders, f"{ORDERS}.not_empty")) == 1


def test_somebody_else_was_faster(orders: OpenMetadataServer, graph: Any) -> None:
    """Another relay has written the same result between our look and our write: that is no failure."""
    made = writer(orders, graph(asset("orders"), check("orders")))
    orders.fail("POST", "testCaseResults", 409, applied=True)
    made.handle(event())
    assert len(results(orders, f"{ORDERS}.not_empty")) == 1


def test_partitions_of_one_instant_are_results_of_their_own(orders: OpenMetadataServer, graph: Any) -> None:
    """The server has room for one in each millisecond: the others move on to the next."""
    made = writer(orders, graph(asset("orders"), check("orders")))
    for _ in range(2):
        for partition in ("a", "b", "c"):
            made.handle(event(partition_key=partition))
    found = results(orders, f"{ORDERS}.not_empty")
    assert sorted(each["timestamp"] for each in found) == [MILLIS, MILLIS + 1, MILLIS + 2]
    assert {each["result"].splitlines()[1] for each in found} == {f"Partition: {each}" for each in "abc"}


def test_a_test_case_that_somebody_deleted_stays_deleted(orders: OpenMetadataServer, graph: Any) -> None:
    """Neither it nor its results are written."""
    made = writer(orders, graph(asset("orders"), check("orders")))
    made.sync()
    orders.delete("testCase", f"{ORDERS}.not_empty")
    orders.reset_counts()
    made.sync()
    made.handle(event())
    assert orders.writes == []
    case = orders.entity("testCase", f"{ORDERS}.not_empty")
    assert case is not None
    assert case["deleted"]


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("über_null", id="unicode"),
        pytest.param("v1.2", id="a dot"),
        pytest.param('a "b" :: c', id="what is reserved"),
        pytest.param("n" * 400, id="long"),
    ],
)
def test_names_of_checks(orders: OpenMetadataServer, graph: Any, name: str) -> None:
    """Any that Dagster takes: shown as it is, and found again by the next result."""
    made = writer(orders, graph(asset("orders")))
    made.handle(event(name=name))
    made.handle(event(name=name, run_id="run-2", at=NOON + timedelta(hours=1)))
    [case] = orders.entities("testCase")
    assert case["displayName"] == name
    assert len(case["name"]) <= 256
    assert len(results(orders, case["fullyQualifiedName"])) == 2


def test_names_that_had_to_be_changed_stay_apart() -> None:
    """By a hash of what they were."""
    names = {name_of("a::b"), name_of("a:b"), name_of("a:::b"), name_of("x" * 300), name_of("x" * 301)}
    assert len(names) == 5
    assert name_of("a:b") == "a:b"


def test_names_of_tables_and_columns(server: OpenMetadataServer, graph: Any) -> None:
    """With dots, spaces and umlauts."""
    seed_warehouse(server)
    server.seed("table", table("Aufträge v.1", column("Brutto Wert"), column("a.b")))
    fqn = 'warehouse.shop.main."Aufträge v.1"'
    checks = [
        check("o", f"c{at}", metadata={"column": name}) for at, name in enumerate(["Brutto Wert", "a.b"])
    ]
    made = writer(server, graph(asset("o", fqn), *checks))
    for at in range(2):
        made.handle(event("o", f"c{at}"))
    assert [len(results(server, f"{fqn}.{each}")) for each in ("Brutto Wert.c0", '"a.b".c1')] == [1, 1]


def test_checks_of_one_name(orders: OpenMetadataServer, graph: Any) -> None:
    """On two tables each has its test case; on two assets that are one table, too."""
    assets = graph(
        *(asset("orders"), asset("orders_copy", ORDERS), asset("customers")),
        *(check("orders"), check("orders_copy"), check("customers")),
    )
    made = writer(orders, assets)
    for key in ("orders", "orders_copy", "customers"):
        made.handle(event(key, run_id=key))
    found = {each["fullyQualifiedName"]: each["displayName"] for each in orders.entities("testCase")}
    assert found == {
        f"{ORDERS}.not_empty": "not_empty",
        f"{ORDERS}.not_empty (orders_copy)": "not_empty",
        "warehouse.shop.main.customers.not_empty": "not_empty",
    }
    assert [len(results(orders, fqn)) for fqn in found] == [1, 1, 1]


def test_each_asset_is_mapped_once(orders: OpenMetadataServer, graph: Any) -> None:
    """And not once for each result: a project may have thousands of checks of one name."""
    assets = [asset(name) for name in ("customers", "orders", "unused")]
    made = writer(orders, graph(*assets, *(check(name) for name in ("customers", "orders", "unused"))))
    looked_at: list[str] = []

    def remembered(key: str) -> dict[str, Any]:
        looked_at.append(key)
        return {}

    setup = replace(made.setup, mapping=replace(made.setup.mapping, remembered=remembered))
    counted = QualityWriter(setup)
    for number in range(5):
        counted.handle(event(run_id=str(number)))
    assert looked_at.count("customers") == 1


# -- what is not there yet, and what is refused ----------------------------------------------------


def minutes_later(monkeypatch: pytest.MonkeyPatch, minutes: int = 10) -> None:
    """The time is not what it was."""
    later = utc_now() + timedelta(minutes=minutes)
    monkeypatch.setattr("phlo_hooks.capabilities.openmetadata.quality.writer.utc_now", lambda: later)


def test_a_table_that_is_about_to_come(
    server: OpenMetadataServer, graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result waits for it, however old it is: after an outage its table is as late. Not for ever, though."""
    seed_warehouse(server)
    made = writer(server, graph(asset("orders"), check("orders")))
    with pytest.raises(RetryLater, match="orders is not in OpenMetadata yet"):
        made.handle(event())
    minutes_later(monkeypatch, 9)
    with pytest.raises(RetryLater):
        made.handle(event())
    minutes_later(monkeypatch)
    with pytest.raises(PermanentError, match="see why it was not created"):
        made.handle(event())
    made.sync()
    assert server.writes == []


def test_where_tables_are_written_first_no_result_waits(server: OpenMetadataServer, graph: Any) -> None:
    """In a sync: what is missing then was refused."""
    seed_warehouse(server)
    patient = writer(server, graph(asset("orders"), check("orders")))
    with pytest.raises(PermanentError, match="see why it was not created"):
        QualityWriter(patient.setup, patient=False).handle(event())


def test_a_table_that_is_not_to_be_created(
    server: OpenMetadataServer, graph: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody will make it: its results are left out, and that is said once."""
    seed_warehouse(server)
    made = writer(server, graph(asset("orders"), check("orders")), create=False)
    made.handle(event(at=utc_now()))
    made.handle(event())
    assert server.writes == []
    [record] = [each for each in caplog.records if "create is off" in each.message]
    assert "check not_empty, for asset orders: the table" in record.message


def test_a_table_that_somebody_deleted(
    orders: OpenMetadataServer, graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its materialization may bring it back, so a result waits; else nothing is written."""
    made = writer(orders, graph(asset("orders"), check("orders")))
    orders.delete("table", ORDERS)
    made.sync()
    with pytest.raises(RetryLater):
        made.handle(event())
    minutes_later(monkeypatch)
    made.handle(event())
    assert orders.writes == []


def test_a_column_that_is_about_to_come(
    orders: OpenMetadataServer, graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is made without it while there is no result, or only a new one; then the case is the table's."""
    made = writer(orders, graph(asset("orders"), check("orders", metadata={"column": "vat"})))
    made.sync()
    with pytest.raises(RetryLater, match=f"{ORDERS} has no column vat in OpenMetadata yet"):
        made.handle(event())
    assert orders.writes == []
    minutes_later(monkeypatch)
    made.handle(event())
    [case] = orders.entities("testCase")
    assert case["fullyQualifiedName"] == f"{ORDERS}.not_empty"
    assert case["testDefinition"]["name"] == "dagster_asset_check"


def test_a_column_that_no_link_can_name(server: OpenMetadataServer, graph: Any) -> None:
    """Its test case is the table's."""
    seed_warehouse(server)
    server.seed("table", table("orders", column("a>b")))
    made = writer(server, graph(asset("orders"), check("orders", metadata={"column": "a>b"})))
    made.sync()
    assert [each["fullyQualifiedName"] for each in server.entities("testCase")] == [f"{ORDERS}.not_empty"]


def test_one_that_is_refused_does_not_hold_up_the_others(orders: OpenMetadataServer, graph: Any) -> None:
    """The message names the check, the asset and the reason."""
    assets = graph(asset("orders"), asset("customers"), check("orders"), check("customers"))
    orders.fail("PUT", "dataQuality/testCases$", 400, body={"code": 400, "message": "Invalid column name x"})
    with pytest.raises(PermanentError) as caught:
        writer(orders, assets).sync()
    line = str(caught.value)
    assert line.startswith("not written: 1: customers.not_empty: OpenMetadata at ")
    assert "answered 400 to PUT /dataQuality/testCases" in line
    assert "check not_empty, for asset customers" in line
    assert "Invalid column name x" in line
    assert [each["fullyQualifiedName"] for each in orders.entities("testCase")] == [f"{ORDERS}.not_empty"]


def test_without_the_right_to_edit_tests(orders: OpenMetadataServer, graph: Any) -> None:
    """An error that an operator can mend: it is tried again, and no event is lost."""
    orders.permissions.deny("EditTests")
    with pytest.raises(DeliveryError, match="403") as caught:
        writer(orders, graph(asset("orders"), check("orders"))).handle(event())
    assert not isinstance(caught.value, PermanentError)
    assert orders.token not in str(caught.value)


def test_a_dry_run_writes_nothing_and_tells_all(orders: OpenMetadataServer, graph: Any) -> None:
    """Each change, with the check and the asset; also those of a table that is still to be made."""
    assets = graph(asset("orders"), asset("new"), check("orders"), check("new"))
    made = writer(orders, assets, dry=True)
    made.sync()
    assert orders.writes == []
    changes = made.setup.client.changes
    assert [each.about for each in changes] == [
        "test definition dagster_asset_check, check not_empty, for asset new",
        "test suite of warehouse.shop.main.new, check not_empty, for asset new",
        "test case warehouse.shop.main.new.not_empty, check not_empty, for asset new",
        f"test suite of {ORDERS}, check not_empty, for asset orders",
        f"test case {ORDERS}.not_empty, check not_empty, for asset orders",
    ]


class Unnameable(NoAssets):
    """One asset."""

    def asset(self, key: str) -> AssetInfo | None:
        return AssetInfo(key, metadata={"openmetadata/fqn": "warehouse.shop.main.a<b"})


def test_a_table_that_no_link_can_name(server: OpenMetadataServer) -> None:
    """Said before the server is asked."""
    seed_warehouse(server)
    server.seed("table", table("a<b"))
    with pytest.raises(PermanentError, match="no test case can be about warehouse.shop.main.a<b"):
        writer(server, Unnameable()).handle(event())
