"""What events come to: every message is held against the specification by the shop."""

from __future__ import annotations

import pytest

from phlo_hooks.events import (
    BackfillEvent,
    ColumnEdge,
    ErrorInfo,
    FailedStep,
    HookCorrelation,
    LineageEvent,
    QualityResultEvent,
    TelemetryEvent,
    TransformEvent,
)
from phlo_hooks_tests.capabilities.openlineage.shop import (
    NOON,
    ROOT,
    RUN,
    Shop,
    end,
    names,
    run,
    start,
    states,
    where,
)

BOOM = ErrorInfo(message="no such table", error_class="OperationalError", stack="line 1")


def test_planned_then_materialized():
    """One start and one end of one run, with inputs and outputs on both."""
    began, ended = Shop().play(start(), end())
    assert ["START", "COMPLETE"] == [began["eventType"], ended["eventType"]]
    assert began["run"]["runId"] == ended["run"]["runId"]
    for each in (began, ended):
        assert ["raw/orders", "source"] == names(each["inputs"])
        assert ["report"] == names(each["outputs"])
        assert ("dagster", "report") == (each["job"]["namespace"], each["job"]["name"])


def test_an_end_without_a_start():
    """A materialization that nobody planned: its start is told first, at the time of its step's."""
    began, ended = Shop().play(end(at=9, began=2))
    assert ["START", "COMPLETE"] == [began["eventType"], ended["eventType"]]
    assert ["2026-03-02T12:00:02Z", "2026-03-02T12:00:09Z"] == [began["eventTime"], ended["eventTime"]]


def test_a_start_that_comes_late():
    """Was told by then."""
    assert ["START", "COMPLETE"] == states(Shop().play(end(), start()))


def test_the_same_event_once_more():
    """A crash between sending and noting, or a replay: the same is sent again."""
    shop = Shop()
    first = shop.play(start(), end())
    assert first == shop.play(start(), end())


def test_another_materialization_in_the_attempt():
    """Is news about a run that has ended."""
    again = end(at=6, metadata={"n": 2}).model_copy(update={"event_id": "other"})
    assert ["START", "COMPLETE", "OTHER"] == states(Shop().play(start(), end(), again))


def test_a_failure_after_success():
    """Is never told: the run has ended."""
    failed = end(at=6, status="failure", error=BOOM).model_copy(update={"event_id": "other"})
    assert ["START", "COMPLETE"] == states(Shop().play(start(), end(), failed))


@pytest.mark.parametrize(
    ("status", "state"), [("failure", "FAIL"), ("canceled", "ABORT"), ("skipped", "ABORT")]
)
def test_what_did_not_come_about(status, state):
    """Its lineage stays: a backend keeps what the last end said."""
    ended = Shop().play(start(), end(status=status, error=BOOM))[-1]
    assert state == ended["eventType"]
    assert ["raw/orders", "source"] == names(ended["inputs"])
    assert ["report"] == names(ended["outputs"])


def test_the_users_own_error():
    facet = Shop().play(end(status="failure", error=BOOM))[-1]["run"]["facets"]["errorMessage"]
    assert ("OperationalError: no such table", "line 1") == (facet["message"], facet["stackTrace"])


def test_never_begun_is_not_told():
    assert [] == Shop().play(end(status="skipped", began=None))


def test_a_retry_is_a_run_of_its_own():
    sent = Shop().play(
        start(), end(status="failure", error=BOOM), start(at=6, attempt=2), end(at=7, began=6, attempt=2)
    )
    assert ["START", "FAIL", "START", "COMPLETE"] == states(sent)
    assert 2 == len({each["run"]["runId"] for each in sent})


def test_a_dagster_run():
    """Under Dagster's own id; without datasets, of which its assets tell."""
    began, ended = Shop().play(run(), run("success", at=9))
    assert [RUN, RUN] == [began["run"]["runId"], ended["run"]["runId"]]
    assert "nightly" == ended["job"]["name"]
    assert ([], []) == (ended["inputs"], ended["outputs"])


def test_a_run_that_never_began():
    """Canceled in the queue: it has a start all the same, or a backend would not know what was aborted."""
    assert ["START", "ABORT"] == states(Shop().play(run("canceled")))


def test_the_error_of_a_run_is_that_of_its_step():
    failed = run("failure", failed_steps=(FailedStep(step_key="report", error=BOOM),))
    facet = Shop().play(run(), failed)[-1]["run"]["facets"]["errorMessage"]
    assert "OperationalError: no such table" == facet["message"]


def test_parent_is_the_dagster_run():
    parent = Shop().play(end())[-1]["run"]["facets"]["parent"]
    assert (RUN, "nightly") == (parent["run"]["runId"], parent["job"]["name"])
    assert RUN == parent["root"]["run"]["runId"]


