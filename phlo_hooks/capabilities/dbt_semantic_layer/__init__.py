"""The dbt Semantic Layer: semantic models and metrics of a dbt project, listed, checked and queried."""

from phlo_hooks.capabilities.dbt_semantic_layer.resource import DbtSemanticLayerResource

__all__ = ["DbtSemanticLayerResource"]
