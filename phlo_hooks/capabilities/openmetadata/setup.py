"""What the parts of the resource share: where to write, and what they know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.openmetadata.client import OpenMetadataClient
from phlo_hooks.capabilities.openmetadata.mapping import MappedAsset, TableMapping, mapped
from phlo_hooks.state import StateStore


@dataclass(frozen=True)
class Setup:
    """One OpenMetadata server, as one code location sees it.

    Args:
        client: of the server.
        mapping: from assets to tables.
        assets: of the definitions.
        state: the memory of this code location.
        shared: the memory of all code locations.
        takes: whether anything is told of an asset (`include`, `exclude`).
        pipeline_service: the name of the service under which pipelines are.
        webserver_url: of the Dagster UI, without a slash at its end, for links.
        location: the code location.
        create: whether services, databases, schemas and tables that are missing are created.
        remove_stale_edges: whether lineage that is no longer so is removed, where it is ours.
        service_type: of database services that are created; None for what the storage kind says.
        profiles: whether row counts and column profiles are written.
        pipelines: whether pipelines are, so that an edge of lineage can name its own.
    """

    client: OpenMetadataClient
    mapping: TableMapping
    assets: AssetGraph
    state: StateStore
    shared: StateStore
    takes: Callable[[str], bool] = field(default=lambda key: True)
    pipeline_service: str = "dagster"
    webserver_url: str | None = None
    location: str = ""
    create: bool = True
    remove_stale_edges: bool = False
    service_type: str | None = None
    profiles: bool = True
    pipelines: bool = True

    def mapped(self, key: str) -> MappedAsset:
        """What an asset is mapped to; one that `include` and `exclude` leave out is ignored."""
        return mapped(key, self.assets, self.mapping, self.takes)
