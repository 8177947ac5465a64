"""OpenLineage events for people and machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import click

from phlo_hooks.cli.output import print_json, print_table, printable, to_terminal

COLUMNS = ("event", "job", "run", "inputs -> outputs", "facets")
_FACETS = ("facets", "inputFacets", "outputFacets")
# As much of a run id as tells it from others on a screen.
_SHORT = 8


def print_documents(documents: Iterable[dict[str, Any]], as_json: bool) -> int:
    """One line for each, or, to a terminal, one block; how many there were."""
    number = 0
    for each in documents:
        number += 1
        if as_json or not to_terminal():
            print_json(each)
        else:
            click.echo(json.dumps(each, indent=2))
    return number


def print_summary(documents: Iterable[dict[str, Any]]) -> int:
    """A table with a row for each, and the namespaces that the names are in; how many there were."""
    rows, jobs, datasets = list[tuple[str, ...]](), set[_Name](), set[_Name]()
    for each in documents:
        rows.append(_row(each))
        jobs |= {_key(each["job"])} if "job" in each else set()
        datasets |= set(map(_key, _datasets(each)))
    print_table(COLUMNS, rows)
    for kind, names in (("jobs", jobs), ("datasets", datasets)):
        for namespace, number in sorted(Counter(namespace for namespace, _ in names).items()):
            click.echo(printable(f"{kind} in {namespace}: {number}"))
    return len(rows)


_Name = tuple[str, str]


def _row(event: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(event.get("eventType") or ("dataset" if "dataset" in event else "job")),
        event["job"]["name"] if "job" in event else "",
        str(event.get("run", {}).get("runId", ""))[:_SHORT],
        event["dataset"]["name"] if "dataset" in event else _flow(event),
        ", ".join(sorted(set(_facets(event)))),
    )


def _flow(event: dict[str, Any]) -> str:
    sides = (", ".join(each["name"] for each in event.get(side) or ()) for side in ("inputs", "outputs"))
    return " -> ".join(sides).strip()


def _datasets(event: dict[str, Any]) -> list[dict[str, Any]]:
    alone = [event["dataset"]] if "dataset" in event else []
    return [*alone, *(event.get("inputs") or ()), *(event.get("outputs") or ())]


def _key(thing: dict[str, Any]) -> _Name:
    return thing["namespace"], thing["name"]


def _facets(event: dict[str, Any]) -> Iterator[str]:
    for part in (*(event[name] for name in ("run", "job") if name in event), *_datasets(event)):
        for kind in _FACETS:
            yield from part.get(kind) or ()
