"""Names, facets and secrets of datasets, as a backend gets them from real runs."""

from __future__ import annotations

import json
from datetime import timedelta

import dagster as dg
import pytest

from phlo_hooks.envelope import utc_now
from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import (
    QUIET,
    catch_up,
    facet,
    names,
    on_openlineage,
    play,
)
from phlo_hooks_tests.capabilities.openlineage.scenes.columns import COLUMNS
from phlo_hooks_tests.capabilities.openlineage.scenes.secrets import leaks
from phlo_hooks_tests.producers.recording import ASSET_JOB, runtime_of

pytestmark = [
    *QUIET,
    pytest.mark.filterwarnings("ignore:Function `Definitions.map_"),
]

# Of what Marquez takes in one request by default, and most proxies with it.
SIZE_CAP = 10_000_000
WAREHOUSE = {"postgres": "postgres://db.example:5432/wh"}


def kinds(defs: dg.Definitions) -> dg.Definitions:
    """With every asset in PostgreSQL."""
    return defs.map_asset_specs(func=lambda spec: spec.merge_attributes(kinds={"postgres"}))


# -- inputs ------------------------------------------------------------------------------------------------------


def test_inputs_from_outside_of_the_run(backend):
    """An asset that another run made, one that nobody here makes, and one that is only named."""
    played = play(backend, scenes.external_deps(), "only_report")
    for event in played.of_job("report"):
        (orders, accounts, targets) = event["inputs"]
        assert ("orders", "legacy/targets") == (orders["name"], targets["name"])
        assert "crm/accounts" in json.dumps(accounts)
    assert 3 == len(backend.graph().flows)


def test_a_version_that_nobody_knows_is_none(backend):
    """Dagster says INITIAL of what was never materialized."""
    event = play(backend, scenes.external_deps()).end("report")
    versions = [facet(each, "facets.version.datasetVersion") for each in event["inputs"]]
    assert [True, False, False] == [bool(each) for each in versions]
    (written,) = play(backend, scenes.external_deps()).end("orders")["outputs"]
    assert facet(written, "facets.version.datasetVersion") not in (None, "INITIAL")


def test_each_output_of_a_step_has_its_own_inputs(backend):
    """Not those of its neighbours."""
    play(backend, scenes.multi_asset())
    assert {
        ("source", "staged"),
        ("staged", "orders"),
        ("rates", "orders"),
        ("staged", "refunds"),
    } == backend.graph().flows


def test_a_part_of_a_step(backend):
    """Takes nothing from the part that did not run."""
    play(backend, scenes.multi_asset())
    before = backend.graph()
    play(backend, scenes.multi_asset(), "only_orders")
    after = backend.graph()
    assert before.flows == after.flows
    assert before.inputs.items() <= after.inputs.items()


# -- names -------------------------------------------------------------------------------------------------------


def test_tables_are_called_what_others_call_them(backend, instance):
    """On both sides, in all states of all runs; the asset's key is another name of it."""
    fields = {"data_sources": WAREHOUSE}
    for _ in range(2):
        played = play(backend, kinds(scenes.ten_assets(fails=False)), instance=instance, fields=fields)
    report = played.end("report")
    for event in played.of_job("report"):
        assert ["wh.public.revenue", "wh.public.products"] == names(event["inputs"])
        assert ["wh.public.report"] == names(event["outputs"])
        assert "postgres://db.example:5432" == event["outputs"][0]["namespace"]
    (symlink,) = facet(report["outputs"][0], "facets.symlinks.identifiers")
    assert ("dagster", "report", "DAGSTER_ASSET") == (symlink["namespace"], symlink["name"], symlink["type"])
    assert {name for _, name in backend.datasets()} >= {f"wh.public.{name}" for name in ("report", "export")}


def test_the_first_run_of_all_names_no_dataset_that_is_none(backend):
    """Where a table is becomes known only with its first materialization: until then it has no other name."""
    play(backend, kinds(scenes.ten_assets(fails=False)), fields={"data_sources": WAREHOUSE})
    assert not [name for _, name in backend.datasets() if not name.startswith("wh.public.")]


def test_a_failure_does_not_rename(backend, instance):
    """The table is where it was."""
    fields = {"data_sources": WAREHOUSE}
    play(backend, kinds(scenes.ten_assets(fails=False)), instance=instance, fields=fields)
    before = backend.graph()
    play(backend, kinds(scenes.ten_assets()), instance=instance, fields=fields)
    assert before == backend.graph()


def test_namespaces_from_templates(backend):
    """Of jobs and datasets apart; a parent is named as it names itself."""
    fields = {"job_namespace": "prod/{group}/{tag:tenant}", "dataset_namespace": "lake/{tag:tenant}"}
    played = play(backend, scenes.ten_assets(), fields=fields, tags={"tenant": "acme"})
    namespaces = {event["job"]["name"]: event["job"]["namespace"] for event in played.events}
    assert "prod/acme" == namespaces.pop(ASSET_JOB)
    assert {"prod/default/acme"} == set(namespaces.values())
    assert {"lake/acme"} == {namespace for namespace, _ in backend.datasets()}
    assert "prod/acme" == facet(played.end("orders"), "run.facets.parent.job.namespace")


