"""From an asset to what it feeds, for people."""

from __future__ import annotations

from collections.abc import Mapping

from phlo_hooks.semantics.models import SemanticModel


def links(
    models_by_asset: Mapping[str, tuple[str, ...]], models: Mapping[str, SemanticModel]
) -> Mapping[str, str]:
    """Markdown by asset key: the models that it feeds, with their metrics.

    Args:
        models_by_asset: names of models by asset key.
        models: by name, as far as they are known.
    """
    return {
        key: "\n".join(_line(models.get(name) or SemanticModel(name)) for name in names)
        for key, names in models_by_asset.items()
        if names
    }


def _line(model: SemanticModel) -> str:
    name = f"[{model.name}]({model.url})" if model.url else f"**{model.name}**"
    metrics = f": {', '.join(model.metrics)}" if model.metrics else ""
    return f"- {name}{metrics}"
