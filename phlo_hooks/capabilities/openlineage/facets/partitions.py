"""What a partition says: the part of a dataset that was read or written, and the time that it is about."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openlineage.client.generated.base_subset_dataset import (
    InputSubsetInputDatasetFacet,
    OutputSubsetOutputDatasetFacet,
    Partition,
    PartitionSubsetCondition,
)
from openlineage.client.generated.nominal_time_run import NominalTimeRunFacet

from phlo_hooks.assets import PartitionInfo, TimeWindow
from phlo_hooks.capabilities.openlineage.producer import PRODUCER


def input_subset(partitions: tuple[PartitionInfo, ...]) -> InputSubsetInputDatasetFacet | None:
    """The partitions that were read; None where it was all, or nobody knows."""
    condition = _condition(partitions)
    return InputSubsetInputDatasetFacet(inputCondition=condition, producer=PRODUCER) if condition else None


def output_subset(partitions: tuple[PartitionInfo, ...]) -> OutputSubsetOutputDatasetFacet | None:
    """The partitions that were written; None where there are none."""
    condition = _condition(partitions)
    return OutputSubsetOutputDatasetFacet(outputCondition=condition, producer=PRODUCER) if condition else None


def nominal_time(partitions: tuple[PartitionInfo, ...]) -> NominalTimeRunFacet | None:
    """From the first partition's start to the last one's end; None where they are not about time."""
    windows = [partition.window for partition in partitions if partition.window]
    if not windows:
        return None
    first = min(windows, key=lambda window: window.start)
    last = max(windows, key=lambda window: window.end)
    return NominalTimeRunFacet(
        nominalStartTime=_local(first.start, first),
        nominalEndTime=_local(last.end, last),
        producer=PRODUCER,
    )


def _condition(partitions: tuple[PartitionInfo, ...]) -> PartitionSubsetCondition | None:
    if not partitions:
        return None
    return PartitionSubsetCondition(
        [
            Partition(dimensions=dict(partition.dimensions), identifier=partition.key)
            for partition in partitions
        ]
    )


def _local(when: datetime, window: TimeWindow) -> str:
    """A day begins at midnight in the partitions' own zone, and not every day has 24 hours."""
    try:
        zone = ZoneInfo(window.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return when.astimezone(timezone.utc).isoformat()
    return when.astimezone(zone).isoformat()
