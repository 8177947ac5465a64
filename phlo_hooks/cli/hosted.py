"""Find the resources of one kind that a command is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import dagster as dg

from phlo_hooks.cli.loading import Location
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.producers.subscriptions import LazyHandler
from phlo_hooks.registration import HookProvider

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
