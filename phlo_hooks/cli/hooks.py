"""`phlo-hooks hooks`: which there are, and the switch of each."""

from __future__ import annotations

import difflib
from collections.abc import Collection

import click

from phlo_hooks.cli.documents import circuit_document
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import json_option, store_options
from phlo_hooks.cli.output import first_line, print_json, print_table
from phlo_hooks.cli.times import short
from phlo_hooks.delivery.health import HookHealth
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import ConfigurationError

# Where each tail sensor says which location it is for; `phlo_hooks.producers.tail`, which brings Dagster.
TAILS, LOCATION = "tails", "location/"
COLUMNS = ("hook", "circuit", "since", "waits", "dead", "reason")

_scope_option = click.option(
    "--scope", metavar="NAME", help="The code location that has the hook; all of them, else."
)


@click.group()
def hooks() -> None:
    """Which hooks there are, and the switch of each."""


@hooks.command("list")
@json_option
@store_options
def list_hooks(choice: StoreChoice, as_json: bool) -> None:
    """List hooks that have something open, dead or recent, or that are not being called.

    With -m, -f or -w also those of your definitions that never got anything.
    """
    store = open_store(choice)
    found = {each.hook: each for each in store.health()}
    for name in _declared(choice):
        found.setdefault(name, HookHealth(name))
    rows = [found[name] for name in sorted(found)]
    if as_json:
        for each in rows:
            print_json({"hook": each.hook, **circuit_document(each.circuit)})
    else:
        print_table(COLUMNS, map(_row, rows))


@hooks.command()
@click.argument("hook", metavar="HOOK")
@_scope_option
@json_option
@store_options
def enable(choice: StoreChoice, hook: str, scope: str | None, as_json: bool) -> None:
    """Have a hook called again, at once: after `disable`, or without waiting for an open circuit."""
    store = open_store(choice)
    scopes = _scopes(store, choice, hook, scope)
    changed = [store.enable(hook, scope=each) for each in scopes]
    _say(hook, "enabled", any(changed), as_json)


@hooks.command()
@click.argument("hook", metavar="HOOK")
@click.option("--reason", required=True, help="Why; `hooks list` and `health` show it.")
@_scope_option
@json_option
@store_options
def disable(choice: StoreChoice, hook: str, reason: str, scope: str | None, as_json: bool) -> None:
    """Have a hook not called any more. Its events are recorded and wait until it is enabled."""
    store = open_store(choice)
    scopes = _scopes(store, choice, hook, scope)
    changed = [store.disable(hook, reason, scope=each) for each in scopes]
    _say(hook, "disabled", any(changed), as_json)


def _say(hook: str, state: str, changed: bool, as_json: bool) -> None:
    if as_json:
        print_json({"hook": hook, "state": state, "changed": changed})
    else:
        click.echo(f"{hook} {state}" if changed else f"{hook} was {state} already")


def _scopes(store: HookStore, choice: StoreChoice, hook: str, scope: str | None) -> list[str]:
    """The code locations to switch a hook for: the one that is named, or all that there are.

    Raises:
        ConfigurationError: neither the store nor the definitions that were named have such a hook.
    """
    declared = _declared(choice)
    _check_known(hook, {*declared, *(each.hook for each in store.health())}, store)
    if scope is not None:
        return [scope]
    tails = (entry.key.removeprefix(LOCATION) for entry in store.list_state(TAILS, LOCATION))
    return sorted({"", *tails, *store.circuit_scopes(hook), *declared.get(hook, ())})


def _check_known(hook: str, known: Collection[str], store: HookStore) -> None:
    """A misspelt name would be switched without any effect."""
    if hook in known or store.select_deliveries(Selection(hook=hook), limit=1):
        return
    close = difflib.get_close_matches(hook, known, n=1)
    raise ConfigurationError(
        f"no hook {hook!r} is known to the hook store: "
        + (f"did you mean {close[0]!r}?" if close else "phlo-hooks hooks list has those there are.")
        + " One that never got an event is known with -m, -f or -w and your definitions"
    )


def _declared(choice: StoreChoice) -> dict[str, list[str]]:
    """The hooks of the definitions that were named, each with its locations; of no definitions, none."""
    if not choice.names_definitions:
        return {}
    from phlo_hooks.cli.loading import open_instance

    found: dict[str, list[str]] = {}
    with open_instance() as instance:
        for location in choice.locations():
            for hook in location.runtime.bus(instance).hooks:
                found.setdefault(hook.qualified_name, []).append(location.name)
    return found


def _row(each: HookHealth) -> tuple[object, ...]:
    waits = each.pending + each.retrying + each.in_flight
    circuit = each.circuit
    return (
        each.hook,
        circuit.state,
        short(circuit.changed_at),
        waits,
        each.dead,
        first_line(circuit.reason),
    )
