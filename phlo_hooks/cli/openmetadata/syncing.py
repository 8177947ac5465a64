"""`phlo-hooks openmetadata sync`: bring OpenMetadata up to date, at once and in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

import click
import dagster as dg

from phlo_hooks.capabilities.openmetadata.known_tables import KnownTables
from phlo_hooks.capabilities.openmetadata.resource import Writer
from phlo_hooks.cli.loading import open_instance
from phlo_hooks.cli.opening import StoreChoice, find_store
from phlo_hooks.cli.openmetadata.parts import PARTS, Outcome, Parts
from phlo_hooks.cli.openmetadata.past import Past
from phlo_hooks.cli.openmetadata.setups import Target, find_targets
from phlo_hooks.cli.options import json_option, location_option, resource_option, store_options
from phlo_hooks.cli.output import print_json, printable
from phlo_hooks.cli.times import TimeType, short
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.records import Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.state import Host


class PartsType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """Names of parts, with commas between."""

    name = "parts"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The names."""
        names = tuple(each.strip() for each in value.split(","))
        for name in names:
            if name not in PARTS:
                self.fail(f"{name!r} is no part: use {', '.join(PARTS)}, with commas between")
        return names


@click.command()
@click.option("--dry-run", is_flag=True, help="Print each change that would be made, and make none.")
@click.option(
    "--since",
    type=TimeType(),
    help="Also what has happened since then: 2026-03-14T09:00 (UTC), or 7d. Results, runs and profiles.",
)
@click.option("--only", type=PartsType(), metavar="PARTS", help=f"Of {', '.join(PARTS)}; with commas.")
@resource_option
@location_option
@json_option
@store_options
@click.pass_context
def sync(
    context: click.Context,
    choice: StoreChoice,
    dry_run: bool,
    since: datetime | None,
    only: tuple[str, ...] | None,
    resource_key: str | None,
    location: str | None,
    as_json: bool,
) -> None:
    """Write to OpenMetadata what the definitions say: tables, pipelines, lineage, quality, in this order.

    What is there already is not written again, so it may be run at any time, also beside a relay. One asset
    that is refused does not stop the others; ends with 1 if something was not written.
    """
    has_instance = bool(os.environ.get("DAGSTER_HOME"))
    targets, store = find_targets(choice, resource_key, location), find_store(choice)
    outcomes = list[Outcome]()
    with open_instance() if has_instance else dg.DagsterInstance.ephemeral() as instance:
        if since is not None and store is None and not has_instance:
            raise ConfigurationError("--since needs what was recorded: set DAGSTER_HOME, or give --store URL")
        for target in targets:
            host = _host(target, instance, store, dry=dry_run)
            past = Past(target, instance, store, since) if since else None
            for outcome in _outcomes(target, host, only or (), past, dry=dry_run):
                _say(target, outcome, dry=dry_run, as_json=as_json)
                outcomes.append(outcome)
            _say_unresolved(target, host)
    if not as_json:
        _conclude(outcomes, dry=dry_run)
    context.exit(1 if any(outcome.problems for outcome in outcomes) else 0)


def _outcomes(
    target: Target, host: Host, only: tuple[str, ...], past: Past | None, *, dry: bool
) -> Iterator[Outcome]:
    parts = Parts(target.resource, target.resource.setup(host, dry=dry), only)
    for name in parts:
        yield parts.sync(name)
    known = KnownTables(host.shared or host.state)
    if past is None:
        return
    for name in parts:
        outcome = parts.tell(name, (partial(_tell, event, known) for event in past.of(name)))
        yield replace(outcome, part=f"{name} since {short(past.since)}")


def _host(target: Target, instance: dg.DagsterInstance, store: HookStore | None, *, dry: bool) -> Host:
    """Where the hooks would be called. What is written is remembered as they do; of a dry run nothing is."""
    host = target.host(instance, store)
    if dry or store is None:
        return host
    memory = partial(PluginState, store, target.key, tell=_tells_nothing)
    return replace(host, state=memory(location=target.location.name), shared=memory(location=None))


def _tell(event: HookEvent, known: KnownTables, writer: Writer) -> None:
    known.learn(event)
    writer.handle(event)


def _tells_nothing(event: HookEvent) -> Told:
    raise NotImplementedError("nothing of OpenMetadata emits events")


def _say(target: Target, outcome: Outcome, *, dry: bool, as_json: bool) -> None:
    if as_json:
        where = {"location": target.location.name, "resource": target.key}
        print_json({**where, **outcome.document(dry=dry)})
        return
    if dry:
        for change in outcome.changes:
            click.echo(printable(f"  {change.method:5} {change.about}"))
    click.echo(printable(f"{target.name}: {outcome.said(dry=dry)}"))


def _say_unresolved(target: Target, host: Host) -> None:
    """Each time: what is missing there should not have to be found out."""
    number = sum(each.status == "unresolved" for each in target.resource.mapped(host))
    if number:
        what = "1 asset is" if number == 1 else f"{number} assets are"
        click.echo(
            f"{target.name}: {what} unresolved: phlo-hooks openmetadata mapping --unresolved", err=True
        )


def _conclude(outcomes: list[Outcome], *, dry: bool) -> None:
    problems = dict.fromkeys(each for outcome in outcomes for each in outcome.problems)
    if problems:
        click.echo(f"{len(problems)} not written:", err=True)
        for problem in problems:
            click.echo(printable(f"  {problem}"), err=True)
    elif not any(outcome.changes for outcome in outcomes):
        click.echo("nothing to write: OpenMetadata has all of it")
    elif dry:
        click.echo("nothing was written: this was a dry run")
