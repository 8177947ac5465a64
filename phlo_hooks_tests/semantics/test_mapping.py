"""From models to assets, by patterns."""

from __future__ import annotations

import dagster as dg
import pytest

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.semantics.mapping import ModelMapping

KEYS = ["marts/orders", "raw/orders"]
MAPPING = ModelMapping({"sales": ["marts/*"], "all": ["*/orders", "raw/orders"]})


def definitions(*more: object) -> Catalog:
    return Catalog([*(dg.AssetSpec(key.split("/")) for key in KEYS), *more])


def test_both_ways() -> None:
    assert MAPPING.by_asset([*KEYS, "other"]) == {"marts/orders": ("all", "sales"), "raw/orders": ("all",)}
    assert MAPPING.models_of("other") == ()
    assert MAPPING.assets_of("sales", KEYS) == ("marts/orders",)
    assert MAPPING.assets_of("none", KEYS) == ()


def test_without_definitions_only_what_is_named_is_known() -> None:
    assert MAPPING.assets_of("all", None) == ("raw/orders",)


def test_a_pattern_that_no_asset_has() -> None:
    wrong = ModelMapping({"sales": ["marts/*", "marts/order"]})
    with pytest.raises(ConfigurationError) as caught:
        wrong.check(definitions().select, "LightdashResource: explores")
    assert str(caught.value) == (
        "LightdashResource: explores['sales']: no asset matches 'marts/order'; did you mean 'marts/orders'?"
    )


def test_patterns_that_fit() -> None:
    assert MAPPING.check(definitions().select, "x") == set(KEYS)


def test_definitions_that_are_not_known_yet() -> None:
    """What Dagster resolves later may have the asset."""
    assert ModelMapping({"sales": ["later"]}).check(definitions(object()).select, "x") == set(KEYS)
