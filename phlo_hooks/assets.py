"""What the definitions of a code location say of its assets and jobs, where an event is not enough.

An event tells what happened, and stays true. This tells what there is now: what an asset is computed from,
where its table is, who has it, in which partitions it comes, which jobs compute it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from phlo_hooks.event_parts import Column, ColumnEdge


@dataclass(frozen=True)
class CodeReference:
    """Where an asset's code is: a line of a file, or a page of a repository.

    Args:
        location: a path, or a URL.
        line: of the file, from 1.
        label: as its author calls it.
    """

    location: str
    line: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class TimeWindow:
    """The time that a partition is about: from `start` to before `end`, both aware.

    Args:
        timezone: IANA name of the partitions' own zone, such as `Europe/Berlin`.
    """

    start: datetime
    end: datetime
    timezone: str


@dataclass(frozen=True)
class PartitionInfo:
    """One partition of an asset.

    Args:
        key: as Dagster writes it; of several dimensions `a|b`.
        dimensions: the key in each dimension; one called `partition` where there is only one.
        window: the time that it is about, where it is about one.
    """

    key: str
    dimensions: Mapping[str, str]
    window: TimeWindow | None = None


@dataclass(frozen=True)
class AssetInfo:
    """One asset, as its spec has it. Nothing in it is secret.

    Args:
        key: path joined with `/`.
        stage: `ingestion`, `transform` or `publish`.
        upstream: the keys of all that it depends on, external assets too.
        executable: whether Dagster computes it; False of an external one.
        tool: what computes it, such as `dbt`; `dagster` where nothing says.
        columns: in the order of the table.
        metadata: in JSON's own types.
        partition_dimensions: their names; none where it has no partitions.
        sql: the statement that computes it, as dbt compiled it.
    """

    key: str
    stage: str = "ingestion"
    group: str | None = None
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    upstream: tuple[str, ...] = ()
    executable: bool = True
    tool: str = "dagster"
    table_name: str | None = None
    uri: str | None = None
    storage_kind: str | None = None
    columns: tuple[Column, ...] = ()
    column_lineage: tuple[ColumnEdge, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    code_version: str | None = None
    code_references: tuple[CodeReference, ...] = ()
    partition_dimensions: tuple[str, ...] = ()
    sql: str | None = None


@dataclass(frozen=True)
class CheckInfo:
    """One asset check, as its spec has it.

    Args:
        asset_key: of the asset that it is about.
        upstream: the keys of the other assets that it looks at.
        metadata: in JSON's own types.
    """

    asset_key: str
    name: str
    blocking: bool = False
    description: str | None = None
    upstream: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskInfo:
    """One op of a job.

    Args:
        name: as the key of its step; of an op within a graph `graph.op`, of each step of a dynamic one `op`.
        upstream: the names of the tasks whose outputs it waits for, sorted.
        asset_keys: of the assets that it makes, sorted; none where it makes none, as of a check.
    """

    name: str
    upstream: tuple[str, ...] = ()
    asset_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobInfo:
    """One job that somebody has defined: of assets, or of ops.

    Args:
        tags: as their author set them.
        tasks: by name.
    """

    name: str
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    tasks: tuple[TaskInfo, ...] = ()


class AssetGraph(Protocol):
    """The assets, checks and jobs of one code location."""

    def keys(self) -> tuple[str, ...]:
        """The keys of all assets of the definitions, external ones too, sorted; those that are only named as
        a dependency are not among them.
        """

    def asset(self, key: str) -> AssetInfo | None:
        """An asset; None for one that the definitions do not hold."""

    def checks(self) -> tuple[CheckInfo, ...]:
        """All checks, by asset key and name."""

    def check(self, asset_key: str, name: str) -> CheckInfo | None:
        """A check; None for one that the definitions do not hold."""

    def partition(self, key: str, partition_key: str) -> PartitionInfo | None:
        """One partition of an asset; None where the asset has no such partition, or no partitions."""

    def upstream_partitions(self, key: str, partition_key: str, upstream: str) -> tuple[str, ...]:
        """The partitions of an upstream asset that a partition is computed from; none where nobody knows, or
        it is all of them.
        """

    def jobs(self) -> tuple[JobInfo, ...]:
        """The jobs of the definitions by name, those that only a schedule or sensor launches, too; not the
        one that Dagster makes for assets without any.
        """

    def is_there(self, key: str, partition_key: str | None = None) -> bool | None:
        """Whether an asset, or one partition of it, was ever materialized; None where nobody knows."""

    def fingerprint(self) -> str:
        """Changes with whatever is said of an asset, check or job here; the same in each process."""


class NoAssets:
    """An `AssetGraph` without assets, for a place without definitions."""

    def keys(self) -> tuple[str, ...]:
        """None."""
        return ()

    def asset(self, key: str) -> AssetInfo | None:
        """None."""
        return None

    def checks(self) -> tuple[CheckInfo, ...]:
        """None."""
        return ()

    def check(self, asset_key: str, name: str) -> CheckInfo | None:
        """None."""
        return None

    def partition(self, key: str, partition_key: str) -> PartitionInfo | None:
        """None."""
        return None

    def upstream_partitions(self, key: str, partition_key: str, upstream: str) -> tuple[str, ...]:
        """None."""
        return ()

    def jobs(self) -> tuple[JobInfo, ...]:
        """None."""
        return ()

    def is_there(self, key: str, partition_key: str | None = None) -> bool | None:
        """Nobody knows."""
        return None

    def fingerprint(self) -> str:
        """That of nothing."""
        return ""
