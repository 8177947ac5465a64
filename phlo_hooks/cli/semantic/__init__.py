"""`phlo-hooks semantic`: what your semantic layers hold, and to bring them up to date."""

from __future__ import annotations

import click

from phlo_hooks.cli.semantic.listing import list_
from phlo_hooks.cli.semantic.querying import query
from phlo_hooks.cli.semantic.refreshing import refresh
from phlo_hooks.cli.semantic.showing import show


@click.group()
def semantic() -> None:
    """The models and metrics of your semantic layers, which assets feed them, and their refreshes.

    They need your definitions: with -m, -f or -w, else the workspace.yaml in this folder.
    """


for _command in (list_, show, query, refresh):
    semantic.add_command(_command)
