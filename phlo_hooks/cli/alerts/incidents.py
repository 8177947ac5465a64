"""`phlo-hooks alerts incidents`: what is wrong, and who knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import click

from phlo_hooks.capabilities.alerting.explain import untold
from phlo_hooks.capabilities.alerting.incident import Cause, Incident, Told
from phlo_hooks.cli.alerts.documents import delivery_of, incident_document, whole_incident_document
from phlo_hooks.cli.alerts.explaining import became
from phlo_hooks.cli.alerts.setups import Setup, find_setups, setups_with
from phlo_hooks.cli.opening import StoreChoice, open_store
from phlo_hooks.cli.options import json_option, resource_option, store_options
from phlo_hooks.cli.output import print_json, print_table, printable
from phlo_hooks.cli.times import short
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import ConfigurationError

COLUMNS = ("incident", "rule", "state", "severity", "first", "last", "count", "untold", "told", "key")


@click.command()
@click.argument("incident_id", metavar="[ID]", required=False)
@click.option(
    "--open/--all", "only_open", default=True, help="Those that are not over  [default], or all of 30 days."
)
@click.option("--rule", metavar="NAME", help="Of this rule.")
@resource_option
@json_option
@store_options
def incidents(
    choice: StoreChoice,
    incident_id: str | None,
    only_open: bool,
    rule: str | None,
    resource_key: str | None,
    as_json: bool,
) -> None:
    """List incidents, or show one in full: causes, places, messages.

    An id may be cut short, as long as it is the only one that begins so. `untold` counts what happened since
    the last message; it is told with the next one.
    """
    store = open_store(choice)
    setups = find_setups(choice, resource_key)
    if rule is not None:
        setups = setups_with(setups, rule)
    if incident_id is not None:
        _show(_the_one(setups, store, incident_id), store, as_json)
        return
    found = _incidents(setups, store, closed=not only_open)
    chosen = [each.incident for each in found.values() if rule in (None, each.incident.rule)]
    if as_json:
        for each in chosen:
            print_json(incident_document(each))
    else:
        print_table(COLUMNS, map(_row, chosen))


class _Known(NamedTuple):
    """An incident, and whose it is."""

    incident: Incident
    setup: Setup


def _incidents(setups: list[Setup], store: HookStore, *, closed: bool) -> dict[str, _Known]:
    """By id: of runs without a location, each location knows the same."""
    return {
        each.id: _Known(each, setup)
        for setup in setups
        for each in setup.account(store).incidents(closed=closed)
    }


def _the_one(setups: list[Setup], store: HookStore, start: str) -> _Known:
    """The incident whose id begins so.

    Raises:
        ConfigurationError: there is none, or more than one.
    """
    known = _incidents(setups, store, closed=True)
    found = {name: each for name, each in known.items() if name.startswith(start)}
    if len(found) == 1:
        return found.popitem()[1]
    if found:
        raise ConfigurationError(f"{len(found)} incidents begin with {start!r}: {', '.join(sorted(found))}")
    raise ConfigurationError(f"no incident {start!r}: phlo-hooks alerts incidents --all has those there are")


def _show(known: _Known, store: HookStore, as_json: bool) -> None:
    if as_json:
        print_json(whole_incident_document(known.incident, known.setup, store))
    else:
        click.echo(printable("\n".join(_lines(known, store))))


def _lines(known: _Known, store: HookStore) -> Iterator[str]:
    incident = known.incident
    yield f"{incident.key} ({incident.id})"
    yield f"  rule      {incident.rule}"
    yield f"  state     {incident.state.value}, {incident.severity}"
    yield f"  since     {short(incident.first)}, last {short(incident.last)}"
    yield f"  count     {incident.count}, of which {untold(incident)} not told yet"
    if incident.resolved_at:
        yield f"  resolved  {short(incident.resolved_at)}"
    for cause in incident.causes.values():
        yield from _cause_lines(cause)
    if incident.more_causes:
        yield f"  and {incident.more_causes} events of other causes"
    for also in incident.also:
        yield f"  because of it: {also}"
    for name, told in incident.told.items():
        yield f"  told      {_told(name, told)}"
    for notice in known.setup.account(store).notices(incident):
        sent = delivery_of(store, known.setup, notice)
        yield f"  message   {notice.recipient}: {became(notice, sent)}"


def _cause_lines(cause: Cause) -> Iterator[str]:
    places = ", ".join(place for place in cause.places if place)
    where = f", wrong in {places}" if places else ""
    more = " and more" if cause.more_places else ""
    often = f"{_times(cause.count)}, last {short(cause.last)}"
    yield f"  cause     {cause.about.title}: {often}{where}{more}{', right again' if cause.ok else ''}"
    if cause.about.first_line:
        yield f"            {cause.about.first_line}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _row(incident: Incident) -> tuple[object, ...]:
    return (
        incident.id,
        incident.rule,
        incident.state.value,
        incident.severity,
        short(incident.first),
        short(incident.last),
        incident.count,
        untold(incident),
        ", ".join(_told(name, told) for name, told in incident.told.items()),
        incident.key,
    )


def _told(name: str, told: Told) -> str:
    return f"{name} {short(told.sent_at)}" if told.sent_at else f"{name} not yet"
