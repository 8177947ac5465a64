"""One real run of everything: what lies in the warehouse, and what Dagster recorded."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import duckdb
import pytest
from dlt.common.runtime.telemetry import is_telemetry_started

from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.run import RunStatus, run_demo
from phlo_hooks.demo.source import data_folder

from .conftest import BuiltDemo
from .records import evaluations, events_of, materialized
from .test_definitions import MARTS, PUBLISHED, RAW, STAGING

pytestmark = pytest.mark.e2e

DLT_KEYS = {
    "dagster/row_count",
    "dagster/column_schema",
    "dagster/table_name",
    "dataset_name",
    "destination_name",
    "destination_type",
    "finished_at",
    "first_run",
    "jobs",
    "started_at",
}
DBT_VIEW_KEYS = {
    "Execution Duration",
    "dagster/column_lineage",
    "dagster/column_schema",
    "invocation_id",
    "unique_id",
}
PUBLISHED_KEYS = {
    "dagster/column_lineage",
    "dagster/column_schema",
    "dagster/storage_kind",
    "dagster/table_name",
    "dagster/uri",
}


def rows(home: DemoHome, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in the warehouse."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def published(home: DemoHome, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in the published database."""
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def csv_flights() -> Iterator[dict[str, str]]:
    """The flights as Python's own reader sees them: an oracle that shares no code with the demo."""
    path = data_folder() / "flights.csv.zip"
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as file:
        yield from csv.DictReader(io.TextIOWrapper(file, "utf-8"))


def csv_tail_numbers() -> set[str]:
    """The planes that the registry knows."""
    with (data_folder() / "planes.csv").open() as file:
        return {row["tailnum"] for row in csv.DictReader(file)}


def metadata(built: BuiltDemo, asset: str) -> dict[str, dg.MetadataValue]:
    """What the asset's last materialization carries."""
    event = built.instance.get_latest_materialization_event(dg.AssetKey.from_user_string(asset))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def test_every_run_succeeds(built: BuiltDemo) -> None:
    """First the lakehouse, then each month that was asked for."""
    assert [(run.job_name, run.partition_key, run.status) for run in built.runs] == [
        ("lakehouse", None, RunStatus.SUCCEEDED),
        ("publish_month", "2013-01", RunStatus.SUCCEEDED),
        ("publish_month", "2013-02", RunStatus.SUCCEEDED),
    ]


def test_progress_is_told_as_it_happens(built: BuiltDemo) -> None:
    """Each run twice, under the id that the instance knows."""
    assert [(seen.run_id, seen.status) for seen in built.progress] == [
        (run.run_id, status) for run in built.runs for status in (RunStatus.STARTED, RunStatus.SUCCEEDED)
    ]
    assert all(built.instance.get_run_by_id(run.run_id) for run in built.runs)


def test_every_asset_is_materialized_once(built: BuiltDemo) -> None:
    """And the monthly one once for each month."""
    monthly = {"published/carrier_delays:2013-01", "published/carrier_delays:2013-02"}
    expected = RAW | STAGING | MARTS | PUBLISHED - {"published/carrier_delays"} | monthly
    assert Counter(materialized(built.instance, built.runs)) == Counter(expected)


@pytest.mark.parametrize(
    ("table", "count"),
    [
        pytest.param("raw.airlines", 16, id="airlines"),
        pytest.param("raw.airports", 1_458, id="airports"),
        pytest.param("raw.flights", 336_776, id="flights"),
        pytest.param("raw.planes", 3_322, id="planes"),
        pytest.param("raw.weather", 26_115, id="weather"),
        pytest.param("staging.flights", 336_776, id="staged flights"),
        pytest.param("marts.carrier_scorecard", 16, id="scorecard"),
    ],
)
def test_rows(built: BuiltDemo, table: str, count: int) -> None:
    """All of the data is there, and Dagster was told so."""
    assert rows(built.home, f"SELECT count(*) FROM {table}") == [(count,)]
    assert metadata(built, table.replace(".", "/"))["dagster/row_count"].value == count


def test_delays_agree_with_the_csv_file(built: BuiltDemo) -> None:
    """United in January, worked out from the file without dlt, dbt or DuckDB."""
    united = [row for row in csv_flights() if (row["carrier"], row["month"]) == ("UA", "1")]
    delays = [int(row["dep_delay"]) for row in united if row["dep_delay"] != "NA"]
    query = """
        SELECT flights, departed, mean_departure_delay_minutes FROM marts.carrier_delays
        WHERE carrier = 'UA' AND month = DATE '2013-01-01'
    """
    mean = pytest.approx(sum(delays) / len(delays), abs=0.005)
    assert rows(built.home, query) == [(len(united), len(delays), mean)]


def test_cancellations_agree_with_the_csv_file(built: BuiltDemo) -> None:
    """A flight without a departure time never left."""
    cancelled = Counter(row["origin"] for row in csv_flights() if row["dep_time"] == "NA")
    query = "SELECT origin, sum(cancelled)::BIGINT FROM marts.cancellations GROUP BY origin"
    assert dict(rows(built.home, query)) == dict(cancelled)


