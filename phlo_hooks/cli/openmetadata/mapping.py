"""`phlo-hooks openmetadata mapping`: which asset is which table. Needs no server and no token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import click
import dagster as dg

from phlo_hooks.capabilities.openmetadata.mapping import MappedAsset
from phlo_hooks.cli.opening import StoreChoice, find_store
from phlo_hooks.cli.openmetadata.setups import Target, find_targets
from phlo_hooks.cli.options import json_option, location_option, resource_option, store_options
from phlo_hooks.cli.output import print_json, print_table
from phlo_hooks.delivery.store import HookStore

COLUMNS = ("asset", "status", "rule", "table, or what to do")
_Row = tuple[Target, MappedAsset]


@click.command()
@click.option("--unresolved", is_flag=True, help="Only the unresolved; the exit code is 1 if there are any.")
@resource_option
@location_option
@json_option
@store_options
def mapping(
    choice: StoreChoice, unresolved: bool, resource_key: str | None, location: str | None, as_json: bool
) -> None:
    """List each asset as mapped to a table, ignored, or unresolved, and by which rule.

    Needs no server, no token and no instance; where there is a store, what materializations have told of
    their tables is known, too.
    """
    rows = list(_rows(find_targets(choice, resource_key, location), find_store(choice)))
    wanted = [row for row in rows if not unresolved or row[1].status == "unresolved"]
    _print(wanted, as_json)
    if not as_json:
        click.echo(_summary(rows), err=True)
    if unresolved and wanted:
        raise click.exceptions.Exit(1)


def _rows(targets: Iterable[Target], store: HookStore | None) -> Iterator[_Row]:
    with dg.DagsterInstance.ephemeral() as instance:
        for target in targets:
            host = target.host(instance, store)
            for each in target.resource.mapped(host):
                yield target, each


def _print(rows: Iterable[_Row], as_json: bool) -> None:
    if not as_json:
        print_table(COLUMNS, (_line(each) for _, each in rows))
        return
    for target, each in rows:
        print_json(_document(target, each))


def _line(each: MappedAsset) -> tuple[str, ...]:
    return each.asset_key, each.status, each.rule, each.fqn or each.advice or ""


def _document(target: Target, each: MappedAsset) -> dict[str, Any]:
    return {"location": target.location.name, "resource": target.key, **asdict(each)}


def _summary(rows: Iterable[_Row]) -> str:
    found = Counter(each.status for _, each in rows)
    return f"{found['mapped']} mapped, {found['ignored']} ignored, {found['unresolved']} unresolved"
