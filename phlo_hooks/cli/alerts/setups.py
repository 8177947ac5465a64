"""Find the AlertingResources that a command is about, and what they remember."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from phlo_hooks.capabilities.alerting.explain import Account
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.resource import AlertingResource
from phlo_hooks.cli.loading import Location
from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.secrets import redactor_for
from phlo_hooks.producers.subscriptions import LazyHandler
from phlo_hooks.redaction import Redactor


@dataclass(frozen=True)
class Setup:
    """An AlertingResource in a code location.

    Args:
        key: of the resource.
        location: the code location's name.
        catalog: its assets.
    """

    resource: AlertingResource
    key: str
    location: str
    catalog: Catalog

    @cached_property
    def plan(self) -> Plan:
        """Its rules, with their asset selections looked up."""
        return self.resource.plan(self.catalog.select, self.location)

    @property
    def name(self) -> str:
        """As people tell it from others."""
        return f"{self.key} in {self.location}"

    @property
    def redactor(self) -> Redactor:
        """Knows the secrets of its channels."""
        return redactor_for([(self.key, self.resource)])

    def memories(self, store: HookStore) -> tuple[PluginState, PluginState]:
        """Where its incidents are kept: for its location, and for runs without one, as scripts have them."""
        return (
            PluginState(store, self.key, self.location, _tells_nothing),
            PluginState(store, self.key, "", _tells_nothing),
        )

    def account(self, store: HookStore) -> Account:
        """What is remembered."""
        return Account(self.memories(store))


def find_setups(choice: StoreChoice, key: str | None = None) -> list[Setup]:
    """The AlertingResources of the code locations that were named.

    Raises:
        ConfigurationError: there is none, or none with this key.
    """
    locations = choice.locations()
    found = [setup for location in locations for setup in _setups(location)]
    if not found:
        names = ", ".join(location.name for location in locations)
        raise ConfigurationError(
            f"{names}: no AlertingResource is among the resources of these definitions; add one, as in "
            "resources={'alerting': AlertingResource(…)}"
        )
    chosen = [setup for setup in found if key in (None, setup.key)]
    if not chosen:
        known = sorted({setup.key for setup in found})
        raise ConfigurationError(f"no AlertingResource has the key {key!r}{suggest(str(key), known)}")
    return chosen


def setups_with(setups: list[Setup], rule: str) -> list[Setup]:
    """Those that have a rule of this name.

    Raises:
        ConfigurationError: there is none.
    """
    found = [setup for setup in setups if setup.plan.rule(rule) is not None]
    if not found:
        known = sorted({each.name for setup in setups for each in setup.plan.rules})
        raise ConfigurationError(f"no rule is called {rule!r}{suggest(rule, known)}")
    return found


def _setups(location: Location) -> Iterator[Setup]:
    catalog, found = location.runtime.catalog, dict[str, AlertingResource]()
    # Who listens does not depend on the instance: this one is asked for nothing.
    with dg.DagsterInstance.ephemeral() as instance:
        for hook in location.runtime.bus(instance).hooks:
            handler = hook.registration.handler
            if isinstance(handler, LazyHandler) and isinstance(handler.provider.provider, AlertingResource):
                found[handler.provider.key] = handler.provider.provider
    for key, resource in found.items():
        yield Setup(resource, key, location.name, catalog)


def _tells_nothing(event: HookEvent) -> Told:
    raise NotImplementedError("the command line only reads, and mutes")
