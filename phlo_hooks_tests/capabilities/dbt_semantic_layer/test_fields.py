"""What a resource refuses when it is built, and what it keeps to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks.errors import ConfigurationError, DeliveryError, MissingExtraError
from phlo_hooks.producers.with_hooks import with_hooks

CANARY = "canary-5f3759df"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({}, "neither project_dir nor manifest", id="nothing"),
        pytest.param({"project_dir": "/nowhere"}, "no dbt_project.yml", id="no project"),
        pytest.param(
            {"manifest": "/x/manifest.json"}, "no database to ask: give project_dir", id="no database"
        ),
        pytest.param(
            {"manifest": "/x/target", "database": "x"},
            "give the path of semantic_manifest.json",
            id="a folder",
        ),
        pytest.param(
            {"manifest": "/x/manifest.json", "database": "x", "timeout": 0},
            "timeout 0.0: use seconds",
            id="timeout",
        ),
        pytest.param(
            {"manifest": "/x/manifest.json", "database": "x", "assets": {"orders": []}},
            "assets of 'orders'",
            id="no asset",
        ),
    ],
)
def test_what_can_never_work_is_refused(fields: dict[str, Any], said: str) -> None:
    """With the next step."""
    with pytest.raises(ConfigurationError, match=said):
        DbtSemanticLayerResource(**fields)


@pytest.mark.parametrize(
    "fields", [{"manifst": CANARY}, {"variables": [CANARY]}, {"wait": -1, "target": CANARY}], ids=str
)
def test_a_refused_value_is_not_repeated(fields: dict[str, Any]) -> None:
    """It may be a secret that stands in the wrong place."""
    with pytest.raises(Exception, match="validation error|Error") as caught:
        DbtSemanticLayerResource(manifest="/x/manifest.json", **fields)
    assert CANARY not in str(caught.value)


def test_a_manifest_may_be_missing_until_it_is_used() -> None:
    """Definitions load before dbt has ever run."""
    layer = DbtSemanticLayerResource(manifest="/nowhere/target/semantic_manifest.json", database="x")
    assert [hook.hook_name for hook in layer.get_hooks()] == ["publications", "refresh"]
    with pytest.raises(ConfigurationError, match="run `dbt parse`"):
        layer.list_metrics()


def test_paths_may_stand_in_variables(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are looked up when they are needed."""
    layer = DbtSemanticLayerResource(project_dir=dg.EnvVar("SHOP_DIR"), database=dg.EnvVar("SHOP_FILE"))
    assert list(layer.get_hooks())
    with pytest.raises(DeliveryError, match="SHOP_DIR is not set"):
        layer.list_models()
    monkeypatch.setenv("SHOP_DIR", str(project))
    monkeypatch.setenv("SHOP_FILE", str(project / "shop.duckdb"))
    assert layer.query(["visits"]).rows == ((4,),)


def test_manifest_json_names_the_folder_just_as_well(project: Path) -> None:
    """It is the path that Dagster's DbtProject has."""
    layer = DbtSemanticLayerResource(manifest=str(project / "target" / "manifest.json"), check_metrics=False)
    assert len(layer.list_models()) == 3


def test_assets_that_there_are_not_are_refused(project: Path) -> None:
    """When the definitions load."""

    layer = DbtSemanticLayerResource(project_dir=str(project), assets={"orders": ["published/oders"]})
    with pytest.raises(Exception, match="published/oders"):
        with_hooks(dg.Definitions(assets=[dg.AssetSpec(["published", "orders"])], resources={"m": layer}))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing needs less than asking."""
    from phlo_hooks.capabilities.dbt_semantic_layer import checks

    monkeypatch.setattr(checks, "find_spec", lambda name: None if name == "metricflow" else object())
    with pytest.raises(MissingExtraError, match=r"'metricflow' is not installed.*phlo-hooks\[metricflow\]"):
        DbtSemanticLayerResource(manifest="/x/manifest.json", database="x")
    DbtSemanticLayerResource(manifest="/x/manifest.json", check_metrics=False)
