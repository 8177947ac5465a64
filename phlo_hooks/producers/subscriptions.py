"""Who listens: the hooks passed to `with_hooks`, the resources that have hooks, the installed plugins."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

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

Hook = Callable[[Any], object] | HookRegistration | HookProvider

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

    def register(self, bus: HookBus, instance: dg.DagsterInstance | None = None) -> None:
        """Put every hook on a bus; resources among them are set up with `instance`, when they are called."""
        for plugin_name, registration in self._registrations:
            bus.register(_with_instance(registration, instance), plugin_name=plugin_name)


Named = tuple[str, HookRegistration]


def _with_instance(registration: HookRegistration, instance: dg.DagsterInstance | None) -> HookRegistration:
    if not isinstance(registration.handler, LazyHandler):
        return registration
    return replace(registration, handler=replace(registration.handler, instance=instance))


def _own(hooks: Iterable[Hook]) -> Iterable[Named]:
    for hook in hooks:
        if isinstance(hook, HookRegistration):
            yield DEFINITIONS, hook
        elif isinstance(hook, HookProvider):
            yield from ((_name(hook), registration) for registration in hook.get_hooks())
        else:
            yield DEFINITIONS, HookRegistration(_function_name(hook), hook)


def _function_name(hook: Any) -> str:
    name = getattr(hook, "__name__", "")
    if not name.isidentifier():
        raise RegistrationError(
            f"hook {hook!r} has no name of its own; name it: HookRegistration('my_hook', …)"
        )
    return str(name)


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
                yield key, replace(registration, handler=LazyHandler(lazy, registration.hook_name))


class LazyResource:
    """A resource that is set up, as Dagster would, when one of its hooks is first called.

    The relay runs outside of any step, and most processes call no hook at all: neither can wait for, nor
    should pay for, every resource being set up at the start.
    """

    def __init__(self, key: str, resource: HookProvider) -> None:
        self._key = key
        self._resource = resource
        self._hooks: Mapping[str, RegisteredHook] | None = None
        self._lock = threading.Lock()

    def hooks(self, instance: dg.DagsterInstance | None) -> Mapping[str, RegisteredHook]:
        """The hooks of the resource, set up, by name."""
        with self._lock:
            if self._hooks is None:
                provider = self._set_up(instance)
                hooks = (RegisteredHook(self._key, each) for each in provider.get_hooks())
                self._hooks = {hook.registration.hook_name: hook for hook in hooks}
            return self._hooks

    def _set_up(self, instance: dg.DagsterInstance | None) -> HookProvider:
        if not isinstance(self._resource, dg.ConfigurableResource):
            return self._resource
        stack = ExitStack()
        resources = {self._key: self._resource}
        try:
            ready: Any = stack.enter_context(dg.build_resources(resources, instance=instance))
        except dg.DagsterResourceFunctionError as exc:
            # Dagster's words for it do not say what happened.
            raise exc.user_exception from None
        atexit.register(stack.close)
        provider: HookProvider = getattr(ready, self._key)
        return provider


@dataclass(frozen=True)
class LazyHandler:
    """Calls one hook of a resource, which is set up for it when that has not happened yet."""

    resource: LazyResource
    hook_name: str
    instance: dg.DagsterInstance | None = None

    def handle_event(self, event: HookEvent | list[HookEvent]) -> None:
        """Hand over to the hook: an event, or a list of them to one that takes lists."""
        events = event if isinstance(event, list) else [event]
        self.resource.hooks(self.instance)[self.hook_name].deliver(*events)


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
