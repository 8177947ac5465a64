"""From an asset to the fully qualified name of its table, by rules that can be looked at offline.

The first rule that says anything decides:

1. metadata `openmetadata/fqn` of the asset;
2. metadata `openmetadata/ignore`;
3. `mapping`: the pattern that is the asset's key, else the first one, as written, that fits;
4. `openmetadata/fqn` of a materialization;
5. `dagster/table_name` of the definitions, or else of a materialization, below the service that `services`
   gives the asset's storage kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

from phlo_hooks.assets import AssetGraph, AssetInfo
from phlo_hooks.capabilities.openmetadata.fqn import table_name
from phlo_hooks.capabilities.openmetadata.places import Places
from phlo_hooks.capabilities.openmetadata.template import NameTemplate
from phlo_hooks.errors import ConfigurationError

FQN = "openmetadata/fqn"
IGNORE = "openmetadata/ignore"
TABLE_NAME = "dagster/table_name"
STORAGE_KIND = "dagster/storage_kind"


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
        services: the database service by storage kind; `*` for any other. With a database, and a schema,
            below it for tables that do not say theirs: `warehouse.shop.public`.
        remembered: what materializations of an asset have told, by its key.
    """

    patterns: Mapping[str, str | None] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    remembered: Callable[[str], Mapping[str, Any]] = field(default=lambda key: {}, compare=False)

    def of(self, key: str, assets: AssetGraph, told: Mapping[str, Any] | None = None) -> MappedAsset:
        """What an asset is mapped to.

        Args:
            key: of the asset.
            assets: of the definitions.
            told: the metadata of a materialization, which may say more; without it, what is remembered.
        """
        info = assets.asset(key) or AssetInfo(key)
        said = self.remembered(key) if told is None else told
        located = _located(info, said)
        if FQN in info.metadata:
            return _resolved(key, f"metadata {FQN}", lambda: table_name(str(info.metadata[FQN])))
        if str(info.metadata.get(IGNORE, "")).lower() == "true":
            return MappedAsset(key, "ignored", f"metadata {IGNORE}")
        pattern = self._pattern(key)
        if pattern is not None:
            return self._by_pattern(pattern, located)
        if FQN in said:
            return _resolved(key, f"metadata {FQN} of a materialization", lambda: table_name(str(said[FQN])))
        whose = " of a materialization" if located.table_name and not info.table_name else ""
        return _resolved(key, f"{TABLE_NAME}{whose}", lambda: self.places.name(located))

    def check(self) -> None:
        """Refuse names that can never be one of a table, or of a service.

        Raises:
            ConfigurationError: the message names the field and the value.
        """
        self.places  # noqa: B018  # reads all of them
        self._templates  # noqa: B018

    @cached_property
    def places(self) -> Places:
        """Where tables are, by storage kind."""
        return Places(self.services)

    @cached_property
    def _templates(self) -> dict[str, NameTemplate | None]:
        return {
            pattern: None if text is None else NameTemplate(text, f"mapping[{pattern!r}]")
            for pattern, text in self.patterns.items()
        }

    def _pattern(self, key: str) -> str | None:
        """The key itself comes before any pattern: `*` and `[` may be part of none."""
        if key in self.patterns:
            return key
        return next((each for each in self.patterns if fnmatchcase(key, each)), None)

    def _by_pattern(self, pattern: str, info: AssetInfo) -> MappedAsset:
        template, rule = self._templates[pattern], f"mapping {pattern!r}"
        if template is None:
            return MappedAsset(info.key, "ignored", rule)
        return _resolved(info.key, rule, lambda: template.filled(info))


def mapped(key: str, assets: AssetGraph, mapping: TableMapping, takes: Callable[[str], bool]) -> MappedAsset:
    """What an asset is mapped to; one that `include` and `exclude` leave out is ignored."""
    if not takes(key):
        return MappedAsset(key, "ignored", "include and exclude")
    return mapping.of(key, assets)


def _located(info: AssetInfo, told: Mapping[str, Any]) -> AssetInfo:
    """With what only a materialization says of its place."""
    table, kind = told.get(TABLE_NAME), told.get(STORAGE_KIND)
    return replace(
        info,
        table_name=info.table_name or (str(table) if table else None),
        storage_kind=info.storage_kind or (str(kind) if kind else None),
    )


def _resolved(key: str, rule: str, name: Callable[[], str]) -> MappedAsset:
    try:
        return MappedAsset(key, "mapped", rule, name())
    except ConfigurationError as exc:
        return MappedAsset(key, "unresolved", rule, advice=str(exc))
