"""OpenLineage events for people and machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import click

from phlo_hooks.cli.output import print_json, print_table, to_terminal

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
    """A table with a row for each; how many there were."""
    rows = [_row(each) for each in documents]
    print_table(COLUMNS, rows)
    return len(rows)


def _row(event: dict[str, Any]) -> tuple[str, ...]:
    ends = (", ".join(_name(each) for each in event.get(side) or ()) for side in ("inputs", "outputs"))
    return (
        _kind(event),
        _name(event["job"]) if "job" in event else "",
        str(event.get("run", {}).get("runId", ""))[:_SHORT],
        _name(event["dataset"]) if "dataset" in event else " -> ".join(ends).strip(),
        ", ".join(sorted(set(_facets(event)))),
    )


def _kind(event: dict[str, Any]) -> str:
    kind = "dataset" if "dataset" in event else "job"
    return str(event.get("eventType") or kind)


def _name(thing: dict[str, Any]) -> str:
    return f"{thing['namespace']}/{thing['name']}"


def _facets(event: dict[str, Any]) -> Iterator[str]:
    singles = (event[part] for part in ("run", "job", "dataset") if part in event)
    for part in (*singles, *(event.get("inputs") or ()), *(event.get("outputs") or ())):
        for kind in _FACETS:
            yield from part.get(kind) or ()
