"""What is known of datasets: from the definitions, from an event, and from what was remembered of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from phlo_hooks.assets import AssetGraph, AssetInfo, PartitionInfo
from phlo_hooks.capabilities.openlineage.datasets import ASSET_SYMLINK, NAME_KEY, NAMESPACE_KEY
from phlo_hooks.capabilities.openlineage.facts import DatasetFacts, DatasetName
from phlo_hooks.capabilities.openlineage.ledger import Page, Whereabouts
from phlo_hooks.capabilities.openlineage.partition_paths import without_partition
from phlo_hooks.capabilities.openlineage.settings import Settings
from phlo_hooks.events import AssetEvent, HookEvent

_STATED = (NAMESPACE_KEY, NAME_KEY)
_SAYS_WHERE = ("dagster/table_name", "dagster/uri", *_STATED)
# What Dagster calls the version of data that it knows nothing of.
_NO_VERSIONS = frozenset({"INITIAL", "UNKNOWN", "NULL"})


@dataclass(frozen=True)
class Knowledge:
    """Where datasets are, what they are called, and what is in them.

    Args:
        settings: how datasets are named.
        assets: the definitions.
        page: where datasets were.
        run_tags: of the Dagster run.
    """

    settings: Settings
    assets: AssetGraph
    page: Page
    run_tags: Mapping[str, str]

    def info(self, key: str) -> AssetInfo:
        """What the definitions say of an asset, if they do."""
        return self.assets.asset(key) or AssetInfo(key, executable=False)

    def upstream(self, event: AssetEvent) -> list[str]:
        """The keys of all that an asset is computed from: declared, seen now, or seen the last time."""
        key = event.asset_key or ""
        seen = (edge.upstream_asset for edge in event.column_lineage)
        keys = dict.fromkeys((*sources(self.info(key)), *seen, *self.page.place(key).upstream))
        return [each for each in keys if each != key]

    def known(self, key: str, place: Whereabouts | None = None) -> DatasetFacts:
        """A dataset, as far as its names go."""
        info, place = self.info(key), place or self.page.place(key)
        facts = DatasetFacts(
            key,
            DatasetName("", ""),
            table_name=place.table_name or info.table_name,
            uri=place.uri or info.uri,
            storage_kind=place.storage_kind or info.storage_kind,
            kinds=info.kinds,
            metadata={**info.metadata, **place.stated},
        )
        named = self._named(facts, info)
        told = self._told(info, place)
        return named if told is None or told == named.name else replace(named, name=told, symlinks=())

    def described(self, facts: DatasetFacts) -> DatasetFacts:
        """With what the definitions say of its content."""
        info = self.info(facts.key)
        return replace(
            facts,
            description=info.description,
            owners=info.owners,
            tags=info.tags,
            columns=info.columns,
        )

    def name(self, key: str) -> DatasetName:
        """The name of an asset's dataset."""
        return self.known(key).name

    def materialized(self, event: AssetEvent) -> DatasetFacts:
        """With what a materialization says of it."""
        key = event.asset_key or ""
        facts = self.described(self.known(key, self.place(event)))
        return replace(
            facts,
            owners=event.owners or facts.owners,
            columns=event.columns or facts.columns,
            data_version=known_version(event.data_version),
            partitions=self.partitions(event),
            metadata={**facts.metadata, **event.metadata},
        )

    def unnamed(self, key: str) -> bool:
        """Whether only its first materialization will say in which table an asset is: any other name that is
        told before would be that of a dataset which there is not.
        """
        if (
            not self.settings.naming.has_sources
            or self.page.was_written(key)
            or not self.info(key).executable
        ):
            return False
        return all(other.type != ASSET_SYMLINK for other in self.known(key).symlinks)

    def place(self, event: AssetEvent) -> Whereabouts:
        """Where a materialization has put its dataset; where it says nothing of that, as before."""
        metadata, info = event.metadata, self.info(event.asset_key or "")
        # All of it or nothing: a table that was a file once must not keep its URI for ever.
        before = (
            Whereabouts() if any(map(metadata.get, _SAYS_WHERE)) else self.page.place(event.asset_key or "")
        )
        table = getattr(event, "table_name", None) or _text(metadata.get("dagster/table_name"))
        uri = self._whole(event, _text(metadata.get("dagster/uri")))
        kind = _text(metadata.get("dagster/storage_kind"))
        place = Whereabouts(
            table_name=_news(table, info.table_name, before.table_name),
            uri=_news(uri, info.uri, before.uri),
            storage_kind=_news(kind, info.storage_kind, before.storage_kind),
            upstream=tuple(dict.fromkeys(edge.upstream_asset for edge in event.column_lineage)),
            stated={key: metadata[key] for key in _STATED if _text(metadata.get(key))} or before.stated,
        )
        return place if info.executable else place.called_as(before)

    def written(self, event: AssetEvent) -> Whereabouts:
        """What is to be remembered of a materialization; no name that is made of its run's tags."""
        key, place = event.asset_key or "", self.place(event)
        name = self.known(key, place).name
        of_tags = name != replace(self, run_tags={}).known(key, place).name
        if of_tags or self._told(self.info(key), place):
            return place
        return replace(place, location=self.settings.location, namespace=name.namespace, name=name.name)

    def partitions(self, event: HookEvent) -> tuple[PartitionInfo, ...]:
        """The partition that an event is about."""
        where = event.correlation
        return self._partitions(where.asset_key or "", (where.partition_key,) if where.partition_key else ())

    def partitions_of(self, event: AssetEvent, upstream: str) -> tuple[PartitionInfo, ...]:
        """Those of an upstream asset that an event's partition was computed from, if anybody knows."""
        if not event.partition_key:
            return ()
        keys = self.assets.upstream_partitions(event.asset_key or "", event.partition_key, upstream)
        return self._partitions(upstream, keys)

    def _partitions(self, key: str, partition_keys: tuple[str, ...]) -> tuple[PartitionInfo, ...]:
        return tuple(
            self.assets.partition(key, each) or PartitionInfo(each, {"partition": each})
            for each in partition_keys
        )

    def _whole(self, event: AssetEvent, uri: str | None) -> str | None:
        """The URI of all partitions, of that of one: they are one dataset."""
        if uri is None:
            return None
        partitions = self.partitions(event)
        return without_partition(uri, [key for each in partitions for key in each.dimensions.values()])

    def _told(self, info: AssetInfo, place: Whereabouts) -> DatasetName | None:
        """What another code location calls a dataset that it writes: here it is only read."""
        if info.executable or place.name is None or place.location == self.settings.location:
            return None
        return DatasetName(place.namespace or "", place.name)

    def _named(self, facts: DatasetFacts, info: AssetInfo) -> DatasetFacts:
        name, symlinks = self.settings.naming.names(
            facts.key,
            group=info.group,
            tags={**self.run_tags, **info.tags},
            table_name=facts.table_name,
            uri=facts.uri,
            storage_kind=facts.storage_kind,
            kinds=facts.kinds,
            metadata=facts.metadata,
        )
        return replace(facts, name=name, symlinks=symlinks)


def _news(said: str | None, declared: str | None, before: str | None) -> str | None:
    """What is to be remembered; not what the definitions say as well, and may not say tomorrow."""
    if said is None:
        return before
    return None if said == declared else said


def sources(info: AssetInfo) -> list[str]:
    """The keys of all that the definitions say that an asset is computed from."""
    return [*info.upstream, *(edge.upstream_asset for edge in info.column_lineage)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def known_version(value: Any) -> str | None:
    """A data version; None for none, and for Dagster's words for one that it does not know."""
    found = _text(value)
    return None if found in _NO_VERSIONS else found
