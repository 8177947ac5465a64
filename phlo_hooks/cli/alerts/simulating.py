"""`phlo-hooks alerts simulate`: what rules would have sent of what happened. Nothing is sent or written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.simulation import Sent, Simulation
from phlo_hooks.cli.alerts.files import with_rules
from phlo_hooks.cli.alerts.setups import Setup, find_setups
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import json_option, resource_option, store_options
from phlo_hooks.cli.output import print_json, print_table
from phlo_hooks.cli.times import TimeType, iso, short
from phlo_hooks.delivery.browsing import PAGE
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import EventError
from phlo_hooks.events import HookEvent

COLUMNS = ("time", "to", "rule", "kind", "further", "title")
# What takes longer than this says how far it is, this often.
_PROGRESS_SECONDS = 2.0


@click.command()
@click.option("--since", type=TimeType(), required=True, help="From when: 2026-03-14T09:00 (UTC), or 7d.")
@click.option("--rules", "rules_file", metavar="FILE.yaml", help="Try the rules of a file instead.")
@resource_option
@json_option
@store_options
def simulate(
    choice: StoreChoice, since: datetime, rules_file: str | None, resource_key: str | None, as_json: bool
) -> None:
    """Play recorded events through the rules, and print what they would have sent.

    As if every relay and channel had worked, and nothing had been muted by command. Nothing is sent or
    written. A file that has only rules goes with the deployed channels and owners.
    """
    store = open_store(choice)
    for setup in find_setups(choice, resource_key):
        tried = with_rules(setup, rules_file) if rules_file else setup
        sent = play(store, tried, since)
        if as_json:
            for each in sent:
                print_json(_document(each, setup))
            print_json({"resource": setup.key, "location": setup.location, **totals(sent)})
        else:
            _print(setup, sent)


def play(store: HookStore, setup: Setup, since: datetime) -> Sequence[Sent]:
    """What a resource would have sent since then, up to now."""
    simulation, now = Simulation(setup.plan), utc_now()
    told = time.monotonic()
    for page in _pages(store, setup.plan, since):
        simulation.play(page)
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            click.echo(f"{len(simulation.sent)} messages so far, up to {short(simulation.now)}", err=True)
    return simulation.until(max(now, simulation.now))


def totals(sent: Sequence[Sent]) -> dict[str, Any]:
    """How many messages, by rule, by recipient, and in the worst hour of a recipient."""
    hours = Counter((each.recipient, f"{each.at:%Y-%m-%dT%H}") for each in sent)
    return {
        "messages": len(sent),
        "by_rule": dict(Counter(each.message.rule for each in sent)),
        "by_recipient": dict(Counter(each.recipient for each in sent)),
        "most_in_an_hour": max(hours.values(), default=0),
    }


def _pages(store: HookStore, plan: Plan, since: datetime) -> Iterator[list[HookEvent]]:
    """The events that the rules see, a page in memory at a time."""
    wanted = {kind for rule in plan.rules for kind in rule.event_types}
    after, selection = 0, Selection(since=since)
    while found := store.select_events(selection, after_id=after, limit=PAGE):
        after, page = found[-1].id, []
        for record in found:
            if record.event_type in wanted:
                try:
                    page.append(record.event)
                except EventError as exc:
                    click.echo(f"event {record.event_id} is left out, it cannot be read: {exc}", err=True)
        yield page


def _print(setup: Setup, sent: Sequence[Sent]) -> None:
    click.echo(f"{setup.name}\n")
    print_table(COLUMNS, map(_row, sent))
    found = totals(sent)
    click.echo(
        f"\n{found['messages']} messages, at most {found['most_in_an_hour']} in an hour to one recipient"
    )
    for title in ("by_rule", "by_recipient"):
        counts = ", ".join(f"{name} {count}" for name, count in found[title].items())
        click.echo(f"{title.replace('_', ' ')}: {counts or 'none'}")


def _row(sent: Sent) -> tuple[object, ...]:
    message = sent.message
    return (
        short(sent.at),
        sent.recipient,
        message.rule,
        message.kind.value,
        message.suppressed or "",
        message.title,
    )


def _document(sent: Sent, setup: Setup) -> dict[str, Any]:
    message = sent.message
    return {
        "resource": setup.key,
        "location": setup.location,
        "at": iso(sent.at),
        "recipient": sent.recipient,
        "rule": message.rule,
        "kind": message.kind.value,
        "title": message.title,
        "further": message.suppressed,
        "severity": message.severity,
    }
