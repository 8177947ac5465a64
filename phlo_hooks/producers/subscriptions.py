"""Who listens: the hooks passed to `with_hooks`, the resources that have hooks, the installed plugins."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Union

import dagster as dg

from phlo_hooks.bus import HookBus
from phlo_hooks.errors import RegistrationError
from phlo_hooks.events import HookEvent
from phlo_hooks.plugins.discovery import installed_plugins
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.step_hook import RESOURCE_KEY
from phlo_hooks.registration import (
    FailurePolicy,
    HookProvider,
    HookRegistration,
    RegisteredHook,
)

Hook = Union[Callable[[Any], object], HookRegistration, HookProvider]

# The plugin name of hooks that belong to no plugin.
DEFINITIONS = "definitions"


class Subscriptions:
    """Every hook of a code location, checked once when its definitions load.

    Args:
        hooks: what was passed to `with_hooks`.
        resources: of the definitions; those with `get_hooks` subscribe under their key.
        catalog: the assets that a filter may name.
        plugins: whether installed plugins subscribe.

    Raises:
        RegistrationError: a hook that cannot work, or could never be called.
    """

    def __init__(
        self,
        hooks: Iterable[Hook],
        resources: Mapping[str, Any],
        catalog: Catalog,
        *,
        plugins: bool = True,
    ) -> None:
        self._registrations = [*_own(hooks), *_of_resources(resources)]
        if plugins:
            self._registrations += _of_plugins()
        bus = HookBus()
        self.register(bus)
        for hook in bus.hooks:
            _check(hook, catalog)

    def register(self, bus: HookBus) -> None:
        """Put every hook on a bus."""
        for plugin_name, registration in self._registrations:
            bus.register(registration, plugin_name=plugin_name)


Named = tuple[str, HookRegistration]


def _own(hooks: Iterable[Hook]) -> Iterable[Named]:
    for hook in hooks:
        if isinstance(hook, HookRegistration):
            yield DEFINITIONS, hook
        elif isinstance(hook, HookProvider):
            yield from ((_name(hook), registration) for registration in hook.get_hooks())
        else:
            yield DEFINITIONS, HookRegistration(getattr(hook, "__name__", "hook"), hook)


def _name(provider: Any) -> str:
    name = getattr(getattr(provider, "metadata", None), "name", None)
    return name if isinstance(name, str) and name else type(provider).__name__


def _of_plugins() -> Iterable[Named]:
    for plugin in installed_plugins():
        yield from ((_name(plugin), registration) for registration in plugin.get_hooks())


def _of_resources(resources: Mapping[str, Any]) -> Iterable[Named]:
    for key, resource in resources.items():
        if key != RESOURCE_KEY and isinstance(resource, HookProvider):
            lazy = LazyResource(key, resource)
            for registration in resource.get_hooks():
                handler = lazy.handler(registration.hook_name)
                yield key, replace(registration, handler=handler)


class LazyResource:
    """A resource that is set up, as Dagster would, when one of its hooks is first called.

    The relay runs outside of any step, and most processes call no hook at all: neither can wait for, nor should
    pay for, every resource being set up at the start.
    """

    def __init__(self, key: str, resource: HookProvider) -> None:
        self._key = key
        self._resource = resource
        self._handlers: dict[str, Callable[[HookEvent], object]] | None = None
        self._lock = threading.Lock()

    def handler(self, hook_name: str) -> Callable[[HookEvent], object]:
        """Calls the hook of this name."""

        def handle(event: HookEvent) -> object:
            return self._ready()[hook_name](event)

        return handle

    def _ready(self) -> Mapping[str, Callable[[HookEvent], object]]:
        with self._lock:
            if self._handlers is None:
                provider = self._set_up()
                hooks = [RegisteredHook(self._key, each) for each in provider.get_hooks()]
                self._handlers = {hook.registration.hook_name: hook.deliver for hook in hooks}
            return self._handlers

    def _set_up(self) -> HookProvider:
        if not isinstance(self._resource, dg.ConfigurableResource):
            return self._resource
        stack = ExitStack()
        ready: HookProvider = stack.enter_context(self._resource.process_config_and_initialize_cm())
        atexit.register(stack.close)
        return ready


def _check(hook: RegisteredHook, catalog: Catalog) -> None:
    if hook.filters is not None and catalog.complete:
        hook.filters.check_assets(catalog.known_keys, hook.qualified_name)
    if hook.failure_policy is FailurePolicy.RAISE and not _can_stop_something(hook, catalog):
        raise RegistrationError(
            f"hook {hook.qualified_name!r} has failure_policy='raise', but no asset is decorated with "
            "@ingestion, @transform, @publish or @quality: there is no step that it could stop"
        )


def _can_stop_something(hook: RegisteredHook, catalog: Catalog) -> bool:
    return catalog.any_declared or not catalog.complete
