"""The semantic models and metrics of a dbt project, in the terms that all semantic layers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.dbt_semantic_layer.artifacts import Artifacts
from phlo_hooks.capabilities.dbt_semantic_layer.asset_keys import assets_of_models
from phlo_hooks.capabilities.dbt_semantic_layer.inputs import input_metrics, measures_of
from phlo_hooks.capabilities.dbt_semantic_layer.validation import read_manifest
from phlo_hooks.semantics import Dimension, Entity, Measure, Metric, SemanticModel

if TYPE_CHECKING:
    from dbt_semantic_interfaces.implementations.metric import PydanticMetric
    from dbt_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
    from dbt_semantic_interfaces.implementations.semantic_model import PydanticSemanticModel


@dataclass(frozen=True)
class Catalog:
    """All that a semantic manifest holds, by name.

    Args:
        artifacts: what it was read from.
        manifest: as dbt has it.
    """

    artifacts: Artifacts
    manifest: PydanticSemanticManifest
    models: Mapping[str, SemanticModel]
    metrics: Mapping[str, Metric]

    def metrics_of(self, models: Sequence[str]) -> tuple[str, ...]:
        """The metrics that are computed from at least one of these models."""
        wanted = set(models)
        return tuple(name for name, metric in self.metrics.items() if wanted.intersection(metric.models))

    def dimensions_of(self, model: str) -> tuple[str, ...]:
        """The dimensions of a model, as queries name them; none where it has no primary entity."""
        (found,) = (each for each in self.manifest.semantic_models if each.name == model)
        primary = [each.name for each in found.entities if each.type.value == "primary"]
        entity = found.primary_entity or next(iter(primary), None)
        return tuple(f"{entity}__{each.name}" for each in found.dimensions) if entity else ()


def read_catalog(artifacts: Artifacts, stated: Mapping[str, Sequence[str]], graph: AssetGraph) -> Catalog:
    """The catalogue of a project.

    Args:
        stated: asset key patterns by semantic model, as the resource has them.
        graph: the assets that there are.

    Raises:
        ConfigurationError: the manifest cannot be used, or `stated` names a model that there is not.
    """
    manifest = read_manifest(artifacts)
    names = sorted(model.name for model in manifest.semantic_models)
    assets = assets_of_models(names, artifacts, stated, graph)
    metrics = _metrics(manifest, assets)
    found = {model.name: _model(model, metrics, assets[model.name]) for model in manifest.semantic_models}
    return Catalog(artifacts, manifest, {name: found[name] for name in names}, metrics)


def _model(
    model: PydanticSemanticModel, metrics: Mapping[str, Metric], assets: tuple[str, ...]
) -> SemanticModel:
    return SemanticModel(
        name=model.name,
        description=model.description or None,
        table=model.node_relation.relation_name.replace('"', "").replace("`", ""),
        entities=tuple(Entity(each.name, each.type.value, each.expr) for each in model.entities),
        dimensions=tuple(
            Dimension(
                each.name,
                each.type.value,
                each.type_params.time_granularity.value if each.type_params else None,
                each.description,
                each.expr,
            )
            for each in model.dimensions
        ),
        measures=tuple(
            Measure(each.name, each.agg.value, each.description, each.expr) for each in model.measures
        ),
        metrics=tuple(metric.name for metric in metrics.values() if model.name in metric.models),
        assets=assets,
    )


def _metrics(manifest: PydanticSemanticManifest, assets: Mapping[str, tuple[str, ...]]) -> dict[str, Metric]:
    homes = {measure.name: model.name for model in manifest.semantic_models for measure in model.measures}
    by_name = {metric.name: metric for metric in manifest.metrics}
    return {name: _metric(by_name[name], by_name, homes, assets) for name in sorted(by_name)}


def _metric(
    metric: PydanticMetric,
    by_name: Mapping[str, PydanticMetric],
    homes: Mapping[str, str],
    assets: Mapping[str, tuple[str, ...]],
) -> Metric:
    models = _models_of(metric, by_name, homes)
    return Metric(
        name=metric.name,
        type=metric.type.value,
        label=metric.label,
        description=metric.description or None,
        models=models,
        inputs=measures_of(metric) + input_metrics(metric),
        assets=tuple(dict.fromkeys(key for model in models for key in assets[model])),
    )


def _models_of(
    metric: PydanticMetric, by_name: Mapping[str, PydanticMetric], homes: Mapping[str, str]
) -> tuple[str, ...]:
    """The models of its measures, and of those of the metrics that it is computed from."""
    own = [homes[measure] for measure in measures_of(metric)]
    below = [_models_of(by_name[name], by_name, homes) for name in input_metrics(metric)]
    return tuple(dict.fromkeys([*own, *(model for models in below for model in models)]))
