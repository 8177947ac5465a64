"""What has changed in a semantic manifest since it was last seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from phlo_hooks.capabilities.dbt_semantic_layer.catalog import Catalog
from phlo_hooks.state import StateChange, StateStore

_KEY = "dbt-semantic-layer/manifest"
_KINDS = ("models", "metrics")

# By kind, then by name.
Digests = Mapping[str, Mapping[str, str]]


def digests(catalog: Catalog) -> dict[str, dict[str, str]]:
    """What each model and metric says, as a number that changes with it."""
    manifest = catalog.manifest
    return {
        "models": {model.name: _digest(model.json()) for model in manifest.semantic_models},
        "metrics": {metric.name: _digest(metric.json()) for metric in manifest.metrics},
    }


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def differences(before: Digests, now: Digests) -> dict[str, dict[str, list[str]]]:
    """The names that were added, removed and changed, by kind; what there is nothing of is left out."""
    found = {kind: _difference(before.get(kind, {}), now.get(kind, {})) for kind in _KINDS}
    return {kind: names for kind, names in found.items() if names}


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, list[str]]:
    found = {
        "added": sorted(now.keys() - before.keys()),
        "removed": sorted(before.keys() - now.keys()),
        "changed": sorted(name for name in now.keys() & before.keys() if now[name] != before[name]),
    }
    return {what: names for what, names in found.items() if names}


@dataclass(frozen=True)
class Memory:
    """Remembers the manifest that was seen last.

    Args:
        state: keeps it.
    """

    state: StateStore

    def changes(self, catalog: Catalog) -> dict[str, Any]:
        """What is different now; nothing when no manifest was seen before."""
        entry = self.state.get(_KEY)
        return differences(entry.value, digests(catalog)) if entry else {}

    def remember(self, catalog: Catalog) -> None:
        """This one was seen. Should another relay have seen one meanwhile, it is right."""
        entry = self.state.get(_KEY)
        now = digests(catalog)
        if entry is None or entry.value != now:
            self.state.commit([StateChange(_KEY, now, entry.version if entry else 0)])
