"""Which cubes and views depend on which assets: what the configuration says, and nothing that is guessed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from phlo_hooks.errors import ConfigurationError

_WILD = frozenset("*?[")


@dataclass(frozen=True)
class ModelMapping:
    """From cubes and views to assets.

    Args:
        patterns: of asset keys, by the name of a cube or view; `*` stands for slashes, too.
    """

    patterns: Mapping[str, tuple[str, ...]]

    def models_of(self, asset_key: str) -> tuple[str, ...]:
        """The cubes and views that an asset feeds."""
        return tuple(
            model
            for model, patterns in self.patterns.items()
            if any(fnmatchcase(asset_key, pattern) for pattern in patterns)
        )

    def by_asset(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Those of each asset that feeds any."""
        found = ((key, self.models_of(key)) for key in keys)
        return {key: models for key, models in found if models}

    def assets_of(self, model: str, keys: Collection[str] | None) -> tuple[str, ...]:
        """The assets that feed a model.

        Args:
            keys: of all assets; None where nobody knows them: then those that are named without a wildcard.
        """
        patterns = self.patterns.get(model, ())
        if keys is None:
            return tuple(pattern for pattern in patterns if not _WILD & set(pattern))
        return tuple(key for key in sorted(keys) if any(fnmatchcase(key, pattern) for pattern in patterns))

    def unknown(self, keys: Collection[str]) -> Iterator[str]:
        """The patterns that none of these keys has."""
        for patterns in self.patterns.values():
            for pattern in patterns:
                if not any(fnmatchcase(key, pattern) for key in keys):
                    yield pattern

    def refusal(self, pattern: str, keys: Collection[str]) -> ConfigurationError:
        """Says that no asset has a pattern, and which keys are alike."""
        model = next(model for model, patterns in self.patterns.items() if pattern in patterns)
        return ConfigurationError(
            f"models[{model!r}] names {pattern!r}, and no asset has such a key{_alike(pattern, keys)}"
        )


def _alike(pattern: str, keys: Collection[str]) -> str:
    found = get_close_matches(pattern, sorted(keys), n=3)
    return f": did you mean {', '.join(map(repr, found))}?" if found else ": correct it, or leave it out"
