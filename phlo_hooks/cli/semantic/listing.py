"""`phlo-hooks semantic list`: models, metrics, or which asset feeds what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click
import dagster as dg

from phlo_hooks.cli.opening import StoreChoice, find_store
from phlo_hooks.cli.options import json_option, location_option, resource_option, store_options
from phlo_hooks.cli.output import first_line, print_json, print_table
from phlo_hooks.cli.semantic.layers import FoundLayer, find_layers
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.semantics import places
from phlo_hooks.state import StateStore

Row = dict[str, Any]


@click.command("list")
@click.option("--metrics", is_flag=True, help="The metrics, instead of the models.")
@click.option("--assets", is_flag=True, help="The assets that are published, and what each feeds.")
@resource_option
@location_option
@json_option
@store_options
def list_(
    choice: StoreChoice,
    metrics: bool,
    assets: bool,
    resource_key: str | None,
    location: str | None,
    as_json: bool,
) -> None:
    """List the models of your semantic layers, and how their last refresh went.

    With --assets nothing is asked over a network: an asset that feeds no model says so.
    """
    if metrics and assets:
        raise ConfigurationError("--metrics and --assets are two lists: give one of them")
    layers = find_layers(choice, resource_key, location)
    if assets:
        rows = [row for layer in layers for row in _assets(layer)]
    elif metrics:
        rows = [row for layer in layers for row in _metrics(layer)]
    else:
        rows = [row for layer in layers for row in _models(layer, layer.state(find_store(choice)))]
    _print(rows, as_json)


def _print(rows: Iterable[Row], as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        for row in rows:
            print_json(row)
    elif rows:
        print_table(tuple(rows[0]), ([_shown(value) for value in row.values()] for row in rows))
    else:
        click.echo("nothing to list", err=True)


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str("" if value is None else value)


def _models(layer: FoundLayer, state: StateStore) -> Iterator[Row]:
    for model in layer.resource.list_models():
        yield {
            "layer": layer.key,
            "model": model.name,
            "metrics": list(model.metrics),
            "assets": list(model.assets),
            "last refresh": _last(state, model.name),
        }


def _last(state: StateStore, model: str) -> str | None:
    entry = state.get(places.last(model))
    if entry is None:
        return None
    said: Mapping[str, Any] = entry.value
    when = said["at"].replace("T", " ")[:19]
    return f"{when} UTC" if said["ok"] else f"{when} UTC failed: {first_line(said['error'])}"


def _metrics(layer: FoundLayer) -> Iterator[Row]:
    for metric in layer.resource.list_metrics():
        yield {
            "layer": layer.key,
            "metric": metric.name,
            "type": metric.type,
            "models": list(metric.models),
            "assets": list(metric.assets),
            "description": metric.description,
        }


def _assets(layer: FoundLayer) -> Iterator[Row]:
    with dg.DagsterInstance.ephemeral() as instance:
        graph = layer.location.runtime.assets(instance)
        feeds = layer.resource.models_by_asset(graph)
        for key in sorted({*graph.keys(), *feeds}):
            info = graph.asset(key)
            stage = info.stage if info else None
            if key in feeds or stage in layer.resource.stages:
                yield {
                    "layer": layer.key,
                    "asset": key,
                    "models": list(feeds.get(key, ())),
                    "status": _status(stage, bool(feeds.get(key)), layer.resource.stages),
                }


def _status(stage: str | None, feeds: bool, stages: list[str]) -> str:
    if not feeds:
        return "feeds no model"
    if stage is None:
        return "not in these definitions"
    if stage in stages:
        return "refreshes"
    return f"never refreshes: its stage is {stage}, stages is {', '.join(stages)}"
