"""`phlo-hooks alerts check`: whether a file of rules can work, before it is deployed."""

from __future__ import annotations

import click

from phlo_hooks.capabilities.alerting.resource import AlertingResource
from phlo_hooks.cli.alerts.files import read_rules, with_rules
from phlo_hooks.cli.alerts.setups import find_setups
from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.cli.options import json_option, resource_option, store_options
from phlo_hooks.cli.output import print_json


@click.command()
@click.argument("path", metavar="FILE.yaml")
@resource_option
@json_option
@store_options
def check(choice: StoreChoice, path: str, resource_key: str | None, as_json: bool) -> None:
    """Say whether a file of rules is valid: names, times, channels, owners, templates.

    With -m, -f or -w its asset selections are looked up, too, and a file that has only rules goes with the
    deployed channels and owners. Secrets are not read.
    """
    if not choice.names_definitions:
        resource = read_rules(path)
        _say(path, resource, "without definitions, asset selections are not looked up", as_json)
        return
    for setup in find_setups(choice, resource_key):
        tried = with_rules(setup, path)
        tried.resource.check(setup.catalog.select)
        _say(path, tried.resource, f"with {setup.name}", as_json)


def _say(path: str, resource: AlertingResource, how: str, as_json: bool) -> None:
    rules, channels = [rule.name for rule in resource.rules], list(resource.channels)
    if as_json:
        print_json({"file": path, "valid": True, "rules": rules, "channels": channels, "how": how})
    else:
        click.echo(
            f"{path} is valid: {len(rules)} rules ({', '.join(rules)}), channels {', '.join(channels)}; {how}"
        )
