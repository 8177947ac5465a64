"""What a valid event must be besides, and no JSON Schema can say. Each rule yields (path, message)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import isfinite
from typing import Any

from phlo_hooks_tests.capabilities.openlineage.spec.formats import time_of

Found = tuple[str, str]

# What `Serde.to_json` writes instead of a Decimal, a set, or whatever else it does not know.
_LOST = "<<non-serializable: "


def broken(event: Mapping[str, Any]) -> Iterator[Found]:
    """Every rule that this event breaks. Its parts have the types that the schemas ask for."""
    yield from _not_json(event, "$")
    yield from _own_parent(event)
    yield from _nominal_time(event)
    for side in ("inputs", "outputs"):
        datasets = event.get(side, [])
        yield from _twice(datasets, f"$.{side}")
        for number, dataset in enumerate(datasets):
            yield from _dataset(dataset, f"$.{side}[{number}]")
    if "dataset" in event:
        yield from _dataset(event["dataset"], "$.dataset")


def _not_json(value: Any, path: str) -> Iterator[Found]:
    """NaN and Infinity, which Python writes, Java's parsers refuse; and what the client gave up writing."""
    if isinstance(value, float) and not isfinite(value):
        yield path, f"{value} is no JSON number"
    elif isinstance(value, str) and value.startswith(_LOST):
        yield path, f"the client could not write this value: {value}"
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _not_json(each, f"{path}.{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _not_json(each, f"{path}[{number}]")


def _own_parent(event: Mapping[str, Any]) -> Iterator[Found]:
    run = event.get("run", {})
    parent = run.get("facets", {}).get("parent")
    if parent and parent["run"]["runId"].lower() == run["runId"].lower():
        yield "$.run.facets.parent.run.runId", f"the run {run['runId']} is its own parent"


def _nominal_time(event: Mapping[str, Any]) -> Iterator[Found]:
    nominal = event.get("run", {}).get("facets", {}).get("nominalTime", {})
    if "nominalEndTime" not in nominal:
        return
    start, end = nominal["nominalStartTime"], nominal["nominalEndTime"]
    if time_of(end) < time_of(start):
        yield "$.run.facets.nominalTime.nominalEndTime", f"{end} is before the start, {start}"


def _twice(datasets: list[dict[str, Any]], path: str) -> Iterator[Found]:
    counts = Counter((each["namespace"], each["name"]) for each in datasets)
    for (namespace, name), count in counts.items():
        if count > 1:
            yield path, f"the dataset {namespace!r} {name!r} is in it {count} times"


def _dataset(dataset: dict[str, Any], path: str) -> Iterator[Found]:
    facets = dataset.get("facets", {})
    fields = facets.get("schema", {}).get("fields")
    if fields is None:
        return
    names = list(_column_names(fields))
    for name, again in pairwise(sorted(names)):
        if name == again:
            yield f"{path}.facets.schema.fields", f"the column {name!r} is in it more than once"
    known = set(names)
    for column in facets.get("columnLineage", {}).get("fields", {}):
        if column not in known:
            yield f"{path}.facets.columnLineage.fields", f"the schema facet has no column {column!r}"


def _column_names(fields: list[dict[str, Any]], prefix: str = "") -> Iterator[str]:
    """With those within: a nested one is written `address.street`."""
    for field in fields:
        yield prefix + field["name"]
        yield from _column_names(field.get("fields", []), f"{prefix}{field['name']}.")
