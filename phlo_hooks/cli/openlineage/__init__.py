"""`phlo-hooks openlineage`: what is sent to OpenLineage backends, and what was missed."""

from __future__ import annotations

import click

from phlo_hooks.cli.openlineage.backfilling import backfill
from phlo_hooks.cli.openlineage.previewing import preview


@click.group()
def openlineage() -> None:
    """What your OpenLineageResources send, and to send them what they missed.

    They need your definitions: with -m, -f or -w, else the workspace.yaml in this folder.
    """


for _command in (preview, backfill):
    openlineage.add_command(_command)
