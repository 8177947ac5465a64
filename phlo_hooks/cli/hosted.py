"""Find the resources of one kind that a command is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import dagster as dg

from phlo_hooks.cli.loading import Location
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import Overlay
from phlo_hooks.producers.subscriptions import LazyHandler
from phlo_hooks.registration import HookProvider
from phlo_hooks.state import Host

R = TypeVar("R", bound=HookProvider)


@dataclass(frozen=True)
class Hosted(Generic[R]):
    """A resource with hooks, in a code location.

    Args:
        key: of the resource.
    """

    resource: R
    key: str
    location: Location

    @property
    def name(self) -> str:
        """As people tell it from others."""
        return f"{self.key} in {self.location.name}"

    def state(self, store: HookStore | None) -> Overlay:
        """What it remembers, to read; what is written is kept for this process alone."""
        # Scripts' runs have no location.
        return self._memory(store, self.location.name, "")

    def host(self, instance: dg.DagsterInstance, store: HookStore | None) -> Host:
        """Where its hooks would be called, with all that is remembered there; it keeps nothing."""
        runtime, state = self.location.runtime, self.state(store)
        shared, assets = self._memory(store, None), runtime.assets(instance)
        name, select = self.location.name, runtime.catalog.select
        return Host(state, name, select, state.clock, self.key, assets, shared)

    def _memory(self, store: HookStore | None, *scopes: str | None) -> Overlay:
        known = scopes if store is not None else ()
        return Overlay(*(PluginState(store, self.key, scope, _tells_nothing) for scope in known if store))


def find_resources(
    locations: Sequence[Location], kind: type[R], key: str | None = None, *, such_as: str | None = None
) -> list[Hosted[R]]:
    """The resources of this kind in these code locations.

    Args:
        locations: where to look.
        kind: their class.
        key: of the one that is meant; all of them, else.
        such_as: a class of this kind, where it is a protocol.

    Raises:
        ConfigurationError: there is none, or none with this key.
    """
    found = [each for location in locations for each in _of(location, kind)]
    if not found:
        names, name = ", ".join(location.name for location in locations), such_as or kind.__name__
        example = name.removesuffix("Resource").lower()
        raise ConfigurationError(
            f"{names}: no {name} is among the resources of these definitions; add one, as in "
            f"resources={{'{example}': {name}(…)}}"
        )
    chosen = [each for each in found if key in (None, each.key)]
    if not chosen:
        known = sorted({each.key for each in found})
        raise ConfigurationError(f"no {kind.__name__} has the key {key!r}{suggest(str(key), known)}")
    return chosen


def _of(location: Location, kind: type[R]) -> Iterator[Hosted[R]]:
    found: dict[str, R] = {}
    # Who listens does not depend on the instance: this one is asked for nothing.
    with dg.DagsterInstance.ephemeral() as instance:
        for hook in location.runtime.bus(instance).hooks:
            handler = hook.registration.handler
            if isinstance(handler, LazyHandler) and isinstance(handler.provider.provider, kind):
                found[handler.provider.key] = handler.provider.provider
    for key, resource in found.items():
        yield Hosted(resource, key, location)


def _tells_nothing(event: HookEvent) -> Told:
    raise NotImplementedError("a command that only reads tells nothing")
