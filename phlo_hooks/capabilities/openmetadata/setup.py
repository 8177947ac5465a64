"""What the parts of the resource share: where to write, and what they know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.openmetadata.client import OpenMetadataClient
from phlo_hooks.capabilities.openmetadata.mapping import TableMapping
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
