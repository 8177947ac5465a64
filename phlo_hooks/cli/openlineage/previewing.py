"""`phlo-hooks openlineage preview`: what would be sent. Nothing is sent or written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import click
import dagster as dg

from phlo_hooks.cli.history import readable, run_locations
from phlo_hooks.cli.opening import StoreChoice, find_store
from phlo_hooks.cli.openlineage.composing import Document, of_definitions, of_events
from phlo_hooks.cli.openlineage.printing import print_documents, print_summary
from phlo_hooks.cli.openlineage.setups import Setup, any_instance, find_setups
from phlo_hooks.cli.options import json_option, location_option, resource_option, store_options
from phlo_hooks.delivery.browsing import every_event
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.state import Host


@click.command()
@click.option("--asset", "assets", multiple=True, metavar="KEY", help="Only of this asset; may have * and ?.")
@click.option("--run", "run_id", metavar="ID", help="Of this run, instead of the definitions.")
@click.option("--summary", is_flag=True, help="A table: a line for each event.")
@resource_option
@location_option
@json_option
@store_options
def preview(
    choice: StoreChoice,
    assets: tuple[str, ...],
    run_id: str | None,
    summary: bool,
    resource_key: str | None,
    location: str | None,
    as_json: bool,
) -> None:
    """Print the OpenLineage events of the definitions, or of a run. Nothing is sent or written.

    Of a run, those that were sent, or that would be, with the names of datasets that are known now: from the
    store, or, if the store has nothing of it, from Dagster's own log. Needs no backend. Into a pipe, one JSON
    document for each line.
    """
    if summary and as_json:
        raise ConfigurationError("--summary is a table for people: give it or --json, not both")
    setups = find_setups(choice, resource_key, location)
    store = find_store(choice)
    with any_instance(bool(os.environ.get("DAGSTER_HOME"))) as instance:
        look = _Look(instance, store, assets)
        found = look.run(setups, run_id) if run_id else look.definitions(setups)
        number = print_summary(found) if summary else print_documents(found, as_json)
    if not number:
        click.echo("nothing is sent of it", err=True)


class _Look:
    """Composes what is asked for.

    Args:
        store: None where there is none: then nothing is remembered either.
        assets: keys or patterns; none for all.
    """

    def __init__(self, instance: dg.DagsterInstance, store: HookStore | None, assets: Sequence[str]) -> None:
        self._instance, self._store, self._assets = instance, store, assets

    def definitions(self, setups: Sequence[Setup]) -> Iterator[Document]:
        """Those of the asset graph."""
        for setup in setups:
            host = setup.host(self._instance, self._store)
            self._check(setup, host)
            yield from of_definitions(setup, host, self._wanted)

    def run(self, setups: Sequence[Setup], run_id: str) -> Iterator[Document]:
        """Those of a run, by the resources of its code location.

        Raises:
            ConfigurationError: nobody knows the run.
        """
        where = run_locations(self._instance)(run_id)
        own = [setup for setup in setups if where in (None, setup.location.name)]
        for setup in own or setups:
            host = setup.host(self._instance, self._store)
            self._check(setup, host)
            yield from of_events(setup, host, self._events(setup, run_id), self._wanted)

    def _events(self, setup: Setup, run_id: str) -> list[HookEvent]:
        bus = setup.location.runtime.bus(self._instance)
        found = self._recorded(run_id) or setup.location.runtime.read_run(self._instance, run_id)
        if not found:
            raise ConfigurationError(
                f"no run {run_id!r}: neither the hook store nor the Dagster instance in DAGSTER_HOME has it; "
                "give the whole id: phlo-hooks events list --type 'run.*' --json has them"
            )
        return [event for event in found if setup.hook in (each.qualified_name for each in bus.match(event))]

    def _recorded(self, run_id: str) -> list[HookEvent]:
        if self._store is None:
            return []
        records = every_event(self._store, Selection(run_id=run_id))
        return [event for _, event in readable(records)]

    def _wanted(self, key: str | None) -> bool:
        return not self._assets or any(fnmatchcase(key or "", pattern) for pattern in self._assets)

    def _check(self, setup: Setup, host: Host) -> None:
        """Refuse assets that there are not, or of which nothing is sent.

        Raises:
            ConfigurationError: the message says which.
        """
        keys, takes = host.assets.keys(), setup.resource.takes(host.select_assets)
        for pattern in self._assets:
            found = [key for key in keys if fnmatchcase(key, pattern)]
            if not found:
                raise ConfigurationError(
                    f"{setup.location.name} has no asset {pattern!r}{suggest(pattern, keys)}"
                )
            if not any(map(takes, found)):
                raise ConfigurationError(
                    f"nothing is sent of {pattern!r}: {setup.name} leaves it out by include or exclude"
                )
