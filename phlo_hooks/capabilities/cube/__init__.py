"""Cube: its pre-aggregations are built when the assets below them are published."""

from phlo_hooks.capabilities.cube.resource import CubeSemanticLayerResource

__all__ = ["CubeSemanticLayerResource"]
