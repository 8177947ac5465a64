"""Lightdash: its explores and pre-aggregates follow what Dagster publishes."""

from phlo_hooks.capabilities.lightdash.resource import LightdashResource

__all__ = ["LightdashResource"]
