"""`phlo-hooks semantic refresh`: bring a layer up to date, now."""

from __future__ import annotations

import click
import dagster as dg

from phlo_hooks.cli.loading import open_instance
from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.cli.options import location_option, resource_option, store_options
from phlo_hooks.cli.output import printable
from phlo_hooks.cli.semantic.asking import Asked
from phlo_hooks.cli.semantic.layers import FoundLayer, find_layers
from phlo_hooks.semantics.bundle import Bundle
from phlo_hooks.semantics.by_hand import refresh_by_hand
from phlo_hooks.semantics.hooks import desk_of
from phlo_hooks.semantics.provider import Progress


@click.command()
@click.option("--model", "models", multiple=True, metavar="NAME", help="May be given more than once.")
@click.option("--asset", "assets", multiple=True, metavar="KEY", help="All that this asset feeds.")
@click.option("--partition", metavar="KEY", help="Of the asset: no more than the time that it is about.")
@click.option("--recompile", is_flag=True, help="Have the layer build its own model first.")
@click.option("--dry-run", is_flag=True, help="Say what would be refreshed.")
@click.option("--force", is_flag=True, help="Also while another refresh is under way.")
@resource_option
@location_option
@store_options
def refresh(
    choice: StoreChoice,
    models: tuple[str, ...],
    assets: tuple[str, ...],
    partition: str | None,
    recompile: bool,
    dry_run: bool,
    force: bool,
    resource_key: str | None,
    location: str | None,
) -> None:
    """Refresh models, those that assets feed, or all of them; what is ready anyway comes along.

    Waits for the end, and ends with 1 if it fails. It is told as of any refresh.
    """
    asked = Asked(models, assets, partition, recompile)
    layers = find_layers(choice, resource_key, location)
    with open_instance() as instance:
        asked.check(layer.feeds(instance) for layer in layers)
        works = [(layer, asked.bundle(layer.feeds(instance), layer.assets(instance))) for layer in layers]
        works = [(layer, bundle) for layer, bundle in works if bundle]
        for layer, bundle in works:
            _say(layer, bundle)
        ends = [] if dry_run else [_refreshed(layer, bundle, instance, force) for layer, bundle in works]
    if any(ended.state == "failed" for ended in ends):
        raise click.exceptions.Exit(1)


def _refreshed(layer: FoundLayer, bundle: Bundle, instance: dg.DagsterInstance, force: bool) -> Progress:
    keeper = desk_of(layer.resource.hooks_on(layer.place(instance))).keeper()
    return refresh_by_hand(keeper, bundle, force=force, report=lambda progress: _report(layer, progress))


def _say(layer: FoundLayer, bundle: Bundle) -> None:
    when = bundle.date_range
    days = f", {when.start:%Y-%m-%d %H:%M} to before {when.end:%Y-%m-%d %H:%M}" if when else ""
    first = "recompile, and refresh" if bundle.recompile else "refresh"
    click.echo(f"{layer.key}: {first} {', '.join(bundle.models)}{days}")


def _report(layer: FoundLayer, progress: Progress) -> None:
    error = f": {progress.error}" if progress.error else ""
    click.echo(printable(f"{layer.key}: {progress.state}{error}"), err=progress.state == "failed")
