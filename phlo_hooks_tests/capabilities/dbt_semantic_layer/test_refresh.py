"""What a publication leads to: through real runs, and step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks.capabilities.dbt_semantic_layer.verification import Findings, verify
from phlo_hooks.errors import DeliveryError, PermanentError
from phlo_hooks.events import PublishEvent, SemanticEvent
from phlo_hooks.memory import MemoryState, memory_host
from phlo_hooks.producers.sensor import tick
from phlo_hooks.producers.with_hooks import with_hooks
from phlo_hooks.semantics import ModelWork, Work

from .shop import ALL_METRICS, change, named

ORDERS = Work((ModelWork("orders", ("marts/orders",)),))
OF_ORDERS = [name for name in ALL_METRICS if name != "visits"]


def sql(project: Path, statement: str) -> None:
    """Change the tables."""
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(statement)


def test_each_metric_is_asked_for(layer: DbtSemanticLayerResource) -> None:
    """And the dimensions; only what the published asset feeds."""
    progress = layer.begin(ORDERS)
    assert ("done", ("orders",), tuple(OF_ORDERS)) == (progress.state, progress.refreshed, progress.metrics)
    assert ["dimensions of orders", *OF_ORDERS] == progress.details["checked"]


def test_a_broken_metric_is_told(layer: DbtSemanticLayerResource, project: Path) -> None:
    """With what the database says of it; the others are well."""
    sql(project, "ALTER TABLE marts.orders RENAME amount TO total")
    progress = layer.begin(ORDERS)
    broken = {"revenue", "revenue_per_order", "revenue_per_visit", "revenue_to_date"}
    assert "failed" == progress.state
    assert broken == set(progress.details["broken"])
    assert {"dimensions of orders", "order_count", "visit_to_order"} == set(progress.details["checked"])
    assert "revenue: DuckDB refuses the query: Binder Error: " in str(progress.error)


def test_a_broken_dimension_is_told(layer: DbtSemanticLayerResource, project: Path) -> None:
    """No metric needs it."""
    sql(project, "ALTER TABLE main.customers RENAME country TO land")
    progress = layer.begin(Work((ModelWork("customers"),)))
    assert ["dimensions of customers"] == list(progress.details["broken"])


def test_an_empty_table_is_no_failure(layer: DbtSemanticLayerResource, project: Path) -> None:
    """But worth knowing."""
    sql(project, "DELETE FROM main.visits")
    progress = layer.begin(Work((ModelWork("visits"),)))
    assert "done" == progress.state
    assert "visits" in progress.details["empty"]


def test_a_manifest_that_cannot_be_used_is_a_failure(layer: DbtSemanticLayerResource, project: Path) -> None:
    """It is told like any other, and tried again."""
    (project / "target" / "semantic_manifest.json").unlink()
    assert "run `dbt parse`" in str(layer.begin(ORDERS).error)
    assert "failed" == layer.look(ORDERS, {"left": []}).state


def test_a_database_that_is_away_is_no_verdict(project: Path) -> None:
    """The relay tries again."""
    layer = DbtSemanticLayerResource(project_dir=str(project), database=str(project / "none.duckdb"))
    with pytest.raises(DeliveryError, match="build the models first") as caught:
        layer.begin(ORDERS)
    assert not isinstance(caught.value, PermanentError)


def test_nothing_is_asked_for_where_nobody_wants_it(project: Path) -> None:
    """The manifest is read all the same; no database is needed."""
    layer = DbtSemanticLayerResource(manifest=str(project / "target" / "manifest.json"), check_metrics=False)
    progress = layer.begin(ORDERS)
    assert ("done", {"manifest"}) == (progress.state, set(progress.details))


def test_a_long_check_goes_on_with_the_next_look(layer: DbtSemanticLayerResource) -> None:
    """One thing at least at a time; what was found is kept as JSON."""
    asked, now = [], iter(range(100))
    findings = Findings(["a", "b", "c"])

    def ask(what: str) -> bool:
        asked.append(what)
        return what != "b"

    verify(findings, ask, for_seconds=2, clock=lambda: next(now))
    assert (["c"], ["a"], ["b"]) == (findings.left, findings.checked, findings.empty)
    verify(findings, ask, for_seconds=0, clock=lambda: next(now))
    assert (["a", "b", "c"], []) == (asked, findings.left)
    progress = layer.look(ORDERS, {"left": ["revenue", "gone"], "checked": ["order_count"]})
    assert ("done", ["order_count", "revenue"]) == (progress.state, progress.details["checked"])


def test_what_has_changed_between_two_publications(layer: DbtSemanticLayerResource, project: Path) -> None:
    """By name, once; the first time there is nothing to compare with."""
    host = memory_host(MemoryState())
    assert "changes" not in layer.on(host).begin(ORDERS).details
    assert "changes" not in layer.on(host).begin(ORDERS).details

    def edit(content: dict[str, Any]) -> None:
        named(content, "semantic_models", "orders")["dimensions"].pop()
        named(content, "metrics", "revenue")["label"] = "Turnover"
        content["metrics"] = [each for each in content["metrics"] if each["name"] != "revenue_to_date"]
        content["metrics"].append(
            {**named(content, "metrics", "visits"), "name": "walk_ins", "label": "Walk-ins"}
        )

    change(project, edit)
    expected = {
        "models": {"changed": ["orders"]},
        "metrics": {"added": ["walk_ins"], "removed": ["revenue_to_date"], "changed": ["revenue"]},
    }
    assert expected == layer.on(host).begin(ORDERS).details["changes"]
    assert "changes" not in layer.on(host).begin(ORDERS).details


def test_refresh_is_about_what_an_event_says(layer: DbtSemanticLayerResource) -> None:
    """And waits for the end."""
    event = PublishEvent(event_type="publish.end", asset_key="web/visits")
    assert ("visits",) == layer.refresh(event).refreshed
    nothing = layer.refresh(PublishEvent(event_type="publish.end", asset_key="web/other"))
    assert ("done", ()) == (nothing.state, nothing.refreshed)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """On disk: the store is beside it."""
    with dg.instance_for_test() as made:
        yield made


def publishing(project: Path) -> dg.Definitions:
    """An asset that publishes orders, and the layer that follows."""

    @dg.asset(key=["published", "orders"], tags={"phlo/stage": "publish"})
    def orders() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(data_version=dg.DataVersion(str(time.time_ns())))

    layer = DbtSemanticLayerResource(
        project_dir=str(project),
        database=str(project / "shop.duckdb"),
        assets={"orders": ["published/orders"]},
        wait=0,
        poll_every=0.01,
    )
    return with_hooks(
        dg.Definitions(
            assets=[orders],
            jobs=[dg.define_asset_job("publish", selection="*")],
            resources={"shop_metrics": layer},
        )
    )


def publish(instance: dg.DagsterInstance, definitions: dg.Definitions) -> list[SemanticEvent]:
    """Run the job, let the relay do its work, and see what the layer has told so far."""
    assert definitions.resolve_job_def("publish").execute_in_process(instance=instance).success
    runtime = definitions.resources["hooks"].runtime
    tick(instance, runtime, "")
    store = runtime.store(instance)
    types = ("semantic.refreshed", "semantic.refresh_failed")
    return [record.event for each in types for record in store.events(event_type=each)]


def test_a_published_asset_refreshes_its_metrics(instance: dg.DagsterInstance, project: Path) -> None:
    """Told as an event; then a column is gone, and that is told."""
    definitions = publishing(project)
    (refreshed,) = publish(instance, definitions)
    assert ("semantic.refreshed", ("orders",), ("published/orders",)) == (
        refreshed.event_type,
        refreshed.model_names,
        refreshed.asset_keys,
    )
    assert set(OF_ORDERS) == set(refreshed.metric_names)
    sql(project, "ALTER TABLE marts.orders DROP amount")
    events = publish(instance, definitions)
    (failed,) = (event for event in events if event.event_type == "semantic.refresh_failed")
    assert failed.error is not None
    assert "revenue: DuckDB refuses the query: Binder Error" in failed.error.message
