"""The demo, told to a strict backend: from dlt's tables through dbt's models to what is published, to the column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest

from phlo_hooks.capabilities.openlineage import OpenLineageResource
from phlo_hooks.demo import lakehouse
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.run import RunStatus, run_demo
from phlo_hooks_tests.capabilities.openlineage.backend import Backend
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import catch_up, facet
from phlo_hooks_tests.capabilities.openlineage.lifecycle import Event, is_terminal
from phlo_hooks_tests.e2e.speed import no_fsync

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DUCKDB = "duckdb:///srv/lake/warehouse.duckdb"


@dataclass(frozen=True)
class ToldDemo:
    """What was run, and what a backend was told of it."""

    backend: Backend
    run_ids: list[str]

    @property
    def ends(self) -> list[Event]:
        """The ends of all runs."""
        return [event for event in self.backend.events if is_terminal(event)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[ToldDemo]:
    """Everything once, and January and February published."""
    home = DemoHome(tmp_path_factory.mktemp("demo") / "home")
    with no_fsync(), Backend() as backend, pytest.MonkeyPatch.context() as patch:
        capabilities = lakehouse._capabilities
        resource = OpenLineageResource(url=backend.url, data_sources={"duckdb": DUCKDB})
        patch.setattr(
            lakehouse,
            "_capabilities",
            lambda home, console: {**capabilities(home, console), "openlineage": resource},
        )
        defs = build_definitions(home=home, console=False)
        with dg.instance_for_test() as instance:
            runs = run_demo(instance, defs, months=["2013-01", "2013-02"])
            assert {RunStatus.SUCCEEDED} == {run.status for run in runs}
            catch_up(defs, instance)
            yield ToldDemo(backend, [run.run_id for run in runs])


def test_every_run_is_told_once(demo):
    """The Dagster runs, and each asset and check in them; all valid, none lost, none doubled."""
    demo.backend.check_valid()
    demo.backend.check_lifecycle()
    told = Counter(
        (event["run"]["runId"], event["eventType"]) for event in demo.backend.events if "run" in event
    )
    assert {1} == set(told.values())
    ends = {event["run"]["runId"]: event["eventType"] for event in demo.ends}
    assert all(ends[run_id] == "COMPLETE" for run_id in demo.run_ids)


def test_assets_and_checks_are_there(demo):
    """Each with the Dagster run that it is of."""
    types = Counter(facet(event, "job.facets.jobType.jobType") for event in demo.ends)
    assert len(demo.run_ids) == types["JOB"]
    assert types["ASSET"] > 15 and types["CHECK"] > 10
    parents = {facet(event, "run.facets.parent.run.runId") for event in demo.ends}
    assert {None, *demo.run_ids} == parents


def test_from_the_source_to_what_is_published(demo):
    """No gap: dataset by dataset."""
    flows = demo.backend.graph().flows
    assert flows
    published = [name for _, name in demo.backend.datasets() if "publish" in name]
    assert published
    for name in published:
        assert any("raw" in each for each in demo.backend.graph().upstream(name)), name


def test_columns(demo):
    """Each field that dbt's lineage names is one of a dataset that is told, under the name that it is told by."""
    datasets = demo.backend.datasets()
    found = 0
    for dataset in datasets.values():
        for column in (dataset.facets.get("columnLineage") or {}).get("fields", {}).values():
            for field in column["inputFields"]:
                found += 1
                assert (field["namespace"], field["name"]) in datasets
    assert found > 50


def test_a_column_comes_from_a_source(demo):
    """From what is published, through every model, to a table that dlt has loaded."""
    datasets = demo.backend.datasets()
    new = {
        (name, column)
        for name, dataset in datasets.items()
        if "publish" in name[1]
        for column in (dataset.facets.get("columnLineage") or {}).get("fields", {})
    }
    assert new
    seen = set()
    while new:
        seen |= new
        new = {source for column in new for source in _sources(datasets, *column)} - seen
    assert {name[1] for name, _ in seen if "raw" in name[1]}


def _sources(datasets, name, column):
    facets = datasets[name].facets if name in datasets else {}
    fields = (facets.get("columnLineage") or {}).get("fields", {})
    return {
        ((each["namespace"], each["name"]), each["field"])
        for each in fields.get(column, {}).get("inputFields", ())
    }


def test_compiled_sql(demo):
    """Of dbt's models, without their templates."""
    statements = [facet(event, "job.facets.sql.query") for event in demo.ends]
    told = [each for each in statements if each]
    assert told
    assert not [each for each in told if "{{" in each]
