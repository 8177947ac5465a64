"""What an edge of lineage says: ours put to what is there, and taken out again. Nothing here is sent.

`PUT /lineage` takes the place of all that an edge says. Source: `LineageRepository` of OpenMetadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from phlo_hooks.capabilities.openmetadata.fqn import parts
from phlo_hooks.capabilities.openmetadata.kept import digest

Details = dict[str, Any]
# (name of the upstream column, name of the column), each with its table
Pairs = frozenset[tuple[str, str]]
# What the server itself writes, anew each time.
_STAMPS = frozenset({"createdAt", "createdBy", "updatedAt", "updatedBy"})
SOURCE = "PipelineLineage"


@dataclass(frozen=True)
class Edge:
    """What Dagster says of an edge.

    Args:
        pipeline: a reference to the one that computes the table.
        sql: the statement that does; to be written where there is none, or an older one of ours.
    """

    columns: Pairs = frozenset()
    pipeline: Mapping[str, Any] | None = None
    sql: str | None = None


@dataclass(frozen=True)
class Wrote:
    """What of an edge is ours.

    Args:
        sql: a hash of the statement.
        created: whether there was no edge before.
    """

    columns: Pairs = frozenset()
    sql: str | None = None
    created: bool = False


def merged(there: Details | None, edge: Edge, gone: Pairs, wrote: Wrote, service: str) -> Details | None:
    """What the edge is to say: all that is there, and ours; None where it says so already.

    Args:
        there: what it says; None where there is no edge.
        edge: what it is to say, too.
        gone: columns that are to be taken out.
        wrote: what was ours.
        service: the name of our pipelines' service.
    """
    if there is None:
        return _known({"source": SOURCE, **_said(edge)})
    before = editable(there)
    after = {**before, "columnsLineage": _columns(before, edge.columns, gone)}
    if edge.pipeline and _is_ours(before.get("pipeline"), service):
        after["pipeline"] = dict(edge.pipeline)
    if edge.sql and (not before.get("sqlQuery") or digest(before["sqlQuery"]) == wrote.sql):
        after["sqlQuery"] = edge.sql
    return None if _same(before, after) else _known(after)


def after_writing(
    there: Details | None, details: Details | None, edge: Edge, gone: Pairs, wrote: Wrote
) -> Wrote:
    """What of the edge is ours by then.

    Args:
        there: what it said before.
        details: what was written; None where nothing was.
        edge, gone, wrote: as of `merged`.
    """
    before = there or {}
    columns = (wrote.columns | (edge.columns - pairs_of(before))) - gone
    sql = (details or before).get("sqlQuery")
    wrote_sql = digest(edge.sql) if edge.sql and sql == edge.sql != before.get("sqlQuery") else wrote.sql
    return Wrote(columns, wrote_sql, wrote.created or there is None)


def without(there: Details, wrote: Wrote, service: str) -> Details | None:
    """What the edge says without ours; None where nothing else is left of it."""
    rest = editable(there)
    rest["columnsLineage"] = _columns(rest, frozenset(), wrote.columns)
    if rest.get("pipeline") and _is_ours(rest["pipeline"], service):
        del rest["pipeline"]
    if rest.get("sqlQuery") and digest(rest["sqlQuery"]) == wrote.sql:
        del rest["sqlQuery"]
    told = any(rest.get(key) for key in ("columnsLineage", "pipeline", "sqlQuery", "description"))
    return None if wrote.created and rest.get("source") == SOURCE and not told else _known(rest)


def editable(there: Mapping[str, Any]) -> Details:
    """As it can be sent."""
    return {key: value for key, value in there.items() if value is not None and key not in _STAMPS}


def pairs_of(details: Mapping[str, Any]) -> Pairs:
    """The columns of an edge."""
    entries = details.get("columnsLineage") or []
    return frozenset(
        (column, each["toColumn"])
        for each in entries
        for column in each.get("fromColumns") or ()
        if each.get("toColumn")
    )


def _said(edge: Edge) -> Details:
    pipeline = dict(edge.pipeline) if edge.pipeline else None
    return {
        "columnsLineage": _columns({}, edge.columns, frozenset()),
        "pipeline": pipeline,
        "sqlQuery": edge.sql,
    }


def _columns(details: Mapping[str, Any], added: Pairs, gone: Pairs) -> list[dict[str, Any]]:
    """Entries keep their order and what else they say, such as a function."""
    kept = [_left(entry, gone - added) for entry in details.get("columnsLineage") or []]
    entries = [entry for entry in kept if entry is not None]
    missing = added - pairs_of({"columnsLineage": entries})
    for column in sorted({column for _, column in missing}):
        sources = sorted(source for source, target in missing if target == column)
        entry = next((each for each in entries if each.get("toColumn") == column), None)
        if entry is None:
            entries.append({"fromColumns": sources, "toColumn": column})
        else:
            entry["fromColumns"] = [*(entry.get("fromColumns") or ()), *sources]
    return entries


def _left(entry: Mapping[str, Any], gone: Pairs) -> dict[str, Any] | None:
    """An entry without some columns; None where it has lost all."""
    sources = list(entry.get("fromColumns") or ())
    left = [source for source in sources if (source, entry.get("toColumn")) not in gone]
    return None if sources and not left else {**entry, "fromColumns": left}


def _is_ours(pipeline: Mapping[str, Any] | None, service: str) -> bool:
    """Whether it may be replaced: there is none, or it is below our service."""
    return not pipeline or parts(pipeline.get("fullyQualifiedName") or "-")[0] == service


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _facts(one) == _facts(other)


def _facts(details: Mapping[str, Any]) -> tuple[Any, ...]:
    pipeline = details.get("pipeline") or {}
    return pairs_of(details), pipeline.get("id"), details.get("sqlQuery")


def _known(details: Iterable[Any] | Mapping[str, Any]) -> Details:
    told = {key: value for key, value in dict(details).items() if value is not None}
    if told.get("pipeline"):
        told["pipeline"] = {"id": told["pipeline"]["id"], "type": told["pipeline"].get("type", "pipeline")}
    return told
