"""What dagster-dlt leaves in Dagster's log, and one line that puts there what it leaves out.

Only metadata, specs and errors are read: neither dagster-dlt nor dlt has to be installed.

dagster-dlt records the rows of an asset's own table, its jobs, and the columns as they are now. Not the rows
of nested tables, not what the load changed in the schema, and its id only in the paths of its files.
`with_load_details` adds those.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import dagster as dg

from phlo_hooks.producers.metadata import (
    Column,
    MaterializationFacts,
    columns_of,
    facts,
    first,
    number,
    text,
    whole,
)

logger = logging.getLogger("phlo_hooks.dlt")

DETAILS_KEY = "phlo_hooks/dlt_load"

_MARKS = frozenset({"destination_type", "destination_name", "dataset_name", "first_run", "jobs"})
_LOAD_ID = re.compile(r"[/\\]load[/\\]\w+[/\\]([^/\\]+)[/\\]\w+_jobs[/\\]")
# Jobs of these formats move what an earlier job has brought to the destination.
_FOLLOW_UPS = frozenset({"sql", "reference"})

_STAGE = re.compile(r"at `step=(\w+)`")
_FAILED_LOAD = re.compile(r"with `load_id=([^`]+)`")
_RESOURCE = re.compile(r"extraction of resource `([^`]+)`")
_JOB = re.compile(r"`job_id=([^.`]+)\.[^`]*`")

K = TypeVar("K")
Jobs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class TableChange:
    """What a load changed in the schema of one table."""

    table: str
    is_new: bool
    added: tuple[Column, ...]


@dataclass(frozen=True)
class DltFacts:
    """The load of one dlt resource.

    `table.rows` are the rows that this load brought, `table_rows` those that the table has now, where
    dagster-dlt was asked to count them. `schema_changes` is None where the log does not say.
    """

    table: MaterializationFacts
    load_ids: tuple[str, ...] = ()
    table_rows: int | None = None
    rows_by_table: Mapping[str, int] = field(default_factory=dict)
    nested_columns: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    schema_changes: tuple[TableChange, ...] | None = None
    seconds_by_stage: Mapping[str, float] = field(default_factory=dict)
    destination: str | None = None
    dataset: str | None = None
    first_run: bool = False

    @property
    def no_data(self) -> bool:
        """Whether the source had nothing to load."""
        return self.table.rows == 0


class DltNames(NamedTuple):
    """What dlt calls an asset; the table is None where the resource names its tables as it goes."""

    resource: str
    table: str | None


@dataclass(frozen=True)
class DltFailure:
    """Why a load failed. dlt names the resource while it extracts, and the table from then on."""

    stage: str
    message: str
    error_class: str | None
    load_id: str | None = None
    resource: str | None = None
    table: str | None = None

    def failed_assets(self, planned: Mapping[K, DltNames]) -> frozenset[K]:
        """Those of the planned assets that failed themselves; the others were not loaded on their account.

        All of them, when the failure is of none in particular: no destination, or a resource without asset.
        """
        own = frozenset(key for key, names in planned.items() if self._is_of(names))
        return own or frozenset(planned)

    def _is_of(self, names: DltNames) -> bool:
        if self.resource is not None or names.table is None:
            return self.resource == names.resource
        return f"{self.table}__".startswith(f"{names.table}__")


class RecordedError(Protocol):
    """An error as Dagster records it: `SerializableErrorInfo`."""

    @property
    def message(self) -> str:
        """Class and text, as Python prints them."""

    @property
    def cls_name(self) -> str | None:
        """The class, without its module."""

    @property
    def cause(self) -> RecordedError | None:
        """The error that this one was raised from."""


def is_dlt(metadata: Mapping[str, Any]) -> bool:
    """Whether dagster-dlt wrote this metadata of a materialization."""
    return metadata.keys() >= _MARKS


def dlt_facts(metadata: Mapping[str, Any]) -> DltFacts | None:
    """What a materialization says that dagster-dlt made; None of any other."""
    if not is_dlt(metadata):
        return None
    said = first(metadata, DETAILS_KEY)
    details = said if isinstance(said, dict) else {}
    jobs = _jobs(metadata)
    table = _table(metadata, jobs, details)
    return DltFacts(
        table=table,
        load_ids=tuple(details.get("load_ids", ())) or _load_ids(jobs),
        table_rows=facts(metadata).rows,
        rows_by_table=details.get("rows") or _root_rows(table.rows, jobs),
        nested_columns=_nested_columns(metadata),
        schema_changes=_schema_changes(details),
        seconds_by_stage=details.get("seconds", {}),
        destination=text(first(metadata, "destination_name")),
        dataset=text(first(metadata, "dataset_name")),
        first_run=first(metadata, "first_run") is True,
    )


def dlt_failure(error: RecordedError | None) -> DltFailure | None:
    """What a step's error says of a dlt load; None when it is not dlt's."""
    chain = list(_from_pipeline(error))
    if not chain:
        return None
    said = "\n".join(each.message for each in chain)
    return DltFailure(
        stage=_found(_STAGE, said) or "run",
        message=_own_message(chain[-1]),
        error_class=chain[-1].cls_name,
        load_id=_found(_FAILED_LOAD, said),
        resource=_found(_RESOURCE, said),
        table=_found(_JOB, said),
    )


def names_by_asset(spec_metadata: Mapping[str, Any]) -> dict[str, DltNames]:
    """What dlt calls each asset of a `@dlt_assets`, by asset key; empty when dlt does not load it.

    Args:
        spec_metadata: of the spec of any of its assets.
    """
    source, translator = (spec_metadata.get(f"dagster_dlt/{key}") for key in ("source", "translator"))
    if source is None or translator is None:
        return {}
    from dagster_dlt.translator import DltResourceTranslatorData

    pipeline = spec_metadata.get("dagster_dlt/pipeline")
    specs = (
        (resource, translator.get_asset_spec(DltResourceTranslatorData(resource=resource, pipeline=pipeline)))
        for resource in source.resources.values()
    )
    return {spec.key.to_user_string(): _names(source, resource) for resource, spec in specs}


def with_load_details(
    events: Iterable[Any], context: dg.AssetExecutionContext, pipeline: Any = None
) -> Iterator[Any]:
    """The results of `DagsterDltResource.run`, each with what dagster-dlt leaves out of its metadata.

        yield from with_load_details(dlt.run(context=context), context)

    Args:
        events: the results; `fetch_row_count()` may have been called on them.
        context: of the step.
        pipeline: the one that was run, where `run` was given another than `@dlt_assets` was.
    """
    spec_metadata = next(iter(context.assets_def.specs)).metadata
    names, ran = names_by_asset(spec_metadata), pipeline or spec_metadata.get("dagster_dlt/pipeline")
    for event in events:
        yield event._replace(metadata={**(event.metadata or {}), **_details(event, names, ran)})


def load_details(pipeline: Any, resource: str) -> dict[str, Any]:
    """What the last run of a dlt pipeline did to the tables of one resource, as plain JSON."""
    trace = pipeline.last_trace
    tables = {name: each for schema in pipeline.schemas.values() for name, each in schema.tables.items()}
    roots = [name for name, table in tables.items() if table.get("resource") == resource]
    own = [name for name in tables if _root(tables, name) in roots]
    counted = trace.last_normalize_info.row_counts
    updates = {
        name: update
        for package in trace.last_load_info.load_packages
        for name, update in package.schema_update.items()
    }
    return {
        "load_ids": list(trace.last_load_info.loads_ids),
        "tables": roots,
        "rows": {name: counted[name] for name in own if name in counted},
        "changes": {name: _change(updates[name], tables[name]) for name in own if name in updates},
        "seconds": {step.step: _elapsed(step.started_at, step.finished_at) for step in trace.steps},
    }


def _details(event: Any, names: Mapping[str, DltNames], pipeline: Any) -> dict[str, Any]:
    try:
        named = names.get(event.asset_key.to_user_string())
        if named is None or not _is_of_last_run(event.metadata, pipeline):
            return {}
        return {DETAILS_KEY: dg.MetadataValue.json(load_details(pipeline, named.resource))}
    except Exception:
        # The data is loaded: the step must not fail over what is said of it.
        logger.exception("%s: dlt's trace could not be read", event.asset_key)
        return {}


def _table(metadata: Mapping[str, Any], jobs: Jobs, details: Mapping[str, Any]) -> MaterializationFacts:
    sizes = [whole(job.get("file_size")) or 0 for job in jobs if job.get("file_format") not in _FOLLOW_UPS]
    return replace(
        facts(metadata),
        rows=_rows(metadata, jobs, details),
        bytes=sum(sizes) if sizes else None,
        seconds=_seconds(metadata),
        table_name=_table_name(metadata, jobs),
    )


def _rows(metadata: Mapping[str, Any], jobs: Jobs, details: Mapping[str, Any]) -> int | None:
    """The rows that were loaded. A 0 is believed only where no file was: dlt counts 0 in imported files."""
    counted = details.get("rows", {})
    roots = sum(counted.get(table, 0) for table in details.get("tables", ()))
    loaded = whole(first(metadata, "rows_loaded")) or roots
    if loaded:
        return loaded
    # A table that nobody has seen may be one that the resource named as it went.
    is_known = details.get("tables") or columns_of(metadata.get("dagster/column_schema"))
    return 0 if not jobs and (is_known or "started_at" not in metadata) else None


def _root_rows(rows: int | None, jobs: Jobs) -> dict[str, int]:
    return {str(jobs[0].get("table_name")): rows} if jobs and rows is not None else {}


def _jobs(metadata: Mapping[str, Any]) -> Jobs:
    jobs = first(metadata, "jobs")
    return [job for job in jobs if isinstance(job, dict)] if isinstance(jobs, list) else []


def _load_ids(jobs: Jobs) -> tuple[str, ...]:
    found = (_LOAD_ID.search(str(job.get("file_path"))) for job in jobs)
    return tuple(dict.fromkeys(match[1] for match in found if match))


def _table_name(metadata: Mapping[str, Any], jobs: Jobs) -> str | None:
    """`raw.orders`. dagster-dlt's own name for it has dlt's schema in it instead of the dataset."""
    said = facts(metadata).table_name
    table = jobs[0].get("table_name") if jobs else said and said.rpartition(".")[2]
    dataset = text(first(metadata, "dataset_name"))
    return f"{dataset}.{table}" if table and dataset else text(table)


def _seconds(metadata: Mapping[str, Any]) -> float | None:
    """How long loading took; extracting and normalizing came before, and are in no one's log."""
    started, finished = first(metadata, "started_at"), first(metadata, "finished_at")
    try:
        return number(_elapsed(datetime.fromisoformat(started), datetime.fromisoformat(finished)))
    except (TypeError, ValueError):
        return None


