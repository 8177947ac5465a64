"""How an asset's stage is told."""

from __future__ import annotations

from typing import Any

import pytest

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.stages import Stage, StageRules, as_stage

ASSET: dict[str, Any] = {
    "asset_key": "marts/orders",
    "group": "sales",
    "kinds": ("python",),
    "tags": {},
    "has_upstream": True,
}
EVERYTHING: dict[str, Any] = {
    "declared": Stage.PUBLISH,
    "tags": {"phlo/stage": "ingestion"},
    "kinds": ("dbt",),
    "has_upstream": False,
}

TOLD = [
    pytest.param({}, {}, Stage.TRANSFORM, id="has upstream"),
    pytest.param({}, {"has_upstream": False}, Stage.INGESTION, id="has none"),
    pytest.param(
        {}, {"kinds": ("dbt", "duckdb"), "has_upstream": False}, Stage.TRANSFORM, id="a transforming kind"
    ),
    pytest.param({}, {"kinds": ("dlt", "snowflake")}, Stage.INGESTION, id="an ingesting kind"),
    pytest.param({}, {"kinds": ("dbt", "dlt")}, Stage.INGESTION, id="both kinds"),
    pytest.param({"kind:python": "publish"}, {}, Stage.PUBLISH, id="rule for a kind"),
    pytest.param({"group:sales": "publish"}, {}, Stage.PUBLISH, id="rule for a group"),
    pytest.param({"group:sales": "publish"}, {"group": None}, Stage.TRANSFORM, id="no group"),
    pytest.param({"marts/orders": "publish"}, {}, Stage.PUBLISH, id="rule for a key"),
    pytest.param({"marts/*": "publish"}, {}, Stage.PUBLISH, id="rule for a pattern"),
    pytest.param({"MARTS/*": "publish"}, {}, Stage.TRANSFORM, id="keys have a case"),
    pytest.param({"kind:pytho*": "publish"}, {}, Stage.TRANSFORM, id="kinds have no pattern"),
    pytest.param(
        {"marts/*": "ingestion", "marts/orders": "publish"},
        {},
        Stage.INGESTION,
        id="the first rule that fits",
    ),
    pytest.param({"marts/*": "publish"}, {"kinds": ("dlt",)}, Stage.PUBLISH, id="a rule before a kind"),
    pytest.param(
        {"marts/*": "publish"},
        {"tags": {"phlo/stage": "ingestion"}},
        Stage.INGESTION,
        id="a tag before a rule",
    ),
    pytest.param({"marts/*": "transform"}, EVERYTHING, Stage.PUBLISH, id="a decorator before all"),
]


@pytest.mark.parametrize(("rules", "asset", "stage"), TOLD)
def test_stage(rules: dict[str, str], asset: dict[str, Any], stage: Stage) -> None:
    """Decorator, tag, rule, kind, place: the first that says anything."""
    assert stage == StageRules(rules).stage_of(**{**ASSET, **asset})


def test_publish_is_never_guessed() -> None:
    """Handing data out is a decision: without one no asset is said to do it."""
    kinds = ("postgres", "s3", "snowflake", "duckdb", "bigquery", "parquet", "csv")
    guesses = {
        StageRules().stage_of(**{**ASSET, "kinds": (kind,), "has_upstream": upstream})
        for kind in kinds
        for upstream in (True, False)
    }
    assert guesses == {Stage.INGESTION, Stage.TRANSFORM}


@pytest.mark.parametrize("value", ["bronze", "", "Publish", 3], ids=str)
def test_unknown_stage(value: Any) -> None:
    """It says where, what, and which there are."""
    message = rf"stages\['raw/\*'\] is {value!r}; use one of ingestion, transform, publish"
    with pytest.raises(ConfigurationError, match=message):
        StageRules({"raw/*": value})


def test_unknown_stage_in_a_tag() -> None:
    """It names the asset."""
    with pytest.raises(ConfigurationError, match="tag 'phlo/stage' of asset 'marts/orders' is 'gold'"):
        StageRules().stage_of(**{**ASSET, "tags": {"phlo/stage": "gold"}})


@pytest.mark.parametrize("stage", list(Stage))
def test_as_stage(stage: Stage) -> None:
    """A stage is its own name."""
    assert stage is as_stage(stage.value, "here") is as_stage(stage, "here")
