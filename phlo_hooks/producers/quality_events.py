"""Check results, observations and freshness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from phlo_hooks.event_parts import OBSERVATION
from phlo_hooks.events import FreshnessEvent, HookEvent, QualityResultEvent, TelemetryEvent
from phlo_hooks.producers.catalog import key_text
from phlo_hooks.producers.dbt import TOOL, QualityFacts, quality_facts, quality_from_observation
from phlo_hooks.producers.metadata import plain
from phlo_hooks.producers.runlog import Planned, Recorded

if TYPE_CHECKING:
    from phlo_hooks.producers.translate import AttemptOutcome, Place


def evaluated(place: Place, record: Recorded) -> QualityResultEvent:
    """The result of a check, as Dagster recorded it."""
    data: Any = record.event.event_specific_data
    return evaluation(place, data, record.timestamp, _ordinal(place, record))


def evaluation(
    place: Place, data: dg.AssetCheckEvaluation, when: datetime, ordinal: int | None = None
) -> QualityResultEvent:
    """The result of a check that was evaluated."""
    # Dagster 1.12.0 does not know partitions of checks yet.
    partition = getattr(data, "partition", None)
    planned = Planned(key_text(data.asset_key), partition, data.check_name)
    dbt = quality_facts(data.metadata)
    # dbt could not even run the test: Dagster has it as not passed, which is another thing.
    crashed = dbt is not None and dbt.crashed
    return _quality(
        place,
        planned,
        "quality.error" if crashed else "quality.result",
        when,
        ordinal,
        passed=None if crashed else data.passed,
        severity=data.severity.value,
        blocking=data.blocking,
        check_type=TOOL if dbt else None,
        description=data.description,
        metadata=plain(data.metadata),
    )


def crashed(place: Place, planned: Planned, end: Recorded, outcome: AttemptOutcome) -> QualityResultEvent:
    """A check that was planned, began, and gave no result."""
    return _quality(place, planned, "quality.error", end.timestamp, severity="ERROR", error=outcome.error)


def observed(place: Place, record: Recorded) -> HookEvent:
    """An observation of an asset, as a measurement; of a dbt test that is no asset check, as its result."""
    data: Any = record.event.event_specific_data
    observation = data.asset_observation
    test = quality_from_observation(observation)
    if test is not None:
        return _observed_test(place, record, observation, test)
    key = key_text(observation.asset_key)
    envelope = place.envelope(
        "telemetry.metric",
        record.timestamp,
        asset_key=key,
        partition_key=observation.partition,
        subject=OBSERVATION,
        ordinal=_ordinal(place, record),
    )
    return TelemetryEvent(
        **envelope,
        name=OBSERVATION,
        tags={**place.run.own_tags, **place.catalog.asset(key).tags},
        payload={**_data_version(observation), **plain(observation.metadata)},
    )


def _data_version(observation: dg.AssetObservation) -> dict[str, str]:
    """Of a source that Dagster looks at, the version is what it looked for."""
    key = "dagster/data_version"
    return {key: observation.tags[key]} if key in observation.tags else {}


def _observed_test(
    place: Place, record: Recorded, observation: dg.AssetObservation, test: QualityFacts
) -> QualityResultEvent:
    planned = Planned(key_text(observation.asset_key), observation.partition, test.check_name)
    return _quality(
        place,
        planned,
        "quality.error" if test.crashed else "quality.result",
        record.timestamp,
        _ordinal(place, record),
        passed=None if test.crashed else test.passed,
        severity=test.severity,
        check_type=TOOL,
        description=observation.description,
        metadata=plain(observation.metadata),
    )


def freshness(place: Place, record: Recorded) -> Iterator[FreshnessEvent]:
    """An asset became stale, or fresh again. That it has no freshness policy is not news.

    Nor is the daemon's first look at an asset of which it knows nothing.
    """
    change: Any = record.event.event_specific_data
    if change.new_state.value == "NOT_APPLICABLE" or change.new_state is change.previous_state:
        return
    key = key_text(change.key)
    envelope = place.envelope(
        "freshness.changed", record.timestamp, asset_key=key, ordinal=_ordinal(place, record)
    )
    asset = place.catalog.asset(key)
    yield FreshnessEvent(
        **envelope,
        tags=dict(asset.tags),
        group_name=asset.group,
        kinds=asset.kinds,
        owners=asset.owners,
        from_state=change.previous_state.value,
        to_state=change.new_state.value,
    )


def _quality(
    place: Place,
    planned: Planned,
    event_type: str,
    when: datetime,
    ordinal: int | None = None,
    **fields: Any,
) -> QualityResultEvent:
    asset = place.catalog.asset(planned.asset_key)
    known = place.catalog.check(planned.asset_key, planned.check_name or "")
    envelope = place.envelope(
        event_type,
        when,
        asset_key=planned.asset_key,
        partition_key=planned.partition_key,
        check_name=planned.check_name,
        ordinal=ordinal,
    )
    stated = {name: value for name, value in fields.items() if value is not None}
    described = {
        "blocking": known.blocking,
        "description": known.description,
        "started_at": place.started_at,
        **stated,
    }
    return QualityResultEvent(
        **envelope,
        **described,
        group_name=asset.group,
        kinds=asset.kinds,
        owners=asset.owners,
        tags={**place.run.own_tags, **asset.tags},
    )


def _ordinal(place: Place, record: Recorded) -> int | None:
    """Outside a step nothing but Dagster's own storage tells two alike things apart."""
    return record.storage_id if place.step_key is None else None