def _elapsed(started: datetime, finished: datetime | None) -> float | None:
    return (finished - started).total_seconds() if finished else None


def _nested_columns(metadata: Mapping[str, Any]) -> dict[str, tuple[Column, ...]]:
    found = {key: columns_of(value) for key, value in metadata.items() if "__" in key}
    return {table: columns for table, columns in found.items() if columns}


def _schema_changes(details: Mapping[str, Any]) -> tuple[TableChange, ...] | None:
    if "changes" not in details:
        return None
    return tuple(
        TableChange(table, change["new"], tuple(Column(*each) for each in change["columns"].items()))
        for table, change in details["changes"].items()
    )


def _change(update: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    added = update.get("columns", {})
    return {
        "new": added.keys() >= table["columns"].keys(),
        "columns": {name: column.get("data_type") for name, column in added.items()},
    }


def _is_of_last_run(metadata: Mapping[str, Any] | None, pipeline: Any) -> bool:
    """Whether the trace tells of the load that gave this metadata; another pipeline may have run."""
    info = getattr(getattr(pipeline, "last_trace", None), "last_load_info", None)
    if info is None or not metadata or not is_dlt(metadata):
        return False
    started = str(info.started_at) if info.started_at else None
    return started == text(first(metadata, "started_at"))


def _root(tables: Mapping[str, Any], name: str) -> str:
    parent = tables[name].get("parent")
    return _root(tables, parent) if parent else name


def _names(source: Any, resource: Any) -> DltNames:
    table = resource.table_name
    named = None if callable(table) else source.schema.naming.normalize_table_identifier(str(table))
    return DltNames(resource.name, named)


def _from_pipeline(error: RecordedError | None) -> Iterator[RecordedError]:
    is_ours = False
    while error is not None:
        is_ours = is_ours or error.cls_name == "PipelineStepFailed"
        if is_ours:
            yield error
        error = error.cause


def _own_message(error: RecordedError) -> str:
    said = error.message.strip()
    head, separator, rest = said.partition(": ")
    return rest if separator and head.rpartition(".")[2] == error.cls_name else said


def _found(pattern: re.Pattern[str], said: str) -> str | None:
    match = pattern.search(said)
    return match[1] if match else None
