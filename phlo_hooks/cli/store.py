"""`phlo-hooks store`: the tables themselves."""

from __future__ import annotations

from datetime import timedelta

import click

from phlo_hooks.cli.opening import StoreChoice, open_store, store_url
from phlo_hooks.cli.options import json_option, store_options
from phlo_hooks.cli.output import print_json
from phlo_hooks.cli.times import iso
from phlo_hooks.delivery.inspection import StoreVersion, inspect_store
from phlo_hooks.delivery.pruning import PRUNE_BATCH
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import SchemaVersionError

# A prune by hand, or by cron, is to get through.
_BUDGET = 3600.0


@click.group()
def store() -> None:
    """The tables: their version, their size, and what to forget."""


@store.command()
@json_option
@store_options
def upgrade(choice: StoreChoice, as_json: bool) -> None:
    """Create the tables, or bring them to the version of this release. Safe to repeat."""
    url = store_url(choice)
    before = inspect_store(url)
    HookStore(url).pending_count()
    if as_json:
        print_json({"store": before.url, "from": before.found, "to": before.wanted})
    elif before.current:
        click.echo(f"{before.url} has version {before.wanted} already")
    else:
        click.echo(f"{before.url}: {before.found or 'nothing'} -> {before.wanted}")


@store.command()
@json_option
@store_options
def status(choice: StoreChoice, as_json: bool) -> None:
    """Say which store it is, which version its tables have, and what is in it. Changes nothing."""
    url = store_url(choice)
    version = inspect_store(url)
    figures = _figures(HookStore(url)) if version.current else {}
    if as_json:
        head = {"store": version.url, "version": version.found, "wanted": version.wanted}
        print_json({**head, "current": version.current, **figures})
    else:
        click.echo(f"store         {version.url}\nversion       {_version(version)}")
        for name, value in figures.items():
            click.echo(f"{name.replace('_', ' '):<13} {value if value is not None else 'none'}")
    if not version.current:
        raise SchemaVersionError(_next_step(version))


@store.command()
@click.option(
    "--older-than", type=click.FloatRange(min=0), required=True, metavar="DAYS", help="Keep so many days."
)
@click.option(
    "--batch", type=click.IntRange(min=1), default=PRUNE_BATCH, show_default=True, help="Rows a transaction."
)
@click.option("--budget", default=_BUDGET, show_default=True, help="Seconds after which to stop.")
@json_option
@store_options
def prune(choice: StoreChoice, older_than: float, batch: int, budget: float, as_json: bool) -> None:
    """Delete deliveries that were made or discarded, and then events, older than so many days.

    What is open or dead is never deleted, and neither are its events. State that has expired goes, too.
    Several may run at once, and a run may be killed: the next one goes on.
    """
    hooks_store = open_store(choice)
    pruned = hooks_store.prune(utc_now() - timedelta(days=older_than), batch=batch, budget=budget)
    expired = hooks_store.expire()
    if as_json:
        counts = {"deliveries": pruned.deliveries, "events": pruned.events, "state": expired}
        print_json({**counts, "complete": pruned.complete})
        return
    click.echo(f"deleted {pruned.deliveries} deliveries, {pruned.events} events, {expired} expired values")
    if not pruned.complete:
        click.echo(f"stopped after {budget:g} s, there is more: run it again", err=True)


def _figures(hooks_store: HookStore) -> dict[str, object]:
    """What can be told without a look at every row."""
    first, last = hooks_store.recorded_between()
    found = hooks_store.health()
    return {
        "open": sum(each.pending + each.retrying + each.in_flight for each in found),
        "dead": sum(each.dead for each in found),
        "first_event": iso(first),
        "last_event": iso(last),
    }


def _version(version: StoreVersion) -> str:
    if version.found is None:
        return "none"
    return (
        version.found if version.current else f"{version.found or 'unknown'} (this release: {version.wanted})"
    )


def _next_step(version: StoreVersion) -> str:
    if version.newer:
        return f"the hook store {version.url} belongs to a newer release: upgrade phlo-hooks here"
    return f"the hook store {version.url} is not up to date: run phlo-hooks store upgrade"
