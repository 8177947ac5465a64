"""What is known of a dataset when a facet is made, from event, definitions and memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from phlo_hooks.assets import PartitionInfo
from phlo_hooks.event_parts import Column


class DatasetName(NamedTuple):
    """How OpenLineage names a dataset: https://openlineage.io/docs/spec/naming ."""

    namespace: str
    name: str


class Symlink(NamedTuple):
    """Another name of a dataset; `type` such as `DAGSTER_ASSET`, `TABLE`, `LOCATION`."""

    name: DatasetName
    type: str


@dataclass(frozen=True)
class DatasetFacts:
    """One dataset in one OpenLineage event.

    Args:
        key: the asset's.
        name: its name in OpenLineage.
        symlinks: its other names.
        table_name: the physical table, such as `marts.orders`.
        uri: the physical place, such as `s3://lake/orders`.
        storage_kind: such as `duckdb`, `snowflake`, `iceberg`.
        kinds: of the asset.
        owners: an email address, or `team:name`.
        partitions: those that this event is about.
        metadata: of the materialization, or of the spec, in JSON's own types.
    """

    key: str
    name: DatasetName
    symlinks: tuple[Symlink, ...] = ()
    table_name: str | None = None
    uri: str | None = None
    storage_kind: str | None = None
    kinds: tuple[str, ...] = ()
    description: str | None = None
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    data_version: str | None = None
    partitions: tuple[PartitionInfo, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
