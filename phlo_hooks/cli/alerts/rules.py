"""`phlo-hooks alerts list`: the rules, the channels, and what is muted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from phlo_hooks.capabilities.alerting.rules import WINDOW, Rule
from phlo_hooks.capabilities.alerting.signals import SIGNALS
from phlo_hooks.cli.alerts.setups import Setup, find_setups
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import json_option, resource_option, store_options
from phlo_hooks.cli.output import print_json, print_table
from phlo_hooks.cli.times import iso, short
from phlo_hooks.envelope import utc_now

COLUMNS = ("rule", "on", "to", "window", "muted until")


@click.command("list")
@resource_option
@json_option
@store_options
def list_rules(choice: StoreChoice, resource_key: str | None, as_json: bool) -> None:
    """List the rules in their order, the channels, and what no rule listens for."""
    store = open_store(choice)
    for setup in find_setups(choice, resource_key):
        mutes = setup.account(store).mutes()
        if as_json:
            print_json(_document(setup, mutes))
        else:
            _print(setup, mutes)


def unheard(rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Signals that ask for attention, and that no rule listens for."""
    return tuple(
        signal.name
        for signal in SIGNALS
        if signal.severity != "INFO" and not any(rule.listens_for(signal.name) for rule in rules)
    )


def muted_until(rule: Rule, mutes: list[dict[str, Any]]) -> datetime | None:
    """Until when nothing of a rule is sent: by its own field, or by a mute of it or of all."""
    own = rule.muted_until
    times = [own] if own is not None and own > utc_now() else []
    targets = (f"rule:{rule.name}", "all")
    times += [datetime.fromisoformat(each["until"]) for each in mutes if each["target"] in targets]
    return max(times, default=None)


def _print(setup: Setup, mutes: list[dict[str, Any]]) -> None:
    click.echo(f"{setup.name}\n")
    print_table(COLUMNS, (_row(setup, rule, mutes) for rule in setup.plan.rules))
    click.echo(f"\nchannels: {', '.join(_channels(setup))}")
    for each in mutes:
        reason = f" ({each['reason']})" if each["reason"] else ""
        click.echo(f"muted: {each['target']} until {short(datetime.fromisoformat(each['until']))}{reason}")
    silent = unheard(setup.plan.rules)
    if silent:
        click.echo(f"no rule listens for: {', '.join(silent)}")


def _row(setup: Setup, rule: Rule, mutes: list[dict[str, Any]]) -> tuple[object, ...]:
    return (
        rule.name,
        ", ".join(rule.on),
        ", ".join(rule.to or setup.plan.default_to),
        f"digest {rule.digest}" if rule.digest else rule.window or WINDOW,
        short(muted_until(rule, mutes)),
    )


def _channels(setup: Setup) -> Iterator[str]:
    for name, channel in setup.plan.channels.items():
        kind = type(channel).__name__.removesuffix("Channel")
        yield f"{name} ({kind})"


def _document(setup: Setup, mutes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resource": setup.key,
        "location": setup.location,
        "rules": [_rule_document(setup, rule, mutes) for rule in setup.plan.rules],
        "channels": {name: type(each).__name__ for name, each in setup.plan.channels.items()},
        "mutes": mutes,
        "unheard": list(unheard(setup.plan.rules)),
    }


def _rule_document(setup: Setup, rule: Rule, mutes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": rule.name,
        "on": rule.on,
        "to": rule.to or list(setup.plan.default_to),
        "window": rule.window or WINDOW,
        "digest": rule.digest,
        "muted_until": iso(muted_until(rule, mutes)),
    }
