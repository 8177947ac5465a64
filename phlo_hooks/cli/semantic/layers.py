"""Find the semantic layers that a command is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import dagster as dg

from phlo_hooks.assets import AssetGraph
from phlo_hooks.cli.hosted import find_resources
from phlo_hooks.cli.loading import Location, named
from phlo_hooks.cli.opening import StoreChoice, find_store
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Told
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import MemoryState
from phlo_hooks.registration import HookRegistration
from phlo_hooks.semantics.models import SemanticModel
from phlo_hooks.semantics.provider import QueryResult, SemanticLayerProvider
from phlo_hooks.state import Host, StateStore


@runtime_checkable
class SemanticLayer(SemanticLayerProvider, Protocol):
    """A resource that is a semantic layer."""

    stages: list[str]

    def get_hooks(self) -> Iterable[HookRegistration]:
        """As of `HookProvider`."""

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """As of `HostedHookProvider`."""


@runtime_checkable
class Queryable(Protocol):
    """A layer that answers metric queries itself."""

    def query(
        self,
        metrics: Sequence[str],
        group_by: Sequence[str] = (),
        where: Sequence[str] = (),
        order_by: Sequence[str] = (),
        limit: int | None = None,
    ) -> QueryResult:
        """What the metrics come to."""


@dataclass(frozen=True)
class FoundLayer:
    """A semantic layer in a code location.

    Args:
        key: of the resource.
    """

    resource: SemanticLayer
    key: str
    location: Location

    def state(self, choice: StoreChoice) -> StateStore:
        """What is remembered of it, to read; nothing, where there is no store."""
        store = find_store(choice)
        return PluginState(store, self.key, self.location.name, _tells_nothing) if store else MemoryState()

    def assets(self, instance: dg.DagsterInstance) -> AssetGraph:
        """What the definitions say."""
        return self.location.runtime.assets(instance)

    def feeds(self, instance: dg.DagsterInstance) -> Mapping[str, tuple[str, ...]]:
        """The models by asset."""
        return self.resource.models_by_asset(self.assets(instance))

    def host(self, instance: dg.DagsterInstance) -> Host:
        """Where its hooks are called."""
        return self.location.runtime.host(instance, self.location.name, self.key)


def find_layers(choice: StoreChoice, key: str | None, location: str | None) -> list[FoundLayer]:
    """The semantic layers of the code locations that were named.

    Raises:
        ConfigurationError: there is none, or none with this key.
    """
    found = find_resources(
        named(choice.locations(), location),
        SemanticLayer,  # type: ignore[type-abstract]  # isinstance takes a protocol as well
        key,
        such_as="DbtSemanticLayerResource",
    )
    return [FoundLayer(each.resource, each.key, each.location) for each in found]


def with_model(layers: Sequence[FoundLayer], name: str) -> tuple[FoundLayer, SemanticModel]:
    """The first layer that holds a model of this name, and the model.

    Raises:
        ConfigurationError: none does.
    """
    known = dict[str, tuple[FoundLayer, SemanticModel]]()
    for layer in layers:
        for model in layer.resource.list_models():
            known.setdefault(model.name, (layer, model))
    if name not in known:
        raise ConfigurationError(f"no model or metric {name!r}{suggest(name, sorted(known))}")
    return known[name]


def _tells_nothing(event: HookEvent) -> Told:
    raise NotImplementedError("a command that only reads tells nothing")
