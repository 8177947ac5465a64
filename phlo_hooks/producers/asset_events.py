"""Ingestion, transform and publish events, and the lineage that comes with a materialization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from phlo_hooks.events import (
    AssetEvent,
    HookEvent,
    IngestionEvent,
    LineageEvent,
    PublishEvent,
    SchemaChangeEvent,
    TransformEvent,
)
from phlo_hooks.identity import follow_up_id
from phlo_hooks.producers.catalog import AssetFacts, key_text
from phlo_hooks.producers.dbt_sql import SQL_KEY, sql_of
from phlo_hooks.producers.declared import Declared
from phlo_hooks.producers.measured import added_columns, column_edges, measured
from phlo_hooks.producers.metadata import columns_of, edges_of, facts, plain
from phlo_hooks.producers.runlog import STEP_ENDS, Planned, Recorded
from phlo_hooks.producers.stages import Stage

if TYPE_CHECKING:
    from phlo_hooks.producers.translate import AttemptOutcome, Place

_INPUT_VERSION = "dagster/input_data_version/"
_CLASSES: dict[Stage, type[AssetEvent]] = {
    Stage.INGESTION: IngestionEvent,
    Stage.TRANSFORM: TransformEvent,
    Stage.PUBLISH: PublishEvent,
}


def start(place: Place, planned: Planned, when: datetime) -> AssetEvent:
    """The `.start` event of an asset whose step has begun."""
    return _event(place, planned, "start", when, status="started")


def missing(place: Place, planned: Planned, last: Recorded, outcome: AttemptOutcome) -> AssetEvent:
    """The `.end` event of an asset that was planned and is not there."""
    failed, by_step = outcome.status == "failure", last.type in STEP_ENDS
    return _event(
        place,
        planned,
        "end",
        last.timestamp,
        status=outcome.status,
        started_at=place.started_at,
        error=outcome.error if outcome.status != "skipped" else None,
        will_retry=outcome.will_retry,
        run_may_retry=place.run.may_retry(step_failed=by_step) if failed else None,
    )


def materialized(place: Place, record: Recorded) -> Iterator[HookEvent]:
    """The `.end` event of a materialization, and its lineage where it has any."""
    data: Any = record.event.event_specific_data
    # Outside a step nothing but Dagster's own storage tells two alike things apart.
    ordinal = record.storage_id if place.step_key is None else None
    ended = end(place, data.materialization, record.timestamp, ordinal)
    yield ended
    yield from _lineage(place, data.materialization, record.timestamp, ordinal)
    yield from _schema_changes(ended, data.materialization)


def end(
    place: Place,
    materialization: dg.AssetMaterialization,
    when: datetime,
    ordinal: int | None = None,
) -> AssetEvent:
    """The `.end` event of an asset that is there."""
    planned = Planned(key_text(materialization.asset_key), materialization.partition)
    asset = place.catalog.asset(planned.asset_key)
    return _event(
        place,
        planned,
        "end",
        when,
        ordinal=ordinal,
        status="success",
        started_at=place.started_at,
        metadata=_told(materialization.metadata),
        **measured(asset, materialization.metadata),
        **_versions(materialization.tags or {}),
    )


def _told(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata without the tables' columns and SQL, which fields of their own have: a wide one would be
    twice as large, and be cut.
    """
    elsewhere = {
        "dagster/column_schema": columns_of(metadata.get("dagster/column_schema")),
        "dagster/column_lineage": edges_of(metadata.get("dagster/column_lineage")),
        SQL_KEY: sql_of(metadata),
    }
    return plain({key: value for key, value in metadata.items() if not elsewhere.get(key)})


def _versions(tags: Mapping[str, str]) -> dict[str, Any]:
    """What Dagster itself notes on a materialization: of what code and data it is, and from what data."""
    inputs = {
        key.removeprefix(_INPUT_VERSION): value
        for key, value in tags.items()
        if key.startswith(_INPUT_VERSION)
    }
    return {
        "data_version": tags.get("dagster/data_version"),
        "code_version": tags.get("dagster/code_version"),
        "input_versions": inputs,
    }


def _event(
    place: Place,
    planned: Planned,
    phase: str,
    when: datetime,
    *,
    ordinal: int | None = None,
    **fields: Any,
) -> AssetEvent:
    asset = place.catalog.asset(planned.asset_key)
    envelope = place.envelope(
        f"{asset.stage.value}.{phase}",
        when,
        asset_key=planned.asset_key,
        partition_key=planned.partition_key,
        ordinal=ordinal,
    )
    described = {**_described(asset), **{key: value for key, value in fields.items() if value is not None}}
    tags = {**place.run.own_tags, **asset.tags}
    return _CLASSES[asset.stage](**envelope, **described, tags=tags)


def _described(asset: AssetFacts) -> dict[str, Any]:
    """What the definitions alone say of an asset."""
    common = {"group_name": asset.group, "kinds": asset.kinds, "owners": asset.owners}
    declared, table = asset.declared, asset.metadata.get("dagster/table_name")
    named = (declared.table if declared else None) or (str(table) if table else None)
    if asset.stage is Stage.PUBLISH:
        return {**common, **_published(declared)}
    if asset.stage is Stage.TRANSFORM:
        common = {**common, "tool": (declared.tool if declared else None) or asset.tool}
    return {**common, "table_name": named}


def _published(declared: Declared | None) -> dict[str, Any]:
    if declared is None:
        return {}
    return {"target_system": declared.target_system, "tables": dict(declared.tables)}


def _lineage(
    place: Place, materialization: dg.AssetMaterialization, when: datetime, ordinal: int | None
) -> Iterator[HookEvent]:
    key = key_text(materialization.asset_key)
    columns = column_edges(facts(materialization.metadata))
    # A column can come from an asset that the definitions do not list as a dependency.
    upstream = dict.fromkeys((*place.catalog.asset(key).upstream, *(edge.upstream_asset for edge in columns)))
    if upstream:
        envelope = place.envelope(
            "lineage.edges",
            when,
            asset_key=key,
            partition_key=materialization.partition,
            ordinal=ordinal,
        )
        edges = tuple((each, key) for each in upstream)
        yield LineageEvent(**envelope, edges=edges, column_edges=columns)


def _schema_changes(ended: AssetEvent, materialization: dg.AssetMaterialization) -> Iterator[HookEvent]:
    """What the load itself says it changed in a table that was there before."""
    added = added_columns(materialization.metadata)
    if added:
        # The id that the schema monitor would give it, too: one change, one event, whoever notices it.
        yield SchemaChangeEvent(
            event_id=follow_up_id("schema.changed", ended.event_id),
            event_type="schema.changed",
            timestamp=ended.timestamp,
            producer=ended.producer,
            tags=ended.tags,
            correlation=ended.correlation.model_copy(update={"causation_id": ended.event_id}),
            asset_key=ended.asset_key or "",
            group_name=ended.group_name,
            kinds=ended.kinds,
            owners=ended.owners,
            added=added,
        )
