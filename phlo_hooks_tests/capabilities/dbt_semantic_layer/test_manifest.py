"""Manifests that cannot be used, and all that is said of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks.errors import ConfigurationError

from .shop import change, named

Content = dict[str, Any]


def set_input(metric: str, key: str, name: str) -> Callable[[Content], None]:
    def edit(content: Content) -> None:
        named(content, "metrics", metric)["type_params"][key]["name"] = name

    return edit


def circle(content: Content) -> None:
    params = named(content, "metrics", "revenue_per_visit")["type_params"]
    params["metrics"][0]["name"] = "revenue_per_order"
    named(content, "metrics", "revenue_per_order")["type_params"]["numerator"]["name"] = "revenue_per_visit"


def no_time(content: Content) -> None:
    named(content, "semantic_models", "orders")["defaults"]["agg_time_dimension"] = "orderd_on"


def no_measure(content: Content) -> None:
    named(content, "metrics", "revenue")["type_params"]["measure"] = None


def bad_name(content: Content) -> None:
    named(content, "semantic_models", "orders")["dimensions"][1]["name"] = "month"


def no_conversion(content: Content) -> None:
    params = named(content, "metrics", "visit_to_order")["type_params"]["conversion_type_params"]
    params["conversion_measure"]["name"] = "orders"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        pytest.param(
            set_input("revenue_per_order", "numerator", "revenu"),
            "metric 'revenue_per_order' (models/shop.yml): there is no metric 'revenu'; did you mean 'revenue'",
            id="numerator",
        ),
        pytest.param(
            set_input("revenue", "measure", "turnover"),
            "metric 'revenue' (models/shop.yml): there is no measure 'turnover'; there are: order_count, revenue, visits",
            id="measure",
        ),
        pytest.param(
            no_conversion,
            "metric 'visit_to_order' (models/shop.yml): there is no measure 'orders'; there are: order_count",
            id="conversion",
        ),
        pytest.param(
            circle, "metric 'revenue_per_visit' (models/shop.yml): it is computed from itself", id="circle"
        ),
        pytest.param(
            no_time,
            "semantic model 'orders' (models/shop.yml): agg_time_dimension: there is no dimension 'orderd_on'; did you",
            id="time",
        ),
        pytest.param(no_measure, "a simple metric needs a measure", id="no measure"),
        pytest.param(bad_name, "Invalid name `month`", id="what dbt itself refuses"),
    ],
)
def test_what_does_not_hold_together_is_named(
    layer: DbtSemanticLayerResource, project: Path, edit: Callable[[Content], None], said: str
) -> None:
    """With its file, and with what was meant."""
    layer.list_models()
    change(project, edit)
    with pytest.raises(ConfigurationError) as caught:
        layer.list_metrics()
    assert said in str(caught.value)
    assert str(project / "target" / "semantic_manifest.json") in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(layer: DbtSemanticLayerResource, project: Path) -> None:
    """A line each."""
    change(project, no_time)
    change(project, set_input("revenue_per_order", "numerator", "revenu"))
    with pytest.raises(ConfigurationError) as caught:
        layer.list_models()
    assert str(caught.value).count("\n- ") == 2


def test_of_very_much_that_is_wrong_some_is_said(layer: DbtSemanticLayerResource, project: Path) -> None:
    """It is logged whenever definitions load, and stands in an event."""

    def many(content: Content) -> None:
        metric = named(content, "metrics", "revenue")
        metric["type_params"]["measure"]["name"] = "turnover"
        content["metrics"] = [{**metric, "name": f"revenue_{number}"} for number in range(30)]

    change(project, many)
    with pytest.raises(ConfigurationError) as caught:
        layer.list_models()
    assert str(caught.value).count("\n- ") == 21
    assert str(caught.value).endswith("\n- and 10 more; `dbt parse` says all")


def test_a_model_that_dbt_no_longer_has(layer: DbtSemanticLayerResource, project: Path) -> None:
    """The two files are of two times."""
    change(project, lambda content: content["nodes"].pop("model.shop.orders"), "manifest.json")
    with pytest.raises(ConfigurationError, match="its dbt model 'model.shop.orders' is not in manifest.json"):
        layer.list_models()


@pytest.mark.parametrize("file", ["semantic_manifest.json", "manifest.json"])
def test_what_dbt_has_not_written_yet(layer: DbtSemanticLayerResource, project: Path, file: str) -> None:
    """With the command that does."""
    (project / "target" / file).unlink()
    with pytest.raises(ConfigurationError, match=f"has not written .*/target/{file} yet: run `dbt parse`"):
        layer.list_models()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"semantic_models": [', "is not JSON"),
        ("[]", "is not an object"),
        ('{"metrics": 3}', "is no semantic manifest of this version of dbt"),
        ('{"semantic_models": [{"name": 1}], "metrics": []}', "is no semantic manifest"),
    ],
)
def test_a_file_that_is_no_manifest(
    layer: DbtSemanticLayerResource, project: Path, text: str, said: str
) -> None:
    """Half written, or of another tool."""
    (project / "target" / "semantic_manifest.json").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        layer.list_models()


def test_a_project_may_have_no_metrics_yet(layer: DbtSemanticLayerResource, project: Path) -> None:
    """Nor semantic models."""
    change(project, lambda content: content.update(metrics=[], semantic_models=[]))
    assert not layer.list_models()
    assert not layer.list_metrics()


def test_a_manifest_is_read_again_when_it_was_written_again(
    layer: DbtSemanticLayerResource, project: Path
) -> None:
    """And only then."""
    first = layer.get_model("orders")
    assert layer.get_model("orders") is first

    def edit(content: Content) -> None:
        named(content, "semantic_models", "orders")["description"] = "Sales."

    change(project, edit)
    os.utime(project / "target" / "semantic_manifest.json", ns=(1, 1))
    assert layer.get_model("orders").description == "Sales."
