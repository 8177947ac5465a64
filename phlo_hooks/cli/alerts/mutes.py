"""`phlo-hooks alerts mute` and `unmute`: nothing is sent for a while; events are counted all the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click

from phlo_hooks.capabilities.alerting.ledger import MUTE, alert_id
from phlo_hooks.cli.alerts.setups import Setup, find_setups, setups_with
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import json_option, resource_option, store_options
from phlo_hooks.cli.output import print_json
from phlo_hooks.cli.times import DurationType, TimeType, iso, short
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import suggest, utc_now
from phlo_hooks.errors import ConfigurationError, StoreError
from phlo_hooks.state import StateChange, StateStore

ALL, RULE, ASSET = "all", "rule:", "asset:"
# Two people at once, or one and a relay.
_MAX_TRIES = 10

_target = click.argument("target", metavar="RULE|asset:KEY|all")


@click.command()
@_target
@click.option("--for", "span", type=DurationType(), help="How long: 2h, 3d.")
@click.option("--until", type=TimeType(), help="Until when: 2026-03-14T09:00 (UTC).")
@click.option("--reason", default="", help="Why; `alerts list` and `alerts explain` show it.")
@resource_option
@json_option
@store_options
def mute(
    choice: StoreChoice,
    target: str,
    span: float | None,
    until: datetime | None,
    reason: str,
    resource_key: str | None,
    as_json: bool,
) -> None:
    """Send nothing of a rule, of an asset, or at all, for a while.

    What happens meanwhile is counted, and told with the next message. Recoveries of what was told are sent.
    """
    end, store = _end(span, until), open_store(choice)
    setups, name = _meant(find_setups(choice, resource_key), target)
    for setup in setups:
        for memory in setup.memories(store):
            _write(memory, name, {"target": name, "until": end.isoformat(), "reason": reason}, end)
    if as_json:
        print_json({"target": name, "until": iso(end), "reason": reason})
    else:
        click.echo(f"{name} muted until {short(end)}")


@click.command()
@_target
@resource_option
@json_option
@store_options
def unmute(choice: StoreChoice, target: str, resource_key: str | None, as_json: bool) -> None:
    """Send again what was muted."""
    store = open_store(choice)
    setups, name = _meant(find_setups(choice, resource_key), target)
    changed = sum(_forget(setup, store, name) for setup in setups) > 0
    if as_json:
        print_json({"target": name, "changed": changed})
    else:
        click.echo(f"{name} unmuted" if changed else f"{name} was not muted")


def _end(span: float | None, until: datetime | None) -> datetime:
    """When it ends.

    Raises:
        ConfigurationError: not said, said twice, or over already.
    """
    if (span is None) == (until is None):
        raise ConfigurationError("for how long? Give --for 2h, or --until 2026-03-14T09:00, one of them")
    end = utc_now() + timedelta(seconds=span or 0) if until is None else until
    if end <= utc_now():
        raise ConfigurationError(f"--until {iso(end)} is over already: give a time to come")
    return end


def _meant(setups: list[Setup], target: str) -> tuple[list[Setup], str]:
    """Which resources a target concerns, and what the ledger calls it.

    Raises:
        ConfigurationError: there is no such rule or asset.
    """
    if target == ALL:
        return setups, ALL
    if target.startswith(ASSET):
        return _with_asset(setups, target.removeprefix(ASSET)), target
    rule = target.removeprefix(RULE)
    return setups_with(setups, rule), RULE + rule


def _with_asset(setups: list[Setup], key: str) -> list[Setup]:
    found = [setup for setup in setups if key in setup.catalog.known_keys]
    if not found:
        known = sorted({each for setup in setups for each in setup.catalog.known_keys})
        raise ConfigurationError(f"no asset has the key {key!r}{suggest(key, known)}")
    return found


def _forget(setup: Setup, store: HookStore, name: str) -> bool:
    found = [each for each in setup.memories(store) if each.get(MUTE + alert_id(name)) is not None]
    for memory in found:
        _write(memory, name, None, utc_now())
    return bool(found)


def _write(memory: StateStore, name: str, value: dict[str, Any] | None, end: datetime) -> None:
    key = MUTE + alert_id(name)
    for _ in range(_MAX_TRIES):
        known = memory.get(key)
        if memory.commit([StateChange(key, value, known.version if known else 0, end)]):
            return
    raise StoreError(f"{name}: somebody else mutes or unmutes it all the time; try again")
