"""Find the semantic layers that a command is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import dagster as dg

from phlo_hooks.assets import AssetGraph
from phlo_hooks.cli.hosted import Hosted, find_resources
from phlo_hooks.cli.loading import named
from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.registration import HookRegistration
from phlo_hooks.semantics.models import SemanticModel
from phlo_hooks.semantics.provider import QueryResult, SemanticLayerProvider
from phlo_hooks.state import Host


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


class FoundLayer(Hosted[SemanticLayer]):
    """A semantic layer in a code location."""

    def assets(self, instance: dg.DagsterInstance) -> AssetGraph:
        """What the definitions say."""
        return self.location.runtime.assets(instance)

    def feeds(self, instance: dg.DagsterInstance) -> Mapping[str, tuple[str, ...]]:
        """The models by asset."""
        return self.resource.models_by_asset(self.assets(instance))

    def place(self, instance: dg.DagsterInstance) -> Host:
        """Where its hooks are called, with a memory to write to."""
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
