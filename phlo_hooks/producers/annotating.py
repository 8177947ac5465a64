"""What capabilities have to say of assets, on the assets' pages in Dagster's UI."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg

from phlo_hooks.producers.asset_graph import DefinedAssets
from phlo_hooks.producers.catalog import Catalog, key_text
from phlo_hooks.redaction import Redactor
from phlo_hooks.state import AssetAnnotator

logger = logging.getLogger("phlo_hooks.assets")

Annotations = Mapping[str, Mapping[str, dg.MetadataValue[Any]]]


def said_by(resources: Mapping[str, Any], catalog: Catalog) -> Annotations:
    """Metadata by asset key, named `phlo_hooks/KEY` for the resource with this key."""
    graph = DefinedAssets(catalog, Redactor())
    found: dict[str, dict[str, dg.MetadataValue[Any]]] = {}
    for key, resource in resources.items():
        if isinstance(resource, AssetAnnotator):
            for asset, text in _said(key, resource, graph).items():
                found.setdefault(asset, {})[f"phlo_hooks/{key}"] = dg.MetadataValue.md(text)
    return found


def _said(key: str, resource: AssetAnnotator, graph: DefinedAssets) -> Mapping[str, str]:
    try:
        return resource.annotations(graph)
    except Exception as exc:
        # A manifest that is not built yet: no reason for which definitions should not load.
        logger.warning("resource %r says nothing of the assets: %s", key, exc)
        return {}


def annotated(source: Any, said: Annotations) -> Any:
    """The same assets, with what is said of them in their metadata."""
    if isinstance(source, dg.AssetSpec):
        return _spec(source, said)
    if not isinstance(source, dg.AssetsDefinition) or not any(key_text(key) in said for key in source.keys):
        return source
    return source.map_asset_specs(lambda spec: _spec(spec, said))


def _spec(spec: dg.AssetSpec, said: Annotations) -> dg.AssetSpec:
    metadata = said.get(key_text(spec.key))
    return spec.merge_attributes(metadata=metadata) if metadata else spec
