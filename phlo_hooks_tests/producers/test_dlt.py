"""dagster-dlt is really run, from Python generators to DuckDB."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster import DagsterEventType as T

from phlo_hooks.producers.dlt import (
    DltFacts,
    DltFailure,
    DltNames,
    TableChange,
    dlt_facts,
    dlt_failure,
    is_dlt,
    names_by_asset,
    with_load_details,
)
from phlo_hooks.producers.metadata import Column

# dlt's and dagster-dlt's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ORDERS = [{"id": 1, "lines": [{"sku": "a"}, {"sku": "b"}]}, {"id": 2, "lines": [{"sku": "c"}]}]


@dataclass
class Load:
    """A dlt step that was run, and what Dagster recorded of it."""

    assets: dg.AssetsDefinition
    events: list[dg.DagsterEvent]

    def of(self, kind: T) -> list[Any]:
        return [event.event_specific_data for event in self.events if event.event_type is kind]

    def __getitem__(self, resource: str) -> DltFacts:
        found = [data.materialization for data in self.of(T.ASSET_MATERIALIZATION)]
        (metadata,) = [each.metadata for each in found if each.asset_key.path[-1] == f"dlt_shop_{resource}"]
        facts = dlt_facts(metadata)
        assert facts is not None
        return facts

    @property
    def names(self) -> dict[str, DltNames]:
        return names_by_asset(next(iter(self.assets.specs)).metadata)

    @property
    def failure(self) -> DltFailure:
        (failure,) = self.of(T.STEP_FAILURE)
        found = dlt_failure(failure.error)
        assert found is not None
        return found


class Shop:
    """A dlt pipeline into a DuckDB file of its own, in the dataset `raw`."""

    def __init__(self, folder: Path) -> None:
        import dlt

        self.database = folder / "shop.duckdb"
        self.pipeline = dlt.pipeline(
            "shop",
            pipelines_dir=str(folder / "pipelines"),
            destination=dlt.destinations.duckdb(str(self.database), create_indexes=True),
            dataset_name="raw",
        )

    def load(
        self, *resources: Any, details: bool = False, counted: bool = False, trace_of: Any = None
    ) -> Load:
        """Run a step that loads `resources`, and read what Dagster recorded."""
        import dlt
        from dagster_dlt import DagsterDltResource, dlt_assets

        source = dlt.source(lambda: list(resources), name="shop")()

        @dlt_assets(name="load", dlt_source=source, dlt_pipeline=self.pipeline)
        def load(context: dg.AssetExecutionContext, loader: DagsterDltResource) -> Iterator[Any]:
            events: Any = loader.run(context=context)
            events = events.fetch_row_count() if counted else events
            yield from with_load_details(events, context, trace_of) if details else events

        with dg.DagsterInstance.ephemeral() as instance:
            resource = {"loader": DagsterDltResource()}
            run = dg.materialize([load], resources=resource, instance=instance, raise_on_error=False)
            return Load(load, run.all_events)

    def query(self, sql: str) -> list[Any]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    @property
    def load_ids(self) -> tuple[str, ...]:
        """dlt's own list, oldest first."""
        return tuple(row[0] for row in self.query("select load_id from raw._dlt_loads order by inserted_at"))


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """dlt reports usage unless told not to."""
    monkeypatch.setitem(os.environ, "RUNTIME__DLTHUB_TELEMETRY", "false")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def resource(name: str, rows: Any, **hints: Any) -> Any:
    """A dlt resource that yields `rows`, and raises them where they are an error."""
    import dlt

    def generate() -> Iterator[Any]:
        for row in rows:
            if isinstance(row, Exception):
                raise row
            yield row

    return dlt.resource(generate, name=name, **hints)


e2e = pytest.mark.e2e