def test_exactly_two_checks_fail_and_both_only_warn(built: BuiltDemo) -> None:
    """The data is what it is: planes and airports are missing from it."""
    failed = {
        (result.asset_key.to_user_string(), result.check_name): result.severity
        for result in evaluations(built.instance, built.runs)
        if not result.passed
    }
    assert failed == {
        ("raw/flights", "tail_numbers_known"): dg.AssetCheckSeverity.WARN,
        (
            "staging/flights",
            "relationships_flights_destination__airport__ref_airports_",
        ): dg.AssetCheckSeverity.WARN,
    }


def test_the_failing_check_counts_right(built: BuiltDemo) -> None:
    """Its numbers are those of the CSV files, counted by hand."""
    known = csv_tail_numbers()
    missing = [row["tailnum"] for row in csv_flights() if row["tailnum"] not in known]
    (result,) = (
        result
        for result in evaluations(built.instance, built.runs)
        if result.check_name == "tail_numbers_known"
    )
    assert {key: value.value for key, value in result.metadata.items()} == {
        "flights_without_plane": len(missing),
        "flights_without_tail_number": missing.count("NA"),
        "unknown_tail_numbers": len(set(missing) - {"NA"}),
    }
    assert len(missing) == 52_606


def test_every_check_is_evaluated(built: BuiltDemo) -> None:
    """Those of Python and those of dbt; the published one once for each month."""
    names = Counter(result.check_name for result in evaluations(built.instance, built.runs))
    assert names["published_equals_mart"] == 2
    assert {"whole_year_loaded", "flights_accounted_for", "unique_flights_flight_id"} < set(names)
    planned = events_of(built.instance, built.runs, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
    assert sum(names.values()) == len(list(planned)) == 31


@pytest.mark.parametrize(
    ("asset", "keys"),
    [
        pytest.param("raw/flights", DLT_KEYS, id="dlt, files imported"),
        pytest.param("raw/planes", DLT_KEYS | {"rows_loaded"}, id="dlt, rows"),
        pytest.param("staging/planes", DBT_VIEW_KEYS, id="dbt view"),
        pytest.param(
            "marts/carrier_delays",
            DBT_VIEW_KEYS | {"dagster/row_count"},
            id="dbt table",
        ),
        pytest.param("published/route_traffic", PUBLISHED_KEYS | {"dagster/row_count"}, id="published"),
        pytest.param(
            "published/carrier_delays",
            PUBLISHED_KEYS | {"dagster/partition_row_count"},
            id="published month",
        ),
    ],
)
def test_metadata_keys(built: BuiltDemo, asset: str, keys: set[str]) -> None:
    """What a materialization tells the bus, asset by kind of asset. Newer integrations add to it."""
    assert keys <= set(metadata(built, asset))


def test_column_lineage_reaches_from_mart_to_raw(built: BuiltDemo) -> None:
    """dagster-dbt works it out from the SQL, across two layers and into what dlt loaded."""
    assert upstream(built, "marts/carrier_delays", "share_late") == {
        ("staging/flights", "arrival_delay_minutes")
    }
    assert upstream(built, "staging/flights", "arrival_delay_minutes") == {("raw/flights", "arr_delay")}


def upstream(built: BuiltDemo, asset: str, column: str) -> set[tuple[str, str]]:
    """The columns that a column comes from."""
    value = metadata(built, asset)["dagster/column_lineage"]
    assert isinstance(value, dg.TableColumnLineageMetadataValue)
    deps = value.value.deps_by_column[column]
    return {(dep.asset_key.to_user_string(), dep.column_name) for dep in deps}


def test_only_the_months_asked_for_are_published(built: BuiltDemo) -> None:
    """With all their carriers."""
    months = "SELECT strftime(month, '%Y-%m'), count(*) FROM carrier_delays GROUP BY 1 ORDER BY 1"
    expected = """
        SELECT strftime(month, '%Y-%m'), count(*) FROM marts.carrier_delays
        WHERE month < DATE '2013-03-01' GROUP BY 1 ORDER BY 1
    """
    assert published(built.home, months) == rows(built.home, expected)
    assert len(published(built.home, months)) == 2


def test_the_demo_runs_again_in_the_same_process(instance: dg.DagsterInstance, copied_home: DemoHome) -> None:
    """Over what is there, without doubling it; no connection was left open that would be in the way."""
    before = published(copied_home, "SELECT count(*) FROM carrier_delays")
    again = run_demo(instance, build_definitions(home=copied_home))
    assert [run.status for run in again] == [RunStatus.SUCCEEDED] * 2
    assert rows(copied_home, "SELECT count(*) FROM raw.flights") == [(336_776,)]
    assert published(copied_home, "SELECT count(*) FROM carrier_delays") == before


def test_nobody_is_told_that_the_demo_ran(built: BuiltDemo) -> None:
    """dlt's usage reports are off."""
    assert built.runs
    assert not is_telemetry_started()