# -- what is told ------------------------------------------------------------------------------------------------


def test_left_out(backend):
    """Of what dbt's own integration tells, only who reads it is told here."""
    played = play(backend, scenes.ten_assets(fails=False), fields={"exclude": "key:raw_*"})
    assert not [job for job in played.states if job.startswith("raw_")]
    assert ("raw_orders", "orders") in backend.graph().flows


def test_only(backend):
    """These, and the run around them."""
    played = play(backend, scenes.ten_assets(fails=False), fields={"include": "key:report or key:export"})
    assert {ASSET_JOB, "report", "export"} == played.states.keys()


def names_of_fields(column) -> list[str]:
    return [each["field"] for each in column["inputFields"]]


def test_two_thousand_columns(backend):
    """All of them in one event that a backend takes. Their lineage is what goes first where an event of ours is too
    large: the edges of the last columns, while that of the table and of all other columns stays.
    """
    played = play(backend, scenes.wide_schema())
    (output,) = played.end("features")["outputs"]
    fields = facet(output, "facets.schema.fields")
    assert [f"c{n}" for n in range(COLUMNS)] == [each["name"] for each in fields]
    assert list(range(1, COLUMNS + 1)) == [each["ordinal_position"] for each in fields]
    lineage = facet(output, "facets.columnLineage.fields")
    assert COLUMNS / 3 < len(lineage) <= COLUMNS
    whole = [name for name in lineage if ["id", f"r{name[1:]}"] == names_of_fields(lineage[name])]
    assert len(whole) >= len(lineage) - 1
    assert ["raw_orders"] == names(played.end("features")["inputs"])
    cut = facet(output, "facets.phlo_dagsterAsset").get("truncated", [])
    assert (len(lineage) < COLUMNS) == ("column_lineage" in cut)
    assert max(len(each.body) for each in backend.server.requests) < SIZE_CAP


def test_no_secret_leaves(backend, instance, caplog):
    """Nor is it kept, or logged by us."""
    caplog.set_level("DEBUG", logger="phlo_hooks")
    defs = on_openlineage(scenes.secrets(), backend)
    defs.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance, raise_on_error=False)
    catch_up(defs, instance)
    backend.check_lifecycle()
    store = runtime_of(defs).store(instance)
    sent = b"".join(each.body for each in backend.server.requests).decode()
    kept = "".join(record.body for record in store.events())
    ours = "".join(each.getMessage() for each in caplog.records if each.name.startswith("phlo_hooks"))
    assert ([], [], []) == (leaks(sent), leaks(kept), leaks(ours))
    assert "warehouse:5432" in sent


# -- no step, or no run -------------------------------------------------------------------------------------------


def dataset_events(backend) -> list[dict]:
    return [event for event in backend.events if "dataset" in event]


def test_a_source_that_is_looked_at(backend, instance):
    """Is told as a dataset with the version that was seen; nothing has made it."""
    played = play(backend, scenes.observable_source(), "observe", instance=instance)
    (event,) = dataset_events(backend)
    assert ("feed", "v7") == (event["dataset"]["name"], facet(event, "dataset.facets.version.datasetVersion"))
    assert {"observe": "START COMPLETE"} == played.states


def test_what_a_step_sees_of_others(backend):
    """And of itself: a dataset each, beside the runs."""
    played = play(backend, scenes.observed_in_a_step())
    assert ["orders", "report"] == sorted(event["dataset"]["name"] for event in dataset_events(backend))
    assert "START COMPLETE" == played.states["report"]


@pytest.mark.parametrize("runless", ["run", "dataset"])
def test_from_outside(runless, backend, instance):
    """A materialization that no run made: a run of its own without a parent, or a dataset, as it is configured."""
    made = scenes.runless(instance)
    hooked = on_openlineage(made, backend, runless=runless, since=utc_now() - timedelta(days=1))
    catch_up(hooked, instance)
    told = dataset_events(backend)
    runs = [event for event in backend.events if event.get("job", {}).get("name") == "crm/accounts"]
    check = [event for event in backend.events if event.get("job", {}).get("name") == "crm/accounts.has_rows"]
    assert (["START", "COMPLETE"] if runless == "run" else []) == [event["eventType"] for event in runs]
    assert (1 if runless == "run" else 2) == len(told)
    assert ["START", "COMPLETE"] == [event["eventType"] for event in check]
    assert not [event for event in (*runs, *check) if "parent" in event["run"]["facets"]]
    backend.check_lifecycle()


def test_a_job_of_ops(backend):
    """What an op says that it wrote is told under the op's own run; only one partition of the second."""
    played = play(backend, scenes.op_job(), "load")
    assert {"load", "orders", "raw/events"} == played.states.keys()
    assert "load" == facet(played.end("orders"), "run.facets.parent.job.name")
    (subset,) = facet(
        played.end("raw/events")["outputs"][0], "outputFacets.subset.outputCondition.partitions"
    )
    assert "2026-01-31" == subset["identifier"]
