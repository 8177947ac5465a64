"""`phlo-hooks events`: what happened."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

import click

from phlo_hooks.cli.documents import delivery_document, event_document
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import event_options, json_option, limit_option, store_options
from phlo_hooks.cli.output import first_line, print_json, print_table, printable
from phlo_hooks.cli.times import short
from phlo_hooks.delivery.browsing import PAGE, every_event
from phlo_hooks.delivery.records import DeliveryRecord, EventRecord
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.describe import describe
from phlo_hooks.errors import ConfigurationError, EventError

# Two transactions may commit in another order than they took their numbers in: `tail` looks back so far.
_LOOK_BACK = 100
# An export that takes longer than this says how far it is, this often.
_PROGRESS_SECONDS = 2.0


@click.group()
def events() -> None:
    """What happened: list, show, follow and export recorded events."""


@events.command("list")
@event_options
@limit_option
@json_option
@store_options
def list_events(choice: StoreChoice, selection: Selection, limit: int, as_json: bool) -> None:
    """List recorded events, the newest last."""
    found = open_store(choice).select_events(selection, limit=limit, newest=True)
    if as_json:
        _print_documents(found)
    else:
        print_table(("time", "event id", "what"), map(_row, found))


@events.command()
@click.argument("event_id")
@json_option
@store_options
def show(choice: StoreChoice, event_id: str, as_json: bool) -> None:
    """Show one event, all that is in it, and where it went."""
    store = open_store(choice)
    record = store.get_event(event_id)
    if record is None:
        raise ConfigurationError(
            f"event {event_id!r} is not in {store!r}: phlo-hooks events list has the ids"
        )
    deliveries = store.deliveries(event_id=event_id)
    if as_json:
        document = event_document(record)
        print_json({**document, "deliveries": [delivery_document(each) for each in deliveries]})
        return
    click.echo(printable(json.dumps(json.loads(record.body), indent=2, ensure_ascii=False)))
    click.echo(f"recorded at {short(record.recorded_at)}\n")
    print_table(("delivery", "hook", "state", "attempts", "error"), map(_delivery_row, deliveries))


@events.command()
@event_options
@click.option("-n", "--lines", default=10, show_default=True, help="So many of the past to begin with.")
@click.option("--interval", default=1.0, show_default=True, help="Seconds between two looks.")
@json_option
@store_options
def tail(choice: StoreChoice, selection: Selection, lines: int, interval: float, as_json: bool) -> None:
    """Print events as they are recorded, until Ctrl-C."""
    store = open_store(choice)
    with store.connected():
        for record in follow(store, selection, lines=lines, interval=interval):
            if as_json:
                print_json(event_document(record))
            else:
                click.echo(printable(f"{short(record.timestamp)}  {what(record)}"))


@events.command()
@event_options
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; standard output, else."
)
@store_options
def export(choice: StoreChoice, selection: Selection, output: Path | None) -> None:
    """Write events as JSON Lines: one CloudEvent 1.0 a line, oldest first."""
    store = open_store(choice)
    target = output.open("w", encoding="utf-8") if output else nullcontext(sys.stdout)
    with target as file:
        written, unreadable = _write(file, every_event(store, selection))
    click.echo(f"{written} events exported", err=True)
    if unreadable:
        raise ConfigurationError(
            f"{len(unreadable)} events cannot be read by this release and are not in the export, the first "
            f"is {unreadable[0]}: upgrade phlo-hooks here"
        )


def follow(store: HookStore, selection: Selection, *, lines: int, interval: float) -> Iterator[EventRecord]:
    """The last `lines` events, then each new one, looked for every `interval` seconds, without end."""
    last = _newest(store)
    first = store.select_events(selection, limit=max(lines, _LOOK_BACK), newest=True)
    yield from first[len(first) - lines :] if lines < len(first) else first
    seen = {record.id for record in first}
    while True:
        top = _newest(store)
        page = store.select_events(selection, after_id=max(0, last - _LOOK_BACK), limit=PAGE)
        yield from (record for record in page if record.id not in seen)
        seen = {record.id for record in page}
        if len(page) == PAGE:
            last = page[-1].id
        else:
            last = max(last, top)
            time.sleep(interval)


def _newest(store: HookStore) -> int:
    """The highest number there is."""
    return max((record.id for record in store.select_events(Selection(), limit=1, newest=True)), default=0)


def what(record: EventRecord) -> str:
    """An event in a line; of one that cannot be read, as much as the columns say."""
    try:
        return describe(record.event)
    except EventError as exc:
        return f"{record.event_type} (cannot be read: {first_line(str(exc))})"


def _print_documents(records: Iterable[EventRecord]) -> None:
    for record in records:
        print_json(event_document(record))


def _row(record: EventRecord) -> tuple[str, str, str]:
    return short(record.timestamp), record.event_id, what(record)


def _delivery_row(each: DeliveryRecord) -> tuple[object, ...]:
    return each.delivery_id, each.hook, each.state.value, each.attempts, first_line(each.last_error)


def _write(file: IO[Any], records: Iterable[EventRecord]) -> tuple[int, list[str]]:
    """Write what can be read; how many that were, and the ids of the others."""
    written, unreadable, told = 0, [], time.monotonic()
    for record in records:
        try:
            file.write(json.dumps(record.event.to_cloudevent()) + "\n")
            written += 1
        except EventError:
            unreadable.append(record.event_id)
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            click.echo(f"{written} events so far, up to {short(record.recorded_at)}", err=True)
    return written, unreadable