def test_root_is_the_first_of_the_runs():
    """A re-execution."""
    shop = Shop()
    again = {"correlation_id": ROOT, "parent_run_id": ROOT}
    asset_parent = shop.play(end(**again))[-1]["run"]["facets"]["parent"]
    run_parent = shop.play(run(**again))[-1]["run"]["facets"]["parent"]
    assert (RUN, ROOT) == (asset_parent["run"]["runId"], asset_parent["root"]["run"]["runId"])
    assert (ROOT, ROOT) == (run_parent["run"]["runId"], run_parent["root"]["run"]["runId"])


def test_root_is_the_backfill():
    """Which is a run of its own, under the id that its runs name."""
    shop = Shop()
    began = shop.play(BackfillEvent(event_type="backfill.start", backfill_id="b1", timestamp=NOON))[0]
    parent = shop.play(end(backfill_id="b1", job_name="__ASSET_JOB"))[-1]["run"]["facets"]["parent"]
    assert began["run"]["runId"] == parent["root"]["run"]["runId"]
    assert began["job"]["name"] == parent["root"]["job"]["name"] == "backfill"


def test_a_check():
    """Reads what it looks at; the result stands on its input."""
    event = QualityResultEvent(
        event_type="quality.result",
        timestamp=NOON,
        check_name="fresh",
        passed=False,
        severity="WARN",
        producer="dagster",
        correlation=where(check_name="fresh"),
    )
    began, ended = Shop().play(event)
    assert ["START", "COMPLETE"] == [began["eventType"], ended["eventType"]]
    assert "report.fresh" == ended["job"]["name"]
    assert ["report", "raw/orders"] == names(ended["inputs"])
    assert "dataQualityAssertions" not in began["inputs"][0]["inputFacets"]
    (found,) = ended["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (False, "warn") == (found["success"], found["severity"])


def test_a_check_that_crashed():
    event = QualityResultEvent(
        event_type="quality.error", check_name="fresh", error=BOOM, correlation=where(check_name="fresh")
    )
    assert ["START", "FAIL"] == states(Shop().play(event))


def test_where_a_table_was_is_remembered():
    """dlt says where its table is only once it is there; whoever reads it has to name the same dataset."""
    shop = Shop(data_sources={"duckdb": "duckdb:///lake.duckdb"})
    told = {"table_name": "raw.orders", "metadata": {"dagster/storage_kind": "duckdb"}}
    written = shop.play(end("raw/orders", **told))[-1]["outputs"][0]
    read = shop.play(start(at=10))[0]["inputs"][0]
    assert (written["namespace"], written["name"]) == (read["namespace"], read["name"])
    assert "raw/orders" != read["name"]
    assert "raw/orders" == read["facets"]["symlinks"]["identifiers"][0]["name"]


def test_the_first_start_of_a_table():
    """Where it is, only its end will say: the start names no dataset that there will never be."""
    shop = Shop(data_sources={"duckdb": "duckdb:///lake.duckdb"})
    told = {"table_name": "raw.orders", "metadata": {"dagster/storage_kind": "duckdb"}}
    began, ended = shop.play(start("raw/orders"), end("raw/orders", **told))
    assert ([], ["lake.raw.orders"]) == (names(began["outputs"]), names(ended["outputs"]))
    again = shop.play(start("raw/orders", attempt=2), end("raw/orders", status="failure", attempt=2))
    assert [["lake.raw.orders"]] * 2 == [names(each["outputs"]) for each in again]


def test_a_version_that_dagster_does_not_know():
    """INITIAL is its word for that of an asset that was never materialized."""
    event = end(data_version="UNKNOWN", input_versions={"raw/orders": "INITIAL", "source": "v3"})
    ended = Shop().play(event)[-1]
    assert [False, True] == ["version" in each["facets"] for each in ended["inputs"]]
    assert "version" not in ended["outputs"][0]["facets"]


def test_a_source_that_somebody_writes():
    """Dagster only looks at it, and plans no attempt; whoever reports that it was written is heard."""
    assert ["START", "COMPLETE"] == states(Shop().play(end("source")))


def test_inputs_that_only_columns_name():
    """They are inputs of the next run, too, also when it fails before it can say so."""
    shop = Shop()
    edges = (ColumnEdge(column="id", upstream_asset="hidden", upstream_column="id"),)
    assert "hidden" in names(shop.play(end(column_lineage=edges))[-1]["inputs"])
    failed = shop.play(end(at=9, status="failure", error=BOOM, attempt=2))[-1]
    assert "hidden" in names(failed["inputs"])


def test_column_lineage():
    edges = (ColumnEdge(column="n", upstream_asset="raw/orders", upstream_column="id"),)
    output = Shop().play(end(column_lineage=edges))[-1]["outputs"][0]
    (source,) = output["facets"]["columnLineage"]["fields"]["n"]["inputFields"]
    assert ("dagster", "raw/orders", "id") == (source["namespace"], source["name"], source["field"])


def test_excluded_assets_are_not_told():
    """Of one that dbt's own integration tells of, only others say that they read it."""
    shop = Shop(exclude=("raw/orders",))
    assert [] == shop.play(start("raw/orders"), end("raw/orders"))
    assert "raw/orders" in names(shop.play(end())[-1]["inputs"])


def test_runless_as_a_run():
    event = TransformEvent(
        event_type="transform.end", asset_key="report", status="success", timestamp=NOON, event_id=ROOT
    )
    began, ended = Shop().play(event)
    assert ["START", "COMPLETE"] == [began["eventType"], ended["eventType"]]
    assert "parent" not in ended["run"]["facets"]


def test_runless_as_a_dataset():
    event = TransformEvent(
        event_type="transform.end", asset_key="report", status="success", timestamp=NOON, data_version="v1"
    )
    (sent,) = Shop(runless="dataset").play(event)
    assert "report" == sent["dataset"]["name"]
    assert "v1" == sent["dataset"]["facets"]["version"]["datasetVersion"]


def test_an_observation():
    event = TelemetryEvent(
        event_type="telemetry.metric",
        name="dagster.observation",
        asset_key="source",
        timestamp=NOON,
        payload={"dagster/data_version": "v2", "dagster/column_schema": {"columns": [{"name": "id"}]}},
    )
    (sent,) = Shop().play(event)
    facets = sent["dataset"]["facets"]
    assert ("v2", "id") == (
        facets["version"]["datasetVersion"],
        facets["schema"]["fields"][0]["name"],
    )


def test_other_measurements():
    assert [] == Shop().play(TelemetryEvent(event_type="telemetry.metric", name="rows", value=3))


def test_lineage_that_a_user_emits():
    event = LineageEvent(edges=(("raw/orders", "copy"),), correlation=where(None))
    ended = Shop().play(event)[-1]
    assert (["raw/orders"], ["copy"]) == (names(ended["inputs"]), names(ended["outputs"]))
    assert "copy.lineage" == ended["job"]["name"]


def test_namespaces_of_jobs():
    """From the run's tags and the asset's group; that of a run has no group."""
    shop = Shop(job_namespace="{location}/{group}/{tag:tenant}")
    tags = {"tenant": "acme"}
    asset = shop.play(run(tags=tags), end(tags=tags))
    assert ["shop/acme", "shop/marts/acme"] == [asset[0]["job"]["namespace"], asset[-1]["job"]["namespace"]]
    assert "shop/acme" == asset[-1]["run"]["facets"]["parent"]["job"]["namespace"]


def test_a_tag_of_the_asset_hides_that_of_the_run():
    """In the event; the parent has the run's own all the same."""
    shop = Shop(job_namespace="{tag:tier}")
    sent = shop.play(run(tags={"tier": "bronze"}), end(tags={"tier": "bronze"}))
    assert "bronze" == sent[0]["job"]["namespace"]
    assert ("gold", "bronze") == (
        sent[-1]["job"]["namespace"],
        sent[-1]["run"]["facets"]["parent"]["job"]["namespace"],
    )


def test_a_partition():
    """A run of its own for each, with the partition on both sides."""
    shop = Shop()
    sent = shop.play(*(end(partition_key=day) for day in ("2026-03-01", "2026-03-02")))
    assert 2 == len({each["run"]["runId"] for each in sent})
    out = sent[1]["outputs"][0]["outputFacets"]["subset"]["outputCondition"]
    assert {"date": "2026-03-01"} == out["partitions"][0]["dimensions"]
    into = sent[1]["inputs"][0]["inputFacets"]["subset"]["inputCondition"]
    assert "2026-03-01" == into["partitions"][0]["identifier"]


def test_versions_of_what_was_read():
    event = end(data_version="v9", input_versions={"raw/orders": "v3"})
    ended = Shop().play(event)[-1]
    assert "v9" == ended["outputs"][0]["facets"]["version"]["datasetVersion"]
    assert "v3" == ended["inputs"][0]["facets"]["version"]["datasetVersion"]


def test_an_outside_asset_is_described():
    """Nobody else tells of it."""
    ended = Shop().play(end())[-1]
    orders, source = ended["inputs"]
    assert "somebody else's" == source["facets"]["documentation"]["description"]
    assert "documentation" not in orders["facets"]


def test_events_of_no_run_at_all():
    assert [] == Shop().play(run("queued"), run("stuck"))


def test_rows_and_bytes():
    facet = Shop().play(end(metrics={"rows": 3, "bytes": 40}))[-1]["outputs"][0]["outputFacets"]
    assert (3, 40) == (facet["outputStatistics"]["rowCount"], facet["outputStatistics"]["size"])


def test_an_asset_that_nobody_knows():
    """Of an op job that logs a materialization, say."""
    event = end("unknown")
    ended = Shop().play(event)[-1]
    assert ([], ["unknown"]) == (ended["inputs"], names(ended["outputs"]))
    assert HookCorrelation is not None
