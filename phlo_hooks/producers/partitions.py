"""One partition of an asset: its dimensions, its time, and the partitions that it is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone

import dagster as dg

from phlo_hooks.assets import PartitionInfo, TimeWindow
from phlo_hooks.producers.dagster_private import mapping_between

# Who reads a whole history is not told which parts of it: an event would be nothing but their names.
MOST_UPSTREAM = 1_000
ONLY_DIMENSION = "partition"


def dimensions_of(partitions: dg.PartitionsDefinition | None) -> tuple[str, ...]:
    """The names of the dimensions; none of an asset without partitions."""
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        return tuple(partitions.partition_dimension_names)
    return () if partitions is None else (ONLY_DIMENSION,)


def partition_info(partitions: dg.PartitionsDefinition, key: str) -> PartitionInfo | None:
    """A partition; None where there is none of this key. Its time is in UTC, so that a day in which the clock
    changes has its 23 or 25 hours also when one is subtracted from the other.

    Raises:
        Exception: the key has not as many parts as there are dimensions, or a user's own definition fails.
    """
    named = _by_dimension(partitions, key)
    if not all(_has(partition, own) for partition, own in named.values()):
        return None
    windows = (_window(partition, own) for partition, own in named.values())
    return PartitionInfo(
        key=key,
        dimensions={name: own for name, (_, own) in named.items()},
        window=next((window for window in windows if window), None),
    )


def upstream_keys(
    stated: dg.PartitionMapping | None,
    partitions: dg.PartitionsDefinition,
    key: str,
    upstream: dg.PartitionsDefinition,
    instance: dg.DagsterInstance | None = None,
) -> tuple[str, ...]:
    """The partitions of an upstream asset that a partition is computed from; none for all, and for too many.

    Args:
        stated: how they depend, as the dependency says.
        partitions: of the downstream asset.
        key: of its partition.
        upstream: the partitions of the upstream asset.
        instance: knows the keys of dynamic partitions.
    """
    mapping = mapping_between(stated, partitions, upstream)
    if isinstance(mapping, dg.AllPartitionMapping):
        return ()
    if isinstance(mapping, dg.IdentityPartitionMapping) and partitions == upstream:
        return (key,)
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        subset = mapping.get_upstream_mapped_partitions_result_for_partitions(
            partitions.empty_subset().with_partition_keys([key]), partitions, upstream
        ).partitions_subset
        return () if len(subset) > MOST_UPSTREAM else tuple(sorted(subset.get_partition_keys()))


def _by_dimension(
    partitions: dg.PartitionsDefinition, key: str
) -> Mapping[str, tuple[dg.PartitionsDefinition, str]]:
    """The definition and the key of each dimension."""
    if not isinstance(partitions, dg.MultiPartitionsDefinition):
        return {ONLY_DIMENSION: (partitions, key)}
    keys = partitions.get_partition_key_from_str(key).keys_by_dimension
    return {name: (partitions.get_partitions_def_for_dimension(name), own) for name, own in keys.items()}


def _has(partitions: dg.PartitionsDefinition, key: str) -> bool:
    # Of dynamic ones only a query could tell, and the partition was there when somebody named it.
    return isinstance(partitions, dg.DynamicPartitionsDefinition) or partitions.has_partition_key(key)


def _window(partitions: dg.PartitionsDefinition, key: str) -> TimeWindow | None:
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return None
    window = partitions.time_window_for_partition_key(key)
    return TimeWindow(
        window.start.astimezone(timezone.utc), window.end.astimezone(timezone.utc), partitions.timezone
    )
