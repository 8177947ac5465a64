"""`phlo-hooks deliveries`: where events are on their way to hooks."""

from __future__ import annotations

import click

from phlo_hooks.cli.documents import delivery_document
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import (
    all_option,
    delivery_state_options,
    json_option,
    limit_option,
    require_criterion,
    store_options,
    yes_option,
)
from phlo_hooks.cli.output import confirm, deliveries_of, first_line, print_json, print_table
from phlo_hooks.cli.times import short
from phlo_hooks.delivery.records import DeliveryRecord
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore

COLUMNS = ("made", "event id", "event type", "hook", "state", "attempts", "next attempt", "error")


@click.group()
def deliveries() -> None:
    """Where events are on their way to hooks: list, try again, discard."""


@deliveries.command("list")
@delivery_state_options
@limit_option
@json_option
@store_options
def list_deliveries(choice: StoreChoice, selection: Selection, limit: int, as_json: bool) -> None:
    """List deliveries, the newest last."""
    print_deliveries(open_store(choice), selection, limit, as_json)


@deliveries.command()
@delivery_state_options
@all_option
@json_option
@store_options
def retry(choice: StoreChoice, selection: Selection, everything: bool, as_json: bool) -> None:
    """Try dead deliveries again from the start, and those that wait for a later time, now."""
    require_criterion(selection, everything, "retry")
    retry_selected(open_store(choice), selection, as_json)


@deliveries.command()
@delivery_state_options
@click.option("--reason", required=True, help="Why; it is kept with each of them.")
@all_option
@yes_option
@json_option
@store_options
def discard(
    choice: StoreChoice, selection: Selection, reason: str, everything: bool, yes: bool, as_json: bool
) -> None:
    """Give up deliveries that are dead or open. What is being delivered right now is left alone."""
    require_criterion(selection, everything, "discard")
    discard_selected(open_store(choice), selection, reason, yes=yes, as_json=as_json)


def print_deliveries(store: HookStore, selection: Selection, limit: int, as_json: bool) -> None:
    """Print the newest deliveries of a selection."""
    found = store.select_deliveries(selection, limit=limit, newest=True)
    if as_json:
        for record in found:
            print_json(delivery_document(record))
    else:
        print_table(COLUMNS, map(_row, found))


def retry_selected(store: HookStore, selection: Selection, as_json: bool) -> None:
    """Try deliveries again, and say how many."""
    number = store.retry(selection)
    if as_json:
        print_json({"retried": number})
    else:
        click.echo(f"{deliveries_of(number)} due now; a relay makes them")


def discard_selected(
    store: HookStore, selection: Selection, reason: str, *, yes: bool, as_json: bool
) -> None:
    """Give deliveries up once that is confirmed, and say how many."""
    confirm(f"give up what is dead or open of {deliveries_of(store.count_deliveries(selection))}", yes=yes)
    number = store.discard(selection, reason)
    if as_json:
        print_json({"discarded": number})
    else:
        click.echo(f"{deliveries_of(number)} discarded")


def _row(record: DeliveryRecord) -> tuple[object, ...]:
    return (
        short(record.created_at),
        record.event_id,
        record.event_type,
        record.hook,
        record.state.value,
        record.attempts,
        short(record.next_attempt_at),
        first_line(record.last_error),
    )
