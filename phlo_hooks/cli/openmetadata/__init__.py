"""`phlo-hooks openmetadata`: which asset is which table, and whether OpenMetadata has what Dagster says."""

from __future__ import annotations

import click

from phlo_hooks.cli.openmetadata.mapping import mapping
from phlo_hooks.cli.openmetadata.syncing import sync


@click.group()
def openmetadata() -> None:
    """What your OpenMetadataResources map to tables, and write.

    They need your definitions: with -m, -f or -w, else the workspace.yaml in this folder.
    """


for _command in (mapping, sync):
    openmetadata.add_command(_command)
