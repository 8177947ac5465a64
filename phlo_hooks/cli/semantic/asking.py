"""What a refresh by hand is to be about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from phlo_hooks.assets import AssetGraph
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.semantics.bundle import Bundle
from phlo_hooks.semantics.provider import DateRange, ModelWork

Feeds = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Asked:
    """What somebody wants to have refreshed; everything, where nothing is named.

    Args:
        models: by name.
        assets: keys of assets whose models are meant.
        partition: of the assets.
        recompile: whether the layer is to build its own model first.
    """

    models: Sequence[str] = ()
    assets: Sequence[str] = ()
    partition: str | None = None
    recompile: bool = False

    def check(self, layers: Iterable[Feeds]) -> None:
        """Refuse what no layer knows.

        Args:
            layers: of each the models by asset.

        Raises:
            ConfigurationError: it is named, with what is alike.
        """
        if self.partition and not self.assets:
            raise ConfigurationError("--partition is of an asset: name it with --asset KEY")
        feeds = list(layers)
        assets = {key for each in feeds for key in each}
        models = {name for each in feeds for names in each.values() for name in names}
        for key in set(self.assets) - assets:
            raise ConfigurationError(f"asset {key!r} feeds no model{suggest(key, sorted(assets))}")
        for name in set(self.models) - models:
            raise ConfigurationError(f"no asset feeds a model {name!r}{suggest(name, sorted(models))}")

    def bundle(self, feeds: Feeds, graph: AssetGraph) -> Bundle:
        """The work of one layer; empty where it has nothing of it."""
        known = {name for names in feeds.values() for name in names}
        fed = {name for key in self.assets for name in feeds.get(key, ())}
        named = (known & set(self.models)) | fed
        wanted = named if self.models or self.assets else known
        when = self._range([key for key in self.assets if key in feeds], graph)
        works = {
            name: ModelWork(name, tuple(sorted(key for key, names in feeds.items() if name in names)), when)
            for name in sorted(wanted)
        }
        return Bundle(works, frozenset(self.assets), self.recompile and bool(works), (), 1)

    def _range(self, assets: Sequence[str], graph: AssetGraph) -> DateRange | None:
        """Of a layer, only the assets that feed it: another code location may have the others."""
        if self.partition is None or not assets:
            return None
        found = [graph.partition(key, self.partition) for key in assets]
        for key, partition in zip(assets, found, strict=True):
            if partition is None:
                raise ConfigurationError(f"asset {key!r} has no partition {self.partition!r}")
        window = found[0].window if found[0] else None
        return DateRange.of(window) if window else None