@e2e
@pytest.mark.parametrize(
    ("disposition", "hints", "table_rows"),
    [
        pytest.param("append", {}, 4, id="append"),
        pytest.param("merge", {"primary_key": "id"}, 2, id="merge"),
        pytest.param("replace", {}, 2, id="replace"),
    ],
)
def test_two_loads(shop: Shop, disposition: str, hints: dict[str, Any], table_rows: int) -> None:
    """The rows are those of the load, the table's are those that DuckDB has; the ids are dlt's."""
    loads = [
        shop.load(resource("orders", ORDERS, write_disposition=disposition, **hints), counted=True)["orders"]
        for _ in range(2)
    ]
    assert [found.first_run for found in loads] == [True, False]
    assert shop.load_ids == loads[0].load_ids + loads[1].load_ids
    found = loads[1]
    assert (2, table_rows, False) == (found.table.rows, found.table_rows, found.no_data)
    assert [(table_rows,)] == shop.query(f"select count(*) from {found.table.table_name}")
    assert (found.table.table_name, found.destination, found.dataset) == ("raw.orders", "duckdb", "raw")
    assert (found.table.seconds or 0) > 0
    assert (found.table.bytes or 0) > 0
    assert (found.rows_by_table, found.schema_changes, found.seconds_by_stage) == ({"orders": 2}, None, {})


@e2e
def test_columns_of_the_table_and_of_its_nested_tables(shop: Shop) -> None:
    """They are as dlt has them after the load."""
    found = shop.load(resource("orders", ORDERS, primary_key="id"))["orders"]
    assert Column("id", "bigint", None, False) == found.table.columns[0]
    assert list(found.nested_columns) == ["orders__lines"]
    assert found.nested_columns["orders__lines"][0].name == "sku"


@e2e
def test_details_tell_nested_rows_and_what_changed_in_the_schema(shop: Shop) -> None:
    """The second load adds a column and a nested table; without details the log has neither."""
    first = shop.load(resource("orders", ORDERS[1:]), resource("rates", [{"eur": 1.1}]), details=True)
    changed = [*ORDERS, {"id": 3, "discount": 0.5, "tags": ["new"]}]
    second = shop.load(resource("orders", changed), resource("rates", [{"eur": 1.2}]), details=True)
    assert {("orders", True), ("orders__lines", True)} == {
        (each.table, each.is_new) for each in first["orders"].schema_changes or ()
    }
    added, new = second["orders"].schema_changes or ()
    assert TableChange("orders", False, (Column("discount", "double"),)) == added
    assert (new.table, new.is_new, new.added[0].name) == ("orders__tags", True, "value")
    assert second["orders"].rows_by_table == {"orders": 3, "orders__lines": 3, "orders__tags": 1}
    assert (second["rates"].schema_changes, second["rates"].rows_by_table) == ((), {"rates": 1})
    assert shop.load_ids[1:] == second["orders"].load_ids == second["rates"].load_ids


class Unreadable:
    """A pipeline of a dlt that keeps its trace elsewhere."""

    @property
    def last_trace(self) -> Any:
        raise RuntimeError("moved")


@e2e
@pytest.mark.parametrize(
    "pipeline", [pytest.param(Unreadable(), id="unreadable"), pytest.param(object(), id="never-run")]
)
def test_details_that_cannot_be_had_do_not_fail_the_step(shop: Shop, pipeline: Any) -> None:
    """The data is loaded by then; the rest is told."""
    found = shop.load(resource("orders", ORDERS), details=True, trace_of=pipeline)["orders"]
    assert (2, None, shop.load_ids) == (found.table.rows, found.schema_changes, found.load_ids)


