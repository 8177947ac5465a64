"""`phlo-hooks dead-letters`: deliveries that were given up."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click

from phlo_hooks.cli.deliveries import discard_selected, print_deliveries, retry_selected
from phlo_hooks.cli.documents import delivery_document
from phlo_hooks.cli.events import what
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import (
    all_option,
    delivery_options,
    json_option,
    limit_option,
    require_criterion,
    store_options,
    yes_option,
)
from phlo_hooks.cli.output import print_json, printable
from phlo_hooks.cli.times import short
from phlo_hooks.delivery.browsing import AttemptError
from phlo_hooks.delivery.records import DeliveryRecord, DeliveryState
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import ConfigurationError


@click.group("dead-letters")
def dead_letters() -> None:
    """Deliveries that were given up: list, explain, try again, discard."""


@dead_letters.command("list")
@delivery_options
@limit_option
@json_option
@store_options
def list_dead(choice: StoreChoice, selection: Selection, limit: int, as_json: bool) -> None:
    """List dead letters, the newest last."""
    print_deliveries(open_store(choice), _dead(selection), limit, as_json)


@dead_letters.command()
@click.argument("event_id")
@click.option("--hook", metavar="NAME", help="plugin.hook_name; may have * and ?.")
@json_option
@store_options
def show(choice: StoreChoice, event_id: str, hook: str | None, as_json: bool) -> None:
    """Explain the dead letters of an event: what happened, and why each attempt failed."""
    store = open_store(choice)
    found = store.select_deliveries(_dead(Selection(ids=[event_id], hook=hook)))
    if not found:
        raise ConfigurationError(
            f"event {event_id!r} has no dead letter{f' of {hook}' if hook else ''}: phlo-hooks dead-letters "
            "list has those there are, phlo-hooks events show tells where it went"
        )
    for record in found:
        errors = store.attempt_errors(record.delivery_id)
        if as_json:
            print_json(_document(store, record, errors))
        else:
            _explain(store, record, errors)


@dead_letters.command()
@delivery_options
@all_option
@json_option
@store_options
def retry(choice: StoreChoice, selection: Selection, everything: bool, as_json: bool) -> None:
    """Try dead letters again, from the first attempt."""
    require_criterion(selection, everything, "retry")
    retry_selected(open_store(choice), _dead(selection), as_json)


@dead_letters.command()
@delivery_options
@click.option("--reason", required=True, help="Why; it is kept with each of them.")
@all_option
@yes_option
@json_option
@store_options
def discard(
    choice: StoreChoice, selection: Selection, reason: str, everything: bool, yes: bool, as_json: bool
) -> None:
    """Settle dead letters for good: they are not listed any more, and can be pruned."""
    require_criterion(selection, everything, "discard")
    discard_selected(open_store(choice), _dead(selection), reason, yes=yes, as_json=as_json)


def _dead(selection: Selection) -> Selection:
    return replace(selection, states=(DeliveryState.DEAD,))


def _document(store: HookStore, record: DeliveryRecord, errors: list[AttemptError]) -> dict[str, Any]:
    event = store.get_event(record.event_id)
    described = {} if event is None else {"what": what(event)}
    return {**delivery_document(record), **described, "errors": [asdict(each) for each in errors]}


def _explain(store: HookStore, record: DeliveryRecord, errors: list[AttemptError]) -> None:
    event = store.get_event(record.event_id)
    lines = [
        what(event) if event else record.event_type,
        f"  event     {record.event_id}",
        f"  hook      {record.hook}",
        f"  attempts  {record.attempts}, given up at {short(record.settled_at)}",
        *(f"  attempt {each.attempt} at {each.at}: {each.error}" for each in errors),
    ]
    if not errors:
        lines.append(f"  error     {record.last_error or ''}")
    lines.append(f"\nTry it again: phlo-hooks dead-letters retry {record.event_id} --hook {record.hook}")
    click.echo(printable("\n".join(lines)))
