"""What the code location offers, before anything runs."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import HOME_VARIABLE

from .conftest import BuiltDemo, project_files

pytestmark = pytest.mark.e2e

RAW = {f"raw/{table}" for table in ("airlines", "airports", "flights", "planes", "weather")}
STAGING = {f"staging/{table}" for table in ("airlines", "airports", "flights", "planes", "weather")}
MARTS = {
    "marts/cancellations",
    "marts/carrier_delays",
    "marts/carrier_scorecard",
    "marts/days",
    "marts/route_traffic",
    "marts/weather_delays",
}
PUBLISHED = {"published/cancellations", "published/carrier_delays", "published/route_traffic"}
KINDS = {
    "source": {"csv"},
    "raw": {"dlt", "duckdb"},
    "staging": {"dbt", "duckdb"},
    "marts": {"dbt", "duckdb"},
    "published": {"duckdb"},
}


@pytest.fixture
def definitions(built: BuiltDemo) -> dg.Definitions:
    """The definitions on a home that has been used."""
    return build_definitions(home=built.home)


def test_asset_keys(definitions: dg.Definitions) -> None:
    """The layer, then the table."""
    keys = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}
    assert keys == RAW | STAGING | MARTS | PUBLISHED | {"source/nycflights13"}


def test_every_asset_says_what_it_is_and_whose(definitions: dg.Definitions) -> None:
    """Group, kinds, owners and description are what the bus has to show."""
    for spec in definitions.resolve_all_asset_specs():
        assert spec.group_name == spec.key.path[0]
        assert spec.kinds == KINDS[spec.group_name], spec.key
        assert spec.owners, spec.key
        assert spec.description, spec.key


def test_every_table_has_its_physical_name(definitions: dg.Definitions) -> None:
    """Lineage joins what dlt wrote to what dbt reads by this name."""
    names = {
        spec.key.to_user_string(): spec.metadata["dagster/table_name"]
        for spec in definitions.resolve_all_asset_specs()
        if spec.key.path[0] in {"raw", "staging", "marts"}
    }
    assert names == {key: f"warehouse.{key.replace('/', '.')}" for key in RAW | STAGING | MARTS}


def test_the_lakehouse_job_holds_all_but_the_monthly_asset(definitions: dg.Definitions) -> None:
    """A run has one partitioning, or none."""
    job = definitions.resolve_job_def("lakehouse")
    selected = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert selected == RAW | STAGING | MARTS | PUBLISHED - {"published/carrier_delays"}


def test_the_monthly_job_has_the_twelve_months(definitions: dg.Definitions) -> None:
    """Of the year of the data."""
    months = definitions.resolve_job_def("publish_month").partitions_def
    assert months is not None
    assert months.get_partition_keys() == [f"2013-{month:02}" for month in range(1, 13)]


def test_the_module_of_workspace_yaml_loads(built: BuiltDemo, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the home that the environment names."""
    monkeypatch.setenv(HOME_VARIABLE, str(built.home.root))
    from phlo_hooks.demo import definitions

    dg.Definitions.validate_loadable(definitions.defs)


def test_the_project_is_parsed_once(built: BuiltDemo) -> None:
    """A second load of the definitions, such as a step's process does, reuses the manifest."""
    (manifest,) = built.home.dbt.glob("parsed-*/manifest.json")
    parsed_at = manifest.stat().st_mtime_ns
    build_definitions(home=built.home)
    assert manifest.stat().st_mtime_ns == parsed_at


def test_the_package_is_not_written_to(built: BuiltDemo) -> None:
    """It may lie in a read-only site-packages: dbt's artifacts all go to the home."""
    assert project_files() == built.project_files_before
    assert (built.home.dbt / "target" / "run_results.json").exists()
    assert not Path("logs/dbt.log").exists()