@e2e
def test_details_are_never_those_of_an_earlier_load(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where another pipeline ran than the one that is asked, the log says no more than it would alone."""
    other = Shop(tmp_path_factory.mktemp("other"))
    other.load(resource("orders", ORDERS))
    found = shop.load(resource("orders", ORDERS), details=True, trace_of=other.pipeline)["orders"]
    assert (2, None, shop.load_ids) == (found.table.rows, found.schema_changes, found.load_ids)


@e2e
def test_details_tell_how_long_each_stage_took(shop: Shop) -> None:
    """The log alone has the time of the last stage."""
    found = shop.load(resource("orders", ORDERS), details=True)["orders"]
    assert {"extract", "normalize", "load", "run"} == set(found.seconds_by_stage)
    assert all(seconds > 0 for seconds in found.seconds_by_stage.values())


@e2e
@pytest.mark.parametrize(
    "details", [pytest.param(False, id="log-alone"), pytest.param(True, id="with-details")]
)
def test_a_source_without_anything_new(shop: Shop, details: bool) -> None:
    """A load in which nothing came has no id, no time and no dataset; the table is known from before."""
    shop.load(resource("orders", ORDERS))
    found = shop.load(resource("orders", []), details=details)["orders"]
    assert (found.table.rows, found.no_data, found.load_ids, found.table.seconds) == (0, True, (), None)
    assert len(shop.load_ids) == 1


@e2e
def test_one_resource_without_anything_new(shop: Shop) -> None:
    """The other one's load has an id; this one's asset is materialized all the same, with no rows."""
    shop.load(resource("orders", ORDERS), resource("rates", [{"eur": 1.1}]))
    second = shop.load(resource("orders", []), resource("rates", [{"eur": 1.2}]))
    assert (second["orders"].table.rows, second["orders"].load_ids) == (0, ())
    assert (1, shop.load_ids[1:]) == (second["rates"].table.rows, second["rates"].load_ids)


@e2e
@pytest.mark.parametrize(
    ("details", "rows"), [pytest.param(False, None, id="log-alone"), pytest.param(True, 3, id="with-details")]
)
def test_a_resource_that_names_its_tables_as_it_goes(shop: Shop, details: bool, rows: int | None) -> None:
    """dagster-dlt looks for a table that is not there: the rows are unknown, and not 0."""
    kinds = [{"kind": "click"}, {"kind": "view"}, {"kind": "view"}]
    events = resource("events", kinds, table_name=lambda row: row["kind"])
    found = shop.load(events, details=details)["events"]
    assert rows == found.table.rows
    assert ({"click": 1, "view": 2} if details else {}) == found.rows_by_table
    assert (shop.load_ids if details else ()) == found.load_ids


@e2e
def test_a_resource_that_raises(shop: Shop) -> None:
    """The error is the user's own, and of the asset whose resource raised it; the other was not loaded."""
    broken = resource("orders", [*ORDERS, ValueError("the API said no")])
    load = shop.load(broken, resource("rates", [{"eur": 1.1}]))
    failure = load.failure
    assert (
        failure.stage,
        failure.message,
        failure.error_class,
    ) == ("extract", "the API said no", "ValueError")
    assert (failure.resource, failure.table) == ("orders", None)
    assert failure.load_id is not None
    assert {"dlt_shop_orders"} == failure.failed_assets(load.names)


@e2e
@pytest.mark.parametrize(
    ("rows", "stage", "error_class", "said"),
    [
        pytest.param(
            [{"id": None}], "normalize", "CannotCoerceNullException", "Cannot coerce NULL", id="normalize"
        ),
        pytest.param([{"id": 1}, {"id": 1}], "load", "ConstraintException", "Constraint Error", id="load"),
    ],
)
def test_a_table_that_cannot_be_loaded(
    shop: Shop, rows: list[Any], stage: str, error_class: str, said: str
) -> None:
    """After extraction dlt speaks of tables; what the warehouse said is at the end of the chain."""
    columns = {"id": {"data_type": "bigint", "nullable": False, "unique": True}}
    load = shop.load(resource("OrderLines", rows, columns=columns), resource("rates", [{"eur": 1.1}]))
    failure = load.failure
    assert (stage, error_class, "order_lines") == (failure.stage, failure.error_class, failure.table)
    assert said in failure.message
    assert "Traceback" not in failure.message
    assert DltNames("OrderLines", "order_lines") == load.names["dlt_shop_OrderLines"]
    assert {"dlt_shop_OrderLines"} == failure.failed_assets(load.names)


@dataclass
class Recorded:
    """As Dagster's `SerializableErrorInfo`."""

    message: str
    cls_name: str | None
    cause: Any = None


PLANNED = {
    "orders": DltNames("orders", "orders"),
    "order": DltNames("order", "order"),
    "events": DltNames("events", None),
}


@pytest.mark.parametrize(
    ("failure", "assets"),
    [
        pytest.param(DltFailure("extract", "", None, resource="orders"), {"orders"}, id="resource"),
        pytest.param(DltFailure("load", "", None, table="orders"), {"orders"}, id="table"),
        pytest.param(
            DltFailure("load", "", None, table="orders__lines__tags"), {"orders"}, id="nested-table"
        ),
        pytest.param(DltFailure("load", "", None, table="click"), set(PLANNED), id="unknown-table"),
        pytest.param(
            DltFailure("extract", "", None, resource="hidden"), set(PLANNED), id="resource-without-asset"
        ),
        pytest.param(DltFailure("sync", "", None), set(PLANNED), id="destination"),
    ],
)
def test_which_assets_failed_themselves(failure: DltFailure, assets: set[str]) -> None:
    """All of them, where none in particular is to blame."""
    assert assets == failure.failed_assets(PLANNED)


def test_an_error_of_another_kind_is_none_of_dlts() -> None:
    """The function that makes the source may raise before dlt runs."""
    assert dlt_failure(None) is None
    assert (
        dlt_failure(Recorded("Error occurred", "DagsterError", Recorded("ValueError: x", "ValueError")))
        is None
    )


def job(path: str, **more: Any) -> dict[str, Any]:
    return {"file_path": path, "table_name": "orders", "file_size": 10, "file_format": "parquet", **more}


LOADED = {
    "destination_type": "dlt.destinations.duckdb",
    "destination_name": "duckdb",
    "dataset_name": "raw",
    "first_run": False,
    "started_at": "2026-01-02 12:00:00+00:00",
    "finished_at": "2026-01-02 12:00:01.500000+00:00",
    "jobs": [job("/p/load/loaded/17.5/completed_jobs/orders.a.0.parquet")],
    "rows_loaded": 3,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, (3, 10, 1.5, ("17.5",)), id="as-it-is"),
        pytest.param(
            {"jobs": [job(r"C:\p\load\loaded\17.5\completed_jobs\orders.a.0.parquet")]},
            (3, 10, 1.5, ("17.5",)),
            id="windows",
        ),
        pytest.param(
            {
                "jobs": [
                    *LOADED["jobs"],
                    job("/p/load/loaded/17.5/completed_jobs/orders.b.0.sql", file_format="sql"),
                ]
            },
            (3, 10, 1.5, ("17.5",)),
            id="follow-up-job",
        ),
        pytest.param({"rows_loaded": None}, (None, 10, 1.5, ("17.5",)), id="imported-files-are-not-counted"),
        pytest.param({"started_at": "soon"}, (3, 10, None, ("17.5",)), id="no-time"),
        pytest.param({"jobs": "none"}, (3, None, 1.5, ()), id="no-jobs"),
    ],
)
def test_facts_of_odd_metadata(change: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """What is missing or odd is left out; the rest stands."""
    found = dlt_facts(dg.AssetMaterialization("orders", metadata={**LOADED, **change}).metadata)
    assert found is not None
    assert expected == (found.table.rows, found.table.bytes, found.table.seconds, found.load_ids)


def test_metadata_that_dlt_did_not_write() -> None:
    """A user's own asset of the kind dlt."""
    metadata = dg.AssetMaterialization("orders", metadata={"jobs": 3, "dataset_name": "raw"}).metadata
    assert (is_dlt(metadata), dlt_facts(metadata)) == (False, None)
    assert names_by_asset({"dagster/table_name": "orders"}) == {}
