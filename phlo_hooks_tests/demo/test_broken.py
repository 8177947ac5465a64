"""The demo broken on purpose: it fails where it should, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from phlo_hooks.demo.faults import BREAK_VARIABLE, Fault
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.run import RunStatus, run_demo
from phlo_hooks.errors import ConfigurationError

from .records import evaluations, failures, materialized
from .test_definitions import MARTS, RAW, STAGING

pytestmark = pytest.mark.e2e


def test_a_broken_load(instance: dg.DagsterInstance, copied_home: DemoHome) -> None:
    """The other load succeeds, nothing downstream runs, and no month is published."""
    runs = run_demo(instance, build_definitions(broken=Fault.LOAD, home=copied_home))
    assert [(run.job_name, run.status) for run in runs] == [("lakehouse", RunStatus.FAILED)]
    assert set(materialized(instance, runs)) == RAW - {"raw/flights"}
    assert evaluations(instance, runs) == []
    assert set(failures(instance, runs)) == {"load_flights"}
    assert (
        "SourceBrokeOff: The source of raw/flights broke off in month 7 of 12, after 166,158 flights."
        in failures(instance, runs)["load_flights"]
    )


def test_a_broken_load_leaves_the_old_flights(instance: dg.DagsterInstance, copied_home: DemoHome) -> None:
    """And the next whole load is not hindered by what was left half-way."""
    flights = dg.AssetKey(["raw", "flights"])
    for broken, succeeds in ((Fault.LOAD, False), (None, True)):
        job = build_definitions(home=copied_home, broken=broken).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, asset_selection=[flights], raise_on_error=False)
        assert result.success is succeeds
        with duckdb.connect(str(copied_home.warehouse), read_only=True) as connection:
            assert connection.execute("SELECT count(*) FROM raw.flights").fetchall() == [(336_776,)]


def test_a_broken_model(instance: dg.DagsterInstance, copied_home: DemoHome) -> None:
    """Its descendant is skipped, its siblings are built, nothing is published."""
    runs = run_demo(instance, build_definitions(broken="model", home=copied_home))
    assert [(run.job_name, run.status) for run in runs] == [("lakehouse", RunStatus.FAILED)]
    not_built = {"marts/carrier_delays", "marts/carrier_scorecard"}
    assert set(materialized(instance, runs)) == RAW | STAGING | MARTS - not_built
    assert set(failures(instance, runs)) == {"transform"}
    error = failures(instance, runs)["transform"]
    assert "Failure in model carrier_delays (models/marts/carrier_delays.sql)" in error
    assert "Conversion Error: Could not convert string" in error


def test_the_environment_breaks_it_too(
    instance: dg.DagsterInstance, copied_home: DemoHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read when the step runs, after the definitions were built."""
    job = build_definitions(home=copied_home).resolve_implicit_global_asset_job_def()
    monkeypatch.setenv(BREAK_VARIABLE, "load")
    flights = [dg.AssetKey(["raw", "flights"])]
    assert not job.execute_in_process(
        instance=instance, asset_selection=flights, raise_on_error=False
    ).success


def test_an_unknown_fault_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """Not even the project is parsed."""
    with pytest.raises(ConfigurationError, match="no fault 'everything'"):
        build_definitions(broken="everything", home=DemoHome(tmp_path / "home"))
    assert not (tmp_path / "home").exists()
