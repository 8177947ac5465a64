"""Which models depend on which assets: what the configuration says, and nothing that is guessed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError, PhloHooksError

SelectAssets = Callable[[str], frozenset[str]]
_WILD = frozenset("*?[")


@dataclass(frozen=True)
class ModelMapping:
    """From models to assets.

    Args:
        patterns: of asset keys, by the name of a model; `*` stands for slashes, too.
    """

    patterns: Mapping[str, Sequence[str]]

    def models_of(self, asset_key: str) -> tuple[str, ...]:
        """The models that an asset feeds, by name."""
        return tuple(sorted(model for model in self.patterns if self._fits(asset_key, model)))

    def by_asset(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Those of each asset that feeds any."""
        found = ((key, self.models_of(key)) for key in keys)
        return {key: models for key, models in found if models}

    def assets_of(self, model: str, keys: Collection[str] | None) -> tuple[str, ...]:
        """The assets that feed a model.

        Args:
            model: its name.
            keys: of all assets; None where nobody knows them: then those that are named without a wildcard.
        """
        if keys is None:
            return tuple(pattern for pattern in self.patterns.get(model, ()) if not _WILD & set(pattern))
        return tuple(key for key in sorted(keys) if self._fits(key, model))

    def check(self, select_assets: SelectAssets, field: str) -> frozenset[str]:
        """Refuse a pattern that no asset has.

        Args:
            select_assets: as of `Host`.
            field: that has the patterns, with its object: `LightdashResource: explores`.

        Returns:
            The keys of all assets.

        Raises:
            ConfigurationError: the model, the pattern, and what is like it.
        """
        keys = _selected(select_assets, "*") or frozenset()
        for model, patterns in self.patterns.items():
            for pattern in patterns:
                if not any(fnmatchcase(key, pattern) for key in keys) and _never(pattern, select_assets):
                    raise ConfigurationError(
                        f"{field}[{model!r}]: no asset matches {pattern!r}{suggest(pattern, sorted(keys))}"
                    )
        return keys

    def _fits(self, key: str, model: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in self.patterns.get(model, ()))


def _never(pattern: str, select_assets: SelectAssets) -> bool:
    """Whether there cannot be such an asset: nothing selected, and no error, is what definitions say that
    Dagster does not know yet.
    """
    return _selected(select_assets, f'key:"{pattern}"') is None


def _selected(select_assets: SelectAssets, selection: str) -> frozenset[str] | None:
    try:
        return select_assets(selection)
    except PhloHooksError:
        return None
