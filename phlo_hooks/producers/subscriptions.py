"""Who listens: the hooks passed to `with_hooks`, the resources that have hooks, the installed plugins."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import dagster as dg

from phlo_hooks.bus import HookBus
from phlo_hooks.errors import RegistrationError
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import memory_host
from phlo_hooks.monitors.provider import PLUGIN, Monitors
from phlo_hooks.plugins.discovery import installed_plugins
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.step_hook import RESOURCE_KEY
from phlo_hooks.registration import (
    FailurePolicy,
    HookProvider,
    HookRegistration,
    RegisteredHook,
)
from phlo_hooks.state import Host, HostedHookProvider

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
        listeners = [registration.filters for _, registration in self._registrations]
        self._registrations += _of_provider(PLUGIN, Monitors(listeners))
        for provider in self._hosted():
            provider.check(catalog.select)
        bus = HookBus()
        self.register(bus)
        for hook in bus.hooks:
            _check(hook, catalog)

    def _hosted(self) -> Iterable[HostedHookProvider]:
        handlers = (registration.handler for _, registration in self._registrations)
        lazy = {id(each.provider): each.provider for each in handlers if isinstance(each, LazyHandler)}
        return [each.provider for each in lazy.values() if isinstance(each.provider, HostedHookProvider)]

    def register(self, bus: HookBus, place: Place | None = None) -> None:
        """Put every hook on a bus; resources among them are set up for `place`, when they are called."""
        for plugin_name, registration in self._registrations:
            bus.register(_placed(registration, place), plugin_name=plugin_name)


Named = tuple[str, HookRegistration]


class Place(NamedTuple):
    """Where hooks are called: for a Dagster instance, by a code location, with a host for each plugin."""

    instance: dg.DagsterInstance
    host: Callable[[str], Host]


def _placed(registration: HookRegistration, place: Place | None) -> HookRegistration:
    if not isinstance(registration.handler, LazyHandler):
        return registration
    return replace(registration, handler=replace(registration.handler, place=place))


def _own(hooks: Iterable[Hook]) -> Iterable[Named]:
    for hook in hooks:
        if isinstance(hook, HookRegistration):
            yield DEFINITIONS, hook
        elif isinstance(hook, HookProvider):
            yield from _of_provider(_name(hook), hook)
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
        yield from _of_provider(_name(plugin), plugin)


def _of_provider(name: str, provider: HookProvider) -> Iterable[Named]:
    if isinstance(provider, HostedHookProvider):
        return _lazy(name, provider)
    return ((name, registration) for registration in provider.get_hooks())


def _of_resources(resources: Mapping[str, Any]) -> Iterable[Named]:
    for key, resource in resources.items():
        if key != RESOURCE_KEY and isinstance(resource, HookProvider):
            yield from _lazy(key, resource)


def _lazy(key: str, provider: HookProvider) -> Iterable[Named]:
    lazy = LazyProvider(key, provider)
    for registration in provider.get_hooks():
        yield key, replace(registration, handler=LazyHandler(lazy, registration.hook_name))


class LazyProvider:
    """A provider that is set up, a resource as Dagster would, when one of its hooks is first called.

    The relay runs outside of any step, and most processes call no hook at all: neither can wait for, nor
    should pay for, every resource being set up at the start.
    """

    def __init__(self, key: str, provider: HookProvider) -> None:
        self.key = key
        self.provider = provider
        self._ready: HookProvider | None = None
        self._hooks: Mapping[str, RegisteredHook] | None = None
        self._lock = threading.Lock()

    def hooks(self, place: Place | None) -> Mapping[str, RegisteredHook]:
        """The hooks of the provider, set up, by name; those that remember, for one place."""
        with self._lock:
            if self._ready is None:
                self._ready = self._set_up(place.instance if place else None)
            if isinstance(self._ready, HostedHookProvider):
                host = place.host(self.key) if place else memory_host()
                return self._by_name(self._ready.hooks_on(host))
            if self._hooks is None:
                self._hooks = self._by_name(self._ready.get_hooks())
            return self._hooks

    def _by_name(self, registrations: Iterable[HookRegistration]) -> Mapping[str, RegisteredHook]:
        return {each.hook_name: RegisteredHook(self.key, each) for each in registrations}

    def _set_up(self, instance: dg.DagsterInstance | None) -> HookProvider:
        # A hosted one looks up what it needs when it needs it: one secret that is missing stops one channel.
        if isinstance(self.provider, HostedHookProvider) or not isinstance(
            self.provider, dg.ConfigurableResource
        ):
            return self.provider
        stack = ExitStack()
        resources = {self.key: self.provider}
        try:
            ready: Any = stack.enter_context(dg.build_resources(resources, instance=instance))
        except dg.DagsterResourceFunctionError as exc:
            # Dagster's words for it do not say what happened.
            raise exc.user_exception from None
        atexit.register(stack.close)
        provider: HookProvider = getattr(ready, self.key)
        return provider


@dataclass(frozen=True)
class LazyHandler:
    """Calls one hook of a provider, which is set up for it when that has not happened yet."""

    provider: LazyProvider
    hook_name: str
    place: Place | None = None

    def handle_event(self, event: HookEvent | list[HookEvent]) -> None:
        """Hand over to the hook: an event, or a list of them to one that takes lists."""
        events = event if isinstance(event, list) else [event]
        self._hook.deliver(*events)

    @cached_property
    def _hook(self) -> RegisteredHook:
        return self.provider.hooks(self.place)[self.hook_name]


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
