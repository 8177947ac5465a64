"""From an asset to the fully qualified name of its table, by rules that can be looked at offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from phlo_hooks.assets import AssetGraph


@dataclass(frozen=True)
class MappedAsset:
    """What became of an asset.

    Args:
        rule: what decided it, in words: `metadata openmetadata/fqn`, `mapping 'raw/*'`, `dagster/table_name`.
        fqn: of the table, where it is `mapped`.
        advice: what to do about one that is `unresolved`.
    """

    asset_key: str
    status: Literal["mapped", "ignored", "unresolved"]
    rule: str
    fqn: str | None = None
    advice: str | None = None


@dataclass(frozen=True)
class TableMapping:
    """The rules.

    Args:
        patterns: a name, with the tokens of the docs' page, or None to ignore, by pattern of asset keys.
        services: the database service by storage kind.
    """

    patterns: Mapping[str, str | None] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)

    def of(self, key: str, assets: AssetGraph, told: Mapping[str, Any] | None = None) -> MappedAsset:
        """What an asset is mapped to.

        Args:
            key: of the asset.
            assets: of the definitions.
            told: the metadata of a materialization, which may say more.
        """
        raise NotImplementedError
