"""Explores as semantic models, and which assets they depend on."""

from __future__ import annotations

import dagster as dg
import pytest

from phlo_hooks.assets import AssetInfo, NoAssets
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.semantics import Dimension, Entity, Measure, Metric, SemanticLayerProvider
from phlo_hooks_tests.capabilities.lightdash.explores import broken, explore
from phlo_hooks_tests.capabilities.lightdash.helpers import resource_on
from phlo_hooks_tests.capabilities.lightdash.server import PROJECT, Lightdash


class Assets(NoAssets):
    """A graph of some keys."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys

    def keys(self) -> tuple[str, ...]:
        return self._keys

    def asset(self, key: str) -> AssetInfo | None:
        return AssetInfo(key) if key in self._keys else None


def test_it_is_a_semantic_layer(lightdash: Lightdash) -> None:
    assert isinstance(resource_on(lightdash), SemanticLayerProvider)


def test_an_explore_is_a_model(lightdash: Lightdash) -> None:
    """With what people see of its tables, under Lightdash's own field ids."""
    model = resource_on(lightdash).get_model("orders")
    assert (model.name, model.description, model.table) == ("orders", "all orders", '"marts"."orders"')
    assert model.entities == (Entity("customers", "foreign", "${orders.id} = ${customers.id}"),)
    assert model.dimensions[:3] == (
        Dimension("orders_status", "categorical", None, "as told", "${TABLE}.status"),
        Dimension("orders_created_day", "time", "day", None, "${TABLE}.created"),
        Dimension("orders_created_raw", "time"),
    )
    assert model.measures[0] == Measure("orders_revenue", "sum", "paid", "${TABLE}.amount")
    assert model.metrics == ("orders_revenue", "customers_revenue")
    assert model.assets == ("marts/orders", "marts/customers")
    assert model.url == f"{lightdash.url}/projects/{PROJECT}/tables/orders"


def test_all_explores_are_listed_and_those_that_are_mapped_in_full(lightdash: Lightdash) -> None:
    lightdash.explores["stock"] = explore("stock")
    lightdash.explores["ruin"] = broken("ruin", "no column")
    models = resource_on(lightdash).list_models()
    assert [each.name for each in models] == ["customers", "orders", "ruin", "stock"]
    assert [bool(each.dimensions) for each in models] == [True, True, False, False]
    assert (models[3].description, models[3].assets) == ("all stock", ())
    assert lightdash.calls == ["GET explores", "GET explores/customers", "GET explores/orders"]


def test_one_that_is_mapped_and_does_not_compile_is_listed(lightdash: Lightdash) -> None:
    lightdash.explores["orders"] = broken("orders", "no amount")
    names = [each.name for each in resource_on(lightdash).list_models()]
    assert names == ["customers", "orders"]


def test_a_model_that_is_not_there(lightdash: Lightdash) -> None:
    with pytest.raises(ConfigurationError, match="no explore 'order'; did you mean 'orders'"):
        resource_on(lightdash).get_model("order")


def test_a_model_that_does_not_compile_says_why(lightdash: Lightdash) -> None:
    lightdash.explores["orders"] = broken("orders", "no amount")
    with pytest.raises(ConfigurationError, match="'orders' does not compile: no amount"):
        resource_on(lightdash).get_model("orders")


def test_a_metric_of_two_explores_is_told_once(lightdash: Lightdash) -> None:
    customers, orders = resource_on(lightdash).list_metrics()
    assert customers == Metric(
        "customers_revenue",
        label="Revenue",
        description="paid",
        models=("customers", "orders"),
        inputs=("customers_revenue",),
        assets=("marts/customers", "marts/orders"),
    )
    assert (orders.name, orders.models) == ("orders_revenue", ("orders",))


def test_the_explores_of_each_asset_need_no_request(lightdash: Lightdash) -> None:
    resource = resource_on(lightdash, explores={"orders": ["marts/*"], "people": ["marts/customers"]})
    found = resource.models_by_asset(Assets("marts/customers", "marts/orders", "raw/orders"))
    assert found == {"marts/customers": ("orders", "people"), "marts/orders": ("orders",)}
    assert lightdash.calls == []


def test_assets_link_to_their_explores(lightdash: Lightdash, monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"{lightdash.url}/projects/{PROJECT}/tables"
    said = resource_on(lightdash).annotations(Assets("marts/customers", "raw/orders"))
    assert said == {"marts/customers": f"- [customers]({page}/customers)\n- [orders]({page}/orders)"}
    of_variable = resource_on(lightdash, project=dg.EnvVar("LD_PROJECT"), explores={"o": ["marts/*"]})
    assert of_variable.annotations(Assets("marts/orders")) == {"marts/orders": "- **o**"}
    monkeypatch.setenv("LD_PROJECT", PROJECT)
    assert of_variable.annotations(Assets("marts/orders")) == {"marts/orders": f"- [o]({page}/o)"}
    assert lightdash.calls == []
