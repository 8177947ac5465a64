"""`phlo-hooks semantic query`: what metrics come to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import click

from phlo_hooks.cli.opening import StoreChoice
from phlo_hooks.cli.options import json_option, location_option, resource_option, store_options
from phlo_hooks.cli.output import print_json, print_table
from phlo_hooks.cli.semantic.layers import Queryable, find_layers
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.semantics.provider import QueryResult


@click.command()
@click.argument("metrics", nargs=-1, required=True)
@click.option("--group-by", multiple=True, metavar="DIMENSION", help="May be given more than once.")
@click.option("--where", multiple=True, metavar="FILTER", help="As MetricFlow writes it.")
@click.option("--order-by", multiple=True, metavar="NAME", help="-NAME for descending.")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="At most so many rows.")
@click.option("--sql", is_flag=True, help="Also the statement, to the standard error.")
@resource_option
@location_option
@json_option
@store_options
def query(
    choice: StoreChoice,
    metrics: tuple[str, ...],
    group_by: tuple[str, ...],
    where: tuple[str, ...],
    order_by: tuple[str, ...],
    limit: int | None,
    sql: bool,
    resource_key: str | None,
    location: str | None,
    as_json: bool,
) -> None:
    """Ask for METRICS, such as: semantic query cancellation_rate --group-by flight__carrier."""
    layers = find_layers(choice, resource_key, location)
    able = [each.resource for each in layers if isinstance(each.resource, Queryable)]
    if not able:
        keys = ", ".join(each.key for each in layers)
        raise ConfigurationError(f"{keys}: answers no queries here; a DbtSemanticLayerResource does")
    if len(able) > 1:
        raise ConfigurationError("several semantic layers answer queries: say which with --resource KEY")
    result = able[0].query(metrics, group_by, where, order_by, limit)
    if sql:
        click.echo(result.sql, err=True)
    _print(result, as_json)


def _print(result: QueryResult, as_json: bool) -> None:
    if not as_json:
        print_table(result.columns, ([_text(value) for value in row] for row in result.rows))
        return
    for row in result.rows:
        print_json({name: _json(value) for name, value in zip(result.columns, row, strict=True)})


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _json(value: Any) -> Any:
    """Numbers and texts as they are; decimals as numbers, dates as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return float(value) if isinstance(value, Decimal) else str(value)
