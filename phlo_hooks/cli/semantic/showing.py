"""`phlo-hooks semantic show`: all of one model, or metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.cli.options import json_option, location_option, resource_option, store_options
from phlo_hooks.cli.output import print_json, printable
from phlo_hooks.cli.semantic.layers import FoundLayer, find_layers, with_model


@click.command()
@click.argument("name")
@resource_option
@location_option
@json_option
@store_options
def show(
    choice: StoreChoice, name: str, resource_key: str | None, location: str | None, as_json: bool
) -> None:
    """Show a model or a metric: what it is made of, and on which assets it depends."""
    found = _found(find_layers(choice, resource_key, location), name)
    if as_json:
        print_json(found)
    else:
        for field, value in found.items():
            _print(field, value)


def _found(layers: Sequence[FoundLayer], name: str) -> dict[str, Any]:
    for layer in layers:
        for metric in layer.resource.list_metrics():
            if metric.name == name:
                return {"layer": layer.key, **asdict(metric)}
    layer, model = with_model(layers, name)
    return {"layer": layer.key, **asdict(model)}


def _print(field: str, value: Any) -> None:
    if value in (None, (), ""):
        return
    if isinstance(value, tuple) and isinstance(value[0], dict):
        click.echo(f"{field}:")
        for part in value:
            click.echo(printable(f"  {_part(part)}"))
    else:
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        click.echo(printable(f"{field}: {text}"))


def _part(part: dict[str, Any]) -> str:
    name, *rest = (str(value) for value in part.values() if value)
    return f"{name} ({', '.join(rest)})" if rest else name
