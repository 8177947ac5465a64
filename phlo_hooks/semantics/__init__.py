"""What semantic layers have in common: what they hold, when they are refreshed, and how that is told."""

from phlo_hooks.semantics.models import Dimension, Entity, Measure, Metric, SemanticModel
from phlo_hooks.semantics.provider import (
    DateRange,
    ModelWork,
    Progress,
    QueryResult,
    SemanticLayerProvider,
    Work,
)

__all__ = [
    "DateRange",
    "Dimension",
    "Entity",
    "Measure",
    "Metric",
    "ModelWork",
    "Progress",
    "QueryResult",
    "SemanticLayerProvider",
    "SemanticModel",
    "Work",
]
