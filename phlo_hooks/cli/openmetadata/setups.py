"""Find the OpenMetadataResources that a command is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import dagster as dg

from phlo_hooks.capabilities.openmetadata import OpenMetadataResource
from phlo_hooks.cli.hosted import find_resources
from phlo_hooks.cli.loading import Location, named
from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import Overlay
from phlo_hooks.state import Host


@dataclass(frozen=True)
class Target:
    """An OpenMetadataResource in a code location.

    Args:
        key: of the resource.
    """

    resource: OpenMetadataResource
    key: str
    location: Location

    @property
    def name(self) -> str:
        """As people tell it from others."""
        return f"{self.key} in {self.location.name}"

    def host(self, instance: dg.DagsterInstance, store: HookStore | None) -> Host:
        """Where its hooks would be called, with all that is remembered there; it keeps nothing."""
        runtime, scope = self.location.runtime, self.location.name
        state = partial(PluginState, store, self.key, tell=_tells_nothing) if store else None
        # Scripts' runs have no location.
        memory = Overlay(state(location=scope), state(location="")) if state else Overlay()
        shared = Overlay(state(location=None)) if state else Overlay()
        assets = runtime.assets(instance)
        return Host(memory, scope, runtime.catalog.select, memory.clock, self.key, assets, shared)


def find_targets(choice: StoreChoice, key: str | None, location: str | None) -> list[Target]:
    """The OpenMetadataResources of the code locations that were named.

    Args:
        choice: what was said on the command line.
        key: of the resource that is meant.
        location: the name that the deployment gave the code location.

    Raises:
        ConfigurationError: there is none, or none with this key.
    """
    found = find_resources(named(choice.locations(), location), OpenMetadataResource, key)
    return [Target(each.resource, each.key, each.location) for each in found]


def _tells_nothing(event: HookEvent) -> Told:
    raise NotImplementedError("the command line only reads")
