"""Find the OpenMetadataResources that a command is about."""

from __future__ import annotations

from phlo_hooks.capabilities.openmetadata import OpenMetadataResource
from phlo_hooks.cli.hosted import Hosted, find_resources
from phlo_hooks.cli.loading import named
from phlo_hooks.cli.opening import StoreChoice

Target = Hosted[OpenMetadataResource]


def find_targets(choice: StoreChoice, key: str | None, location: str | None) -> list[Target]:
    """The OpenMetadataResources of the code locations that were named.

    Args:
        choice: what was said on the command line.
        key: of the resource that is meant.
        location: the name that the deployment gave the code location.

    Raises:
        ConfigurationError: there is none, or none with this key.
    """
    return find_resources(named(choice.locations(), location), OpenMetadataResource, key)
