"""`phlo-hooks alerts`: the rules, what they made of an event, and what people were told."""

from __future__ import annotations

import click

from phlo_hooks.cli.alerts.checking import check
from phlo_hooks.cli.alerts.explaining import explain
from phlo_hooks.cli.alerts.incidents import incidents
from phlo_hooks.cli.alerts.mutes import mute, unmute
from phlo_hooks.cli.alerts.rules import list_rules
from phlo_hooks.cli.alerts.simulating import simulate
from phlo_hooks.cli.alerts.trying import test


@click.group()
def alerts() -> None:
    """The rules of your AlertingResources, what they made of an event, and what people were told.

    They need your definitions: with -m, -f or -w, else the workspace.yaml in this folder.
    """


for _command in (list_rules, explain, incidents, test, simulate, mute, unmute, check):
    alerts.add_command(_command)
