"""Whether a semantic manifest holds together: by dbt's own validator, and by the references in it.

dbt's validator passes a metric whose input does not exist; the names are looked up here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from phlo_hooks.capabilities.dbt_semantic_layer.artifacts import Artifacts
from phlo_hooks.capabilities.dbt_semantic_layer.inputs import input_metrics, measures_of
from phlo_hooks.capabilities.dbt_semantic_layer.names import alike
from phlo_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    from dbt_semantic_interfaces.implementations.metric import PydanticMetric
    from dbt_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
    from dbt_semantic_interfaces.implementations.semantic_model import PydanticSemanticModel

# The message is logged whenever definitions load, and is the error of a refresh.
_SHOWN = 20


def read_manifest(artifacts: Artifacts) -> PydanticSemanticManifest:
    """The semantic manifest, valid.

    Raises:
        ConfigurationError: all that is wrong with it, each with the name of what it is about, and its file.
    """
    manifest = _parsed(artifacts)
    # The validator itself stumbles over a name that leads nowhere: names first.
    problems = [*_references(manifest, artifacts)] or [*_by_dbt(manifest)]
    if problems:
        raise ConfigurationError(f"{artifacts.path} cannot be used:{_listed(list(dict.fromkeys(problems)))}")
    return manifest


def _listed(problems: Sequence[str]) -> str:
    lines = "".join(f"\n- {problem}" for problem in problems[:_SHOWN])
    more = f"\n- and {len(problems) - _SHOWN} more; `dbt parse` says all" if len(problems) > _SHOWN else ""
    return lines + more


def _parsed(artifacts: Artifacts) -> PydanticSemanticManifest:
    from dbt_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest

    try:
        manifest: PydanticSemanticManifest = PydanticSemanticManifest.parse_raw(artifacts.semantic_manifest)
    except (ValueError, TypeError, AttributeError) as exc:
        # dbt's own reader assumes its own shape; what it raises for another one depends on where it looks.
        what = " ".join(str(exc).split())[:500]
        raise ConfigurationError(
            f"{artifacts.path} is no semantic manifest of this version of dbt: {what}"
        ) from None
    return manifest


def _by_dbt(manifest: PydanticSemanticManifest) -> Iterator[str]:
    if not (manifest.metrics and manifest.semantic_models):
        # A project that has none yet; dbt does not hold it against it, either.
        return
    from dbt_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator

    validator: SemanticManifestValidator[PydanticSemanticManifest] = SemanticManifestValidator()
    results = validator.validate_semantic_manifest(manifest)
    for error in results.errors:
        yield error.as_readable_str().removeprefix("ERROR: ").replace("  -", " -")


def _references(manifest: PydanticSemanticManifest, artifacts: Artifacts) -> Iterator[str]:
    measures = {measure.name for model in manifest.semantic_models for measure in model.measures}
    metrics = {metric.name: metric for metric in manifest.metrics}
    for model in manifest.semantic_models:
        where = _where("semantic model", "semantic_models", model.name, artifacts)
        yield from (f"{where}: {problem}" for problem in _of_model(model, artifacts))
    for metric in manifest.metrics:
        where = _where("metric", "metrics", metric.name, artifacts)
        yield from (f"{where}: {problem}" for problem in _of_metric(metric, metrics, measures))


def _where(kind: str, nodes: str, name: str, artifacts: Artifacts) -> str:
    file = artifacts.file_of(nodes, name)
    return f"{kind} {name!r} ({file})" if file else f"{kind} {name!r}"


def _of_model(model: PydanticSemanticModel, artifacts: Artifacts) -> Iterator[str]:
    dimensions = {dimension.name for dimension in model.dimensions}
    default = model.defaults.agg_time_dimension if model.defaults else None
    of_measures = ((f"measure {each.name!r}: ", each.agg_time_dimension) for each in model.measures)
    for what, name in (("", default), *of_measures):
        if name is not None and name not in dimensions:
            yield f"{what}agg_time_dimension: there is no dimension {name!r}{alike(name, dimensions)}"
    node = artifacts.node("semantic_models", model.name)
    for unique_id in (node.get("depends_on") or {}).get("nodes") or ():
        if unique_id not in (artifacts.manifest.get("nodes") or {}):
            yield f"its dbt model {unique_id!r} is not in manifest.json"


def _of_metric(
    metric: PydanticMetric, metrics: Mapping[str, PydanticMetric], measures: Iterable[str]
) -> Iterator[str]:
    of_measures, of_metrics = measures_of(metric), input_metrics(metric)
    for name in of_measures:
        if name not in measures:
            yield f"there is no measure {name!r}{alike(name, measures)}"
    for name in of_metrics:
        if name not in metrics:
            yield f"there is no metric {name!r}{alike(name, metrics)}"
    if not of_measures and not of_metrics:
        yield f"a {metric.type.value} metric needs a measure, or metrics, that it is computed from"
    if metric.name in _below(metric, metrics):
        yield "it is computed from itself"


def _below(metric: PydanticMetric, metrics: Mapping[str, PydanticMetric]) -> set[str]:
    """The names of all metrics that a metric is computed from, directly or not."""
    found, todo = set[str](), [*input_metrics(metric)]
    while todo:
        name = todo.pop()
        if name not in found and name in metrics:
            found.add(name)
            todo += input_metrics(metrics[name])
    return found
