"""Find the AlertingResources that a command is about, and what they remember."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from phlo_hooks.capabilities.alerting.explain import Account
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.resource import AlertingResource
from phlo_hooks.cli.hosted import find_resources
from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.secrets import redactor_for
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
    return [
        Setup(found.resource, found.key, found.location.name, found.location.runtime.catalog)
        for found in find_resources(choice.locations(), AlertingResource, key)
    ]


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


def _tells_nothing(event: HookEvent) -> Told:
    raise NotImplementedError("the command line only reads, and mutes")
