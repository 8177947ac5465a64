"""What the definitions say of each asset and check, so that an event can say it too."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dagster as dg

from phlo_hooks.errors import ConfigurationError, UnknownAssetError
from phlo_hooks.producers.declared import Declared, declared_on
from phlo_hooks.producers.stages import TOOLS, Stage, StageRules

# The bus's own asset: how its hooks are doing, for Dagster's health view.
HEALTH_ASSET = dg.AssetKey(["phlo_hooks", "deliveries"])

# Dagster keeps kinds and its own bookkeeping among the tags under these prefixes.
_SYSTEM_PREFIXES = ("dagster/", ".dagster/")


@dataclass(frozen=True)
class AssetFacts:
    """One asset, as its spec has it.

    Args:
        executable: whether Dagster materializes it.
        spec: all that is of no use to an event; None of an asset that is only named.
    """

    key: str
    stage: Stage
    group: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    declared: Declared | None = None
    executable: bool = True
    spec: dg.AssetSpec | None = field(default=None, compare=False, repr=False)

    @property
    def tool(self) -> str:
        """What computes it, as its kinds say; else Dagster itself."""
        return next((kind for kind in self.kinds if kind in TOOLS), "dagster")


@dataclass(frozen=True)
class CheckFacts:
    """One asset check, as its spec has it."""

    asset_key: str
    name: str
    blocking: bool = False
    description: str | None = None
    spec: dg.AssetCheckSpec | None = field(default=None, compare=False, repr=False)


class Catalog:
    """The assets and checks of one code location.

    Args:
        assets: what `dg.Definitions` was given, in any of the forms it takes.
        rules: how to tell an asset's stage.
        jobs: gives the resolved jobs; called when somebody asks for them, since it resolves everything.

    Raises:
        ConfigurationError: an asset's tag names a stage that there is not.
    """

    def __init__(
        self,
        assets: Iterable[Any] = (),
        rules: StageRules | None = None,
        jobs: Callable[[], Iterable[dg.JobDefinition]] = tuple,
    ) -> None:
        self._sources = tuple(assets)
        self.jobs = jobs
        self._rules = rules or StageRules()
        facts = (self._facts(spec, definition) for spec, definition in self._specs())
        self._assets = {fact.key: fact for fact in facts}

    @property
    def assets(self) -> Mapping[str, AssetFacts]:
        """Facts by asset key; an asset that is only a dependency is not among them."""
        return self._assets

    @cached_property
    def checks(self) -> Mapping[tuple[str, str], CheckFacts]:
        """Facts by asset key and check name."""
        specs = (spec for source in self._definitions() for spec in source.check_specs)
        facts = (
            CheckFacts(key_text(spec.asset_key), spec.name, bool(spec.blocking), spec.description, spec)
            for spec in specs
        )
        return {(fact.asset_key, fact.name): fact for fact in facts}

    @cached_property
    def known_keys(self) -> frozenset[str]:
        """Every asset key that an event of this location can name, dependencies and checked assets too."""
        upstream = {key for facts in self.assets.values() for key in facts.upstream}
        return frozenset(self.assets) | upstream | {asset for asset, _ in self.checks}

    @cached_property
    def any_declared(self) -> bool:
        """Whether a decorator of ours is on any asset or check: only those can be stopped by a hook."""
        return any(declared_on(definition) is not None for definition in self._definitions())

    def select(self, selection: str) -> frozenset[str]:
        """The keys of the assets that a Dagster selection stands for, such as `group:"marts"`.

        Raises:
            ConfigurationError: it is no selection.
            UnknownAssetError: no asset is selected.
        """
        with warnings.catch_warnings():
            # Sources, too: that parameter of Dagster's own is in beta.
            warnings.simplefilter("ignore")
            try:
                chosen = dg.AssetSelection.from_string(selection, include_sources=True)
                keys = frozenset(map(key_text, chosen.resolve(self._selectable)))
            except Exception as exc:
                raise ConfigurationError(f"{selection!r} is no Dagster asset selection: {exc}") from exc
        if not keys and self.complete:
            raise UnknownAssetError(f"the asset selection {selection!r} selects no asset of the definitions")
        return keys

    @cached_property
    def _selectable(self) -> Sequence[Any]:
        """Everything in a form that a selection can be made among; the same asset only once."""
        specs = [spec for spec in self._sources if isinstance(spec, dg.AssetSpec)]
        others = [each for each in self._sources if isinstance(each, (dg.AssetsDefinition, dg.SourceAsset))]
        return [*others, *([dg.AssetsDefinition(specs=specs)] if specs else [])]

    @property
    def complete(self) -> bool:
        """Whether all assets are known before the definitions are resolved; cacheable ones are not."""
        return all(isinstance(source, _KNOWN_SOURCES) for source in self._sources)

    def asset(self, key: str) -> AssetFacts:
        """The facts of an asset; for one that the definitions do not hold, what can be said of any."""
        return self.assets.get(key) or AssetFacts(key, Stage.INGESTION)

    def check(self, asset_key: str, name: str) -> CheckFacts:
        """The facts of a check; for one that the definitions do not hold, what can be said of any."""
        return self.checks.get((asset_key, name)) or CheckFacts(asset_key, name)

    def _definitions(self) -> Sequence[dg.AssetsDefinition]:
        return [source for source in self._sources if isinstance(source, dg.AssetsDefinition)]

    def _specs(self) -> Iterable[tuple[dg.AssetSpec, dg.AssetsDefinition | None]]:
        for source in self._sources:
            if isinstance(source, dg.AssetsDefinition):
                yield from ((spec, source) for spec in source.specs)
            elif isinstance(source, dg.AssetSpec):
                yield source, None
            elif isinstance(source, dg.SourceAsset):
                yield _source_spec(source), None

    def _facts(self, spec: dg.AssetSpec, definition: dg.AssetsDefinition | None) -> AssetFacts:
        declared = declared_on(definition) if definition is not None else None
        key, kinds = key_text(spec.key), tuple(sorted(spec.kinds))
        upstream = tuple(key_text(dep.asset_key) for dep in spec.deps if dep.asset_key != spec.key)
        stage = self._rules.stage_of(
            asset_key=key,
            group=spec.group_name,
            kinds=kinds,
            tags=spec.tags,
            has_upstream=bool(upstream),
            declared=declared.stage if declared else None,
        )
        return AssetFacts(
            key=key,
            stage=stage,
            group=spec.group_name or "default",
            kinds=kinds,
            owners=tuple(spec.owners),
            tags=own_tags(spec.tags),
            upstream=tuple(dict.fromkeys(upstream)),
            metadata=spec.metadata,
            declared=declared,
            executable=definition is not None and definition.is_materializable,
            spec=spec,
        )


_KNOWN_SOURCES = (dg.AssetsDefinition, dg.AssetSpec, dg.SourceAsset)


def key_text(key: dg.AssetKey) -> str:
    """An asset key as events write it: its path joined with `/`."""
    return key.to_user_string()


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags a user set, without Dagster's own."""
    return {key: value for key, value in tags.items() if not key.startswith(_SYSTEM_PREFIXES)}


def _source_spec(source: dg.SourceAsset) -> dg.AssetSpec:
    return dg.AssetSpec(
        source.key,
        group_name=source.group_name,
        tags=source.tags,
        description=source.description,
        metadata=source.metadata,
        partitions_def=source.partitions_def,
    )
