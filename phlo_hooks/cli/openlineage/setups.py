"""Find the OpenLineageResources that a command is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from phlo_hooks.capabilities.openlineage.resource import EVENTS, OpenLineageResource
from phlo_hooks.cli.hosted import Hosted, find_resources
from phlo_hooks.cli.loading import named, open_instance
from phlo_hooks.cli.opening import StoreChoice


class Setup(Hosted[OpenLineageResource]):
    """An OpenLineageResource in a code location."""

    @property
    def hook(self) -> str:
        """That of what happens."""
        return f"{self.key}.{EVENTS}"


def find_setups(choice: StoreChoice, key: str | None, location: str | None) -> list[Setup]:
    """The OpenLineageResources of the code locations that were named.

    Args:
        choice: what was said on the command line.
        key: of the resource that is meant.
        location: the name that the deployment gave the code location.

    Raises:
        ConfigurationError: there is none, or none with this key.
    """
    found = find_resources(named(choice.locations(), location), OpenLineageResource, key)
    return [Setup(each.resource, each.key, each.location) for each in found]


@contextmanager
def any_instance(wanted: bool) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance, where one is wanted; else one that knows nothing.

    Raises:
        ConfigurationError: it is wanted, and DAGSTER_HOME does not say which.
    """
    with open_instance() if wanted else dg.DagsterInstance.ephemeral() as instance:
        yield instance
