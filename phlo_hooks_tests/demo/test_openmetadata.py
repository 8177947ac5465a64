"""The whole demo in OpenMetadata: what its definitions say, and what its runs have done."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner

from phlo_hooks.cli import cli
from phlo_hooks_tests.capabilities.openmetadata.conftest import judge, server
from phlo_hooks_tests.capabilities.openmetadata.server import (
    RESULT,
    STATUS,
    TABLE_PROFILE,
    OpenMetadataServer,
)
from phlo_hooks_tests.demo.conftest import BuiltDemo

__all__ = ["judge", "server"]

pytestmark = [
    pytest.mark.e2e,
    # dagster-dbt calls what Dagster has deprecated.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

# The demo's own definitions, with this resource in the place of its own.
DEFINITIONS = """
    import os
    from pathlib import Path

    import dagster as dg

    from phlo_hooks.capabilities import OpenMetadataResource
    from phlo_hooks.demo import lakehouse
    from phlo_hooks.demo.paths import DemoHome

    catalog = OpenMetadataResource(
        url=dg.EnvVar("CATALOG_URL"),
        token=dg.EnvVar("CATALOG_TOKEN"),
        services={"duckdb": "lakehouse"},
        mapping={"published/*": "lakehouse.published.main.{name}", "source/*": None},
        webserver_url="https://dagster.example",
    )
    lakehouse._capabilities = lambda home, console: {os.environ["KEY_OF_CATALOG"]: catalog}
    defs = lakehouse.build_definitions(home=DemoHome(Path(os.environ["HOME_OF_DEMO"])))
"""
FLIGHTS = "lakehouse.warehouse.staging.flights"
MODELS = {"airlines", "airports", "flights", "planes", "weather"}


@pytest.fixture
def synced(
    built: BuiltDemo, server: OpenMetadataServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A function that syncs the demo to the server, with all that has happened, by the command line."""
    (tmp_path / "demo_catalog.py").write_text(dedent(DEFINITIONS))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("PHLO_HOOKS_STORE_URL", raising=False)
    monkeypatch.setenv("CATALOG_URL", server.url)
    monkeypatch.setenv("CATALOG_TOKEN", server.token)
    monkeypatch.setenv("HOME_OF_DEMO", str(built.home.root))
    # Each server's memory of its own.
    monkeypatch.setenv("KEY_OF_CATALOG", "catalog_" + server.version.replace(".", "_"))
    monkeypatch.setenv("DAGSTER_HOME", built.instance.root_directory)
    monkeypatch.setattr("phlo_hooks.demo.lakehouse._capabilities", lambda home, console: {})

    def sync(*arguments: str) -> list[dict[str, Any]]:
        file = str(tmp_path / "demo_catalog.py")
        result = CliRunner().invoke(cli, ["openmetadata", "sync", *arguments, "--json", "-f", file])
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    yield sync
    sys.modules.pop("demo_catalog", None)


def test_the_demo_in_openmetadata(synced: Any, server: OpenMetadataServer, built: BuiltDemo) -> None:
    """Tables and lineage with columns, checks with results, pipelines with runs; a second time nothing."""
    synced("--since", "12h")
    assert server.problems == []
    check_tables(server)
    check_lineage(server)
    check_quality(server)
    check_pipelines(server, built)
    server.reset_counts()
    again = synced("--since", "12h")
    assert [f"{each.method} {each.path}" for each in server.writes] == []
    assert {each["created"] + each["updated"] for each in again} == {0}


def check_tables(server: OpenMetadataServer) -> None:
    tables = {each["fullyQualifiedName"]: each for each in server.entities("table")}
    assert {f"lakehouse.warehouse.{layer}.{name}" for layer in ("raw", "staging") for name in MODELS} <= set(
        tables
    )
    assert "lakehouse.published.main.carrier_delays" in tables
    assert len(tables) == 19
    assert [name for name, table in tables.items() if not table["columns"]] == []
    flights = {column["name"]: column for column in tables[FLIGHTS]["columns"]}
    assert flights["origin"]["description"] == "FAA code of the airport of departure."
    assert flights["flight_date"]["dataType"] == "DATE"
    [profile] = server.series(TABLE_PROFILE, "lakehouse.warehouse.raw.flights")
    assert profile["rowCount"] == 336_776


def check_lineage(server: OpenMetadataServer) -> None:
    edges = {(each.from_fqn, each.to_fqn): each.details for each in server.edges()}
    staged = edges["lakehouse.warehouse.raw.flights", FLIGHTS]
    columns = {each["toColumn"]: each["fromColumns"] for each in staged["columnsLineage"]}
    assert columns[f"{FLIGHTS}.carrier"] == ["lakehouse.warehouse.raw.flights.carrier"]
    mart = "lakehouse.warehouse.marts.carrier_delays"
    assert {(FLIGHTS, mart), (mart, "lakehouse.published.main.carrier_delays")} <= set(edges)
    assert staged["pipeline"]["type"] == "pipeline"


def check_quality(server: OpenMetadataServer) -> None:
    cases = {each["fullyQualifiedName"]: each for each in server.entities("testCase")}
    assert len(cases) == 30
    definitions = Counter(each["testDefinition"]["name"] for each in cases.values())
    assert definitions == {
        "dbt_not_null_column": 17,
        "dbt_unique_column": 6,
        "dbt_relationships_column": 2,
        "dbt_accepted_values_column": 1,
        "dagster_asset_check": 4,
    }
    newest = {fqn: server.series(RESULT, fqn)[0] for fqn in cases}
    failed = {fqn.rpartition(".")[2] for fqn, each in newest.items() if each["testCaseStatus"] != "Success"}
    warns = "relationships_flights_destination__airport__ref_airports_"
    assert failed == {"tail_numbers_known", warns}
    found = newest[f"{FLIGHTS}.destination.{warns}"]
    assert found["failedRows"] == 7_602
    assert "Severity: WARN" in found["result"]
    assert "https://dagster.example/runs/" in found["result"]
    loaded = newest["lakehouse.warehouse.raw.flights.whole_year_loaded"]
    assert {"name": "flights", "value": "336776"} in loaded["testResultValue"]


def check_pipelines(server: OpenMetadataServer, built: BuiltDemo) -> None:
    pipelines = {each["name"].rpartition(":")[2]: each for each in server.entities("pipeline")}
    assert {"lakehouse", "publish_month"} <= set(pipelines)
    assert {"transform", "raw__flights_whole_year_loaded"} <= {
        task["name"] for task in pipelines["lakehouse"]["tasks"]
    }
    counts = {}
    for name in ("lakehouse", "publish_month"):
        runs = server.series(STATUS, pipelines[name]["fullyQualifiedName"])
        assert {each["executionStatus"] for each in runs} == {"Successful"}
        counts[name] = len(runs)
    assert counts == dict(Counter(each.job_name for each in built.runs))
