"""What a project holds, with the assets that it depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import default_asset_key_fn

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks.capabilities.dbt_semantic_layer.asset_keys import default_key
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.memory import memory_host
from phlo_hooks.producers.with_hooks import with_hooks
from phlo_hooks.semantics import Dimension, Entity, Measure, SemanticLayerProvider, SemanticModel
from phlo_hooks.state import AssetAnnotator, HostedHookProvider

from .shop import ALL_METRICS


def test_it_is_a_semantic_layer(layer: DbtSemanticLayerResource) -> None:
    """By the protocols that the engine, the commands and the UI ask for."""
    assert isinstance(layer, SemanticLayerProvider)
    assert isinstance(layer, HostedHookProvider)
    assert isinstance(layer, AssetAnnotator)


def test_a_model_has_all_that_dbt_knows_of_it(layer: DbtSemanticLayerResource) -> None:
    """The one with most in it, word for word."""
    expected = SemanticModel(
        name="orders",
        description="What was sold.",
        table="shop.marts.orders",
        entities=(Entity("order", "primary", "order_id"), Entity("customer", "foreign", "customer_id")),
        dimensions=(
            Dimension("ordered_on", "time", "day"),
            Dimension("status", "categorical", None, "How far it is."),
        ),
        measures=(
            Measure("revenue", "sum", "Euros.", "amount"),
            Measure("order_count", "count", None, "order_id"),
        ),
        metrics=tuple(name for name in ALL_METRICS if name != "visits"),
        assets=("marts/orders",),
    )
    assert layer.get_model("orders") == expected
    assert [model.name for model in layer.list_models()] == ["customers", "orders", "visits"]


@pytest.mark.parametrize(
    ("name", "kind", "inputs", "models", "assets"),
    [
        ("revenue", "simple", ("revenue",), ("orders",), ("marts/orders",)),
        ("revenue_per_order", "ratio", ("revenue", "order_count"), ("orders",), ("marts/orders",)),
        (
            "revenue_per_visit",
            "derived",
            ("revenue", "visits"),
            ("orders", "visits"),
            ("marts/orders", "web/visits"),
        ),
        ("revenue_to_date", "cumulative", ("revenue",), ("orders",), ("marts/orders",)),
        (
            "visit_to_order",
            "conversion",
            ("visits", "order_count"),
            ("visits", "orders"),
            ("web/visits", "marts/orders"),
        ),
    ],
)
def test_a_metric_leads_to_its_assets(
    layer: DbtSemanticLayerResource, name: str, kind: str, inputs: Any, models: Any, assets: Any
) -> None:
    """Through the metrics that it is made of."""
    (metric,) = (each for each in layer.list_metrics() if each.name == name)
    assert (kind, inputs, models, assets) == (metric.type, metric.inputs, metric.models, metric.assets)
    assert tuple(each.name for each in layer.list_metrics()) == ALL_METRICS


def test_a_misspelt_model_is_told_with_those_alike(layer: DbtSemanticLayerResource) -> None:
    """And not with all of them."""
    with pytest.raises(ConfigurationError, match="there is no semantic model 'order'; did you mean 'orders'"):
        layer.get_model("order")


def test_asset_keys_are_those_of_dagster_dbt(project: Path) -> None:
    """Of every model in the manifest: with a schema, without, and with a key in its meta."""
    nodes = json.loads((project / "target" / "manifest.json").read_text())["nodes"].values()
    models = [node for node in nodes if node["resource_type"] == "model"]
    assert {"/".join(default_asset_key_fn(node).path) for node in models} == set(map(default_key, models))
    assert {"marts/orders", "customers", "web/visits", "days"} == set(map(default_key, models))


def test_a_version_is_called_by_its_alias() -> None:
    """As dagster-dbt does."""
    node = {
        "resource_type": "model",
        "name": "orders",
        "alias": "orders_v2",
        "version": 2,
        "config": {"schema": "m"},
    }
    assert "/".join(default_asset_key_fn(node).path) == default_key(node) == "orders_v2"


def test_assets_can_be_said(project: Path) -> None:
    """In the place of the model's own; a pattern needs definitions to become keys."""
    stated = {"orders": ["published/orders", "daily/*"]}
    layer = DbtSemanticLayerResource(project_dir=str(project), assets=stated)
    assert layer.get_model("orders").assets == ("published/orders", "daily/*")
    definitions = dg.Definitions(assets=[dg.AssetSpec(["daily", name]) for name in "ab"])
    graph = with_hooks(definitions).resources["hooks"].runtime
    with dg.DagsterInstance.ephemeral() as instance:
        found = layer.models_by_asset(graph.assets(instance))
    assert found == {
        "customers": ("customers",),
        "daily/a": ("orders",),
        "daily/b": ("orders",),
        "published/orders": ("orders",),
        "web/visits": ("visits",),
    }


def test_assets_of_an_unknown_model_are_refused(project: Path) -> None:
    """They would never be refreshed."""
    layer = DbtSemanticLayerResource(project_dir=str(project), assets={"oders": ["published/orders"]})
    with pytest.raises(ConfigurationError, match="no semantic model 'oders' in .*; did you mean 'orders'"):
        layer.list_models()


def test_a_translator_is_followed(project: Path) -> None:
    """Where the definitions have the assets, their own keys count."""

    class Mine(DagsterDbtTranslator):
        def get_asset_key(self, dbt_resource_props: Any) -> dg.AssetKey:
            return dg.AssetKey(["mine", dbt_resource_props["name"]])

    @dbt_assets(manifest=project / "target" / "manifest.json", dagster_dbt_translator=Mine())
    def shop(context): ...

    layer = DbtSemanticLayerResource(project_dir=str(project))
    runtime = with_hooks(dg.Definitions(assets=[shop])).resources["hooks"].runtime
    with dg.DagsterInstance.ephemeral() as instance:
        graph = runtime.assets(instance)
        assert layer.models_by_asset(graph)["mine/orders"] == ("orders",)
        assert layer.on(memory_host(assets=graph)).get_model("orders").assets == ("mine/orders",)


def test_a_published_asset_says_what_it_feeds(layer: DbtSemanticLayerResource) -> None:
    """On its page in Dagster's UI."""
    definitions = with_hooks(
        dg.Definitions(assets=[dg.AssetSpec(["web", "visits"])], resources={"shop_metrics": layer})
    )
    (spec,) = definitions.resolve_all_asset_specs()
    said = spec.metadata["phlo_hooks/shop_metrics"]
    assert said == dg.MetadataValue.md("- **visits**: revenue_per_visit, visit_to_order, visits")
