"""Which assets a semantic model depends on: as the resource says, else the asset of its dbt model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.dbt_semantic_layer.artifacts import Artifacts
from phlo_hooks.capabilities.dbt_semantic_layer.names import alike
from phlo_hooks.errors import ConfigurationError

# What dagster-dbt notes on an asset: with it, a translator of the user's own is followed.
_UNIQUE_ID = "dagster_dbt/unique_id"


def assets_of_models(
    names: Iterable[str], artifacts: Artifacts, stated: Mapping[str, Sequence[str]], graph: AssetGraph
) -> dict[str, tuple[str, ...]]:
    """The asset keys of each semantic model; a pattern stays one where no asset fits it.

    Args:
        names: of the semantic models.
        stated: asset key patterns by semantic model, in the place of its own asset.
        graph: the assets that there are.

    Raises:
        ConfigurationError: `stated` names a semantic model that there is not.
    """
    known = tuple(names)
    for name in stated:
        if name not in known:
            raise ConfigurationError(
                f"assets: there is no semantic model {name!r} in {artifacts.path}{alike(name, known)}"
            )
    keys, by_unique_id = graph.keys(), _by_unique_id(graph)
    own = {name: _own(name, artifacts, by_unique_id) for name in known if name not in stated}
    return {name: _matching(stated[name], keys) if name in stated else own[name] for name in known}


def _matching(patterns: Sequence[str], keys: Sequence[str]) -> tuple[str, ...]:
    found = [[key for key in keys if fnmatchcase(key, pattern)] or [pattern] for pattern in patterns]
    return tuple(dict.fromkeys(key for each in found for key in each))


def _own(name: str, artifacts: Artifacts, by_unique_id: Mapping[str, str]) -> tuple[str, ...]:
    unique_ids = (artifacts.node("semantic_models", name).get("depends_on") or {}).get("nodes") or ()
    nodes = artifacts.manifest.get("nodes") or {}
    return tuple(by_unique_id.get(each) or default_key(nodes[each]) for each in unique_ids)


def _by_unique_id(graph: AssetGraph) -> dict[str, str]:
    """The asset keys of dbt's nodes, as the definitions have them."""
    assets = [asset for key in graph.keys() if (asset := graph.asset(key))]  # noqa: SIM118 - no mapping
    return {str(each.metadata[_UNIQUE_ID]): each.key for each in assets if _UNIQUE_ID in each.metadata}


def default_key(node: Mapping[str, Any]) -> str:
    """The asset key that dagster-dbt gives to a dbt model, where nothing else is configured.

    The rule is that of `dagster_dbt.asset_utils.default_asset_key_fn`: what the model's meta says; of a
    version its alias; else its name, after the schema that is configured for it.
    """
    config = node.get("config") or {}
    meta = config.get("meta") or node.get("meta") or {}
    stated = (meta.get("dagster") or {}).get("asset_key")
    if stated:
        return "/".join(stated)
    if node.get("version"):
        return str(node["alias"])
    return "/".join(filter(None, (config.get("schema"), node["name"])))
