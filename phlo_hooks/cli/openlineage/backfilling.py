"""`phlo-hooks openlineage backfill`: send what was recorded before, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click
import dagster as dg

from phlo_hooks.cli.history import HookHistory, run_locations
from phlo_hooks.cli.loading import open_instance
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.openlineage.sending import send
from phlo_hooks.cli.openlineage.setups import Setup, find_setups
from phlo_hooks.cli.options import (
    json_option,
    location_option,
    resource_option,
    store_options,
    yes_option,
)
from phlo_hooks.cli.output import confirm, events_of, print_json, printable
from phlo_hooks.cli.times import TimeType
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now


@click.command()
@click.option("--since", type=TimeType(), required=True, help="From when: 2026-03-14T09:00 (UTC), or 7d.")
@click.option("--until", type=TimeType(), help="What happened before.")
@click.option("--dry-run", is_flag=True, help="Only say how many events it would be.")
@click.option("--no-send", is_flag=True, help="Queue them for the relay that is at work anyway.")
@resource_option
@location_option
@yes_option
@json_option
@store_options
@click.pass_context
def backfill(
    context: click.Context,
    choice: StoreChoice,
    since: datetime,
    until: datetime | None,
    dry_run: bool,
    no_send: bool,
    resource_key: str | None,
    location: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Send what was recorded since then to the backend: what it never got, and once more what it got.

    A run's events go in the order in which they happened, under the same run ids. They are queued, then sent
    by this process; whenever it ends, the relay of your deployment goes on. Ends with 1 if something is left.
    """
    store, selection, began = open_store(choice), Selection(since=since, until=until), utc_now()
    outcomes = []
    with open_instance() as instance:
        for setup, history in _histories(find_setups(choice, resource_key, location), store, instance):
            number = sum(1 for _ in history.wanted(selection))
            if dry_run:
                _say(
                    setup, f"{events_of(number)} would be sent", as_json, {"events": number, "dry_run": True}
                )
                continue
            confirm(f"{setup.name}: send {events_of(number)}", yes=yes)
            events = history.wanted(selection)
            added = store.give_history(setup.hook, events, scope=history.scope, settled_before=began)
            _say(setup, f"{events_of(added)} queued", as_json, {"queued": added})
            if not no_send:
                outcomes.append(send(setup, store, instance))
                _say(setup, str(outcomes[-1]), as_json, outcomes[-1].document())
    context.exit(1 if any(outcome.left or outcome.dead for outcome in outcomes) else 0)


def _histories(
    setups: list[Setup], store: HookStore, instance: dg.DagsterInstance
) -> Iterator[tuple[Setup, HookHistory]]:
    where = run_locations(instance)
    for setup in setups:
        bus = setup.location.runtime.bus(instance)
        yield setup, HookHistory(store, bus, setup.hook, setup.location.name, where)


def _say(setup: Setup, text: str, as_json: bool, document: dict[str, object]) -> None:
    if as_json:
        print_json({"resource": setup.key, "location": setup.location.name, **document})
    else:
        click.echo(printable(f"{setup.name}: {text}"))
