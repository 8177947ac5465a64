"""The datasets that an activity reads and writes, with all that is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset, StaticDataset

from phlo_hooks.assets import AssetGraph, AssetInfo, PartitionInfo
from phlo_hooks.capabilities.openlineage.activity import Activity, State
from phlo_hooks.capabilities.openlineage.datasets import ASSET_SYMLINK, NAME_KEY, NAMESPACE_KEY
from phlo_hooks.capabilities.openlineage.facets.column_lineage import column_lineage_facet
from phlo_hooks.capabilities.openlineage.facets.dataset import dataset_facets, lifecycle_facet
from phlo_hooks.capabilities.openlineage.facets.own import asset_facet
from phlo_hooks.capabilities.openlineage.facets.partitions import input_subset, output_subset
from phlo_hooks.capabilities.openlineage.facets.quality import assertion, assertions_facet, quality_metrics
from phlo_hooks.capabilities.openlineage.facets.statistics import input_statistics, output_statistics
from phlo_hooks.capabilities.openlineage.facts import DatasetFacts, DatasetName
from phlo_hooks.capabilities.openlineage.ledger import Page, Place
from phlo_hooks.capabilities.openlineage.partition_paths import without_partition
from phlo_hooks.capabilities.openlineage.settings import Settings
from phlo_hooks.event_parts import Column, ColumnEdge
from phlo_hooks.events import AssetEvent, HookEvent, LineageEvent, QualityResultEvent, TelemetryEvent

Facets = dict[str, Any]
_STATED = (NAMESPACE_KEY, NAME_KEY)
_SAYS_WHERE = ("dagster/table_name", "dagster/uri", *_STATED)

# In these an event says where its dataset is.
_WRITTEN = (State.COMPLETE, State.OTHER)
# What Dagster calls the version of data that it knows nothing of.
_NO_VERSIONS = frozenset({"INITIAL", "UNKNOWN", "NULL"})


@dataclass(frozen=True)
class Lineage:
    """Inputs and outputs.

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

    def inputs(self, activity: Activity, state: State) -> list[InputDataset]:
        """What an activity reads. The same in all its states, so that a failure takes nothing away."""
        event = activity.event
        if isinstance(event, AssetEvent):
            keys = self.upstream(event)
            known = [key for key in keys if state in _WRITTEN or not self._unnamed(key)]
            return [self._upstream(event, key, state) for key in known]
        if isinstance(event, QualityResultEvent):
            return self._checked(event, state)
        if isinstance(event, LineageEvent):
            return [self._input(self.known(key)) for key in _ends(event, 0)]
        return []

    def outputs(self, activity: Activity, state: State) -> list[OutputDataset]:
        """What it writes."""
        event = activity.event
        if isinstance(event, AssetEvent):
            unnamed = state not in _WRITTEN and self._unnamed(event.asset_key or "")
            return [] if unnamed else [self._written(event, state)]
        if isinstance(event, LineageEvent):
            return [self._linked(event, key) for key in _ends(event, 1)]
        return []

    def upstream(self, event: AssetEvent) -> list[str]:
        """The keys of all that an asset is computed from: declared, seen now, or seen the last time."""
        key = event.asset_key or ""
        seen = (edge.upstream_asset for edge in event.column_lineage)
        keys = dict.fromkeys((*sources(self.info(key)), *seen, *self.page.place(key).upstream))
        return [each for each in keys if each != key]

    def info(self, key: str) -> AssetInfo:
        """What the definitions say of an asset, if they do."""
        return self.assets.asset(key) or AssetInfo(key, executable=False)

    def place(self, event: AssetEvent) -> Place:
        """Where a materialization has put its dataset; where it says nothing of that, as before."""
        metadata = event.metadata
        # All of it or nothing: a table that was a file once must not keep its URI for ever.
        before = Place() if any(map(metadata.get, _SAYS_WHERE)) else self.page.place(event.asset_key or "")
        return Place(
            table_name=getattr(event, "table_name", None)
            or _text(metadata.get("dagster/table_name"))
            or before.table_name,
            uri=self._whole(event, _text(metadata.get("dagster/uri"))) or before.uri,
            storage_kind=_text(metadata.get("dagster/storage_kind")) or before.storage_kind,
            upstream=tuple(dict.fromkeys(edge.upstream_asset for edge in event.column_lineage)),
            stated={key: metadata[key] for key in _STATED if _text(metadata.get(key))} or before.stated,
        )

    def _whole(self, event: AssetEvent, uri: str | None) -> str | None:
        """The URI of all partitions, of that of one: they are one dataset."""
        if uri is None:
            return None
        partitions = self.partitions(event)
        return without_partition(uri, [key for each in partitions for key in each.dimensions.values()])

    def written(self, event: AssetEvent) -> Place:
        """What is to be remembered of a materialization; no name that is made of its run's tags."""
        key, place = event.asset_key or "", self.place(event)
        name = self.known(key, place).name
        if name != replace(self, run_tags={}).known(key, place).name:
            return place
        return replace(place, location=self.settings.location, namespace=name.namespace, name=name.name)

    def known(self, key: str, place: Place | None = None) -> DatasetFacts:
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

    def _told(self, info: AssetInfo, place: Place) -> DatasetName | None:
        """What another code location calls a dataset that it writes: here it is only read."""
        if info.executable or place.name is None or place.location == self.settings.location:
            return None
        return DatasetName(place.namespace or "", place.name)

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

    def observed(self, event: AssetEvent | TelemetryEvent) -> StaticDataset:
        """A dataset that was looked at, or written by nobody knows whom."""
        key = event.correlation.asset_key or ""
        if isinstance(event, AssetEvent):
            facts = self._materialized(event)
            return StaticDataset(*facts.name, facets=self._facets(facts, event))
        facts = replace(
            self.described(self.known(key)),
            data_version=_version(event.payload.get("dagster/data_version")),
            columns=_columns(event.payload.get("dagster/column_schema")) or self.info(key).columns,
        )
        return StaticDataset(*facts.name, facets=self._facets(facts))

    def static(self, key: str) -> StaticDataset:
        """A dataset, as the definitions alone have it."""
        facts = self.described(self.known(key))
        return StaticDataset(*facts.name, facets=self._facets(facts))

    def static_inputs(self, key: str) -> list[InputDataset]:
        """What the definitions say that an asset is computed from."""
        keys = dict.fromkeys((*sources(self.info(key)), *self.page.place(key).upstream))
        return [self._input(self.known(each)) for each in keys if each != key]

    def static_output(self, key: str) -> OutputDataset:
        """An asset's dataset, as its job writes it."""
        facts = self.described(self.known(key))
        return self._output(facts, self._facets(facts))

    def name(self, key: str) -> DatasetName:
        """The name of an asset's dataset."""
        return self.known(key).name

    def _unnamed(self, key: str) -> bool:
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

    def _upstream(self, event: AssetEvent, key: str, state: State) -> InputDataset:
        facts = replace(
            self.known(key),
            partitions=self._partitions_of(event, key),
            data_version=_version(event.input_versions.get(key)),
        )
        own: Facets = {"subset": input_subset(facts.partitions)}
        if state is State.COMPLETE:
            own["inputStatistics"] = input_statistics(event.metadata).get(key)
        # Of one that Dagster does not compute nobody else tells more; of others their own runs do.
        return self._input(facts if self.info(key).executable else self.described(facts), own)

    def _checked(self, event: QualityResultEvent, state: State) -> list[InputDataset]:
        check = self.assets.check(event.asset_key, event.check_name)
        facts = replace(self.known(event.asset_key), partitions=self.partitions(event))
        own: Facets = {"subset": input_subset(facts.partitions)}
        if state is State.COMPLETE:
            own["dataQualityAssertions"] = assertions_facet([assertion(event, check)])
            own["dataQualityMetrics"] = quality_metrics(event, check)
        others = (self._input(self.known(key)) for key in check.upstream) if check else ()
        return [self._input(facts, own), *others]

    def _written(self, event: AssetEvent, state: State) -> OutputDataset:
        if state not in _WRITTEN:
            # Where an end brings the start, too, it says already where that is.
            facts = self.described(self.known(event.asset_key or "", self.place(event)))
            facts = replace(facts, partitions=self.partitions(event))
            return self._output(facts, self._facets(facts))
        facts = self._materialized(event)
        own = {"outputStatistics": output_statistics(event.metrics)}
        return self._output(facts, self._facets(facts, event), own)

    def _materialized(self, event: AssetEvent) -> DatasetFacts:
        key = event.asset_key or ""
        facts = self.described(self.known(key, self.place(event)))
        return replace(
            facts,
            owners=event.owners or facts.owners,
            columns=event.columns or facts.columns,
            data_version=_version(event.data_version),
            partitions=self.partitions(event),
            metadata={**facts.metadata, **event.metadata},
        )

    def _linked(self, event: LineageEvent, key: str) -> OutputDataset:
        facts = self.known(key)
        facets = self._facets(facts)
        if _ends(event, 1) == [key]:
            facets["columnLineage"] = self._columns(event.column_edges, ())
        return self._output(facts, facets)

    def _facets(self, facts: DatasetFacts, event: AssetEvent | None = None) -> Facets:
        info = self.info(facts.key)
        own = asset_facet(info, event, self.settings.location, self.settings.webserver_url)
        facets: Facets = {**dataset_facets(facts), **own}
        edges = event.column_lineage if event and event.column_lineage else info.column_lineage
        facets["columnLineage"] = self._columns(edges, facts.columns)
        if event is not None:
            facets["lifecycleStateChange"] = lifecycle_facet(facts.metadata)
        return _there(facets)

    def _columns(self, edges: tuple[ColumnEdge, ...], columns: tuple[Column, ...]) -> Any:
        # Each asset is named once: a wide table has thousands of edges from a few.
        names = {key: self.name(key) for key in {edge.upstream_asset for edge in edges}}
        return column_lineage_facet(edges, names.__getitem__, columns)

    def _input(self, facts: DatasetFacts, own: Facets | None = None) -> InputDataset:
        facets = _there(dataset_facets(facts))
        return InputDataset(*facts.name, facets=facets, inputFacets=_there(own or {}))

    def _output(self, facts: DatasetFacts, facets: Facets, own: Facets | None = None) -> OutputDataset:
        own = {"subset": output_subset(facts.partitions), **(own or {})}
        return OutputDataset(*facts.name, facets=_there(facets), outputFacets=_there(own))

    def partitions(self, event: HookEvent) -> tuple[PartitionInfo, ...]:
        """The partition that an event is about."""
        where = event.correlation
        return self._partitions(where.asset_key or "", (where.partition_key,) if where.partition_key else ())

    def _partitions_of(self, event: AssetEvent, upstream: str) -> tuple[PartitionInfo, ...]:
        if not event.partition_key:
            return ()
        keys = self.assets.upstream_partitions(event.asset_key or "", event.partition_key, upstream)
        return self._partitions(upstream, keys)

    def _partitions(self, key: str, partition_keys: tuple[str, ...]) -> tuple[PartitionInfo, ...]:
        return tuple(
            self.assets.partition(key, each) or PartitionInfo(each, {"partition": each})
            for each in partition_keys
        )


def sources(info: AssetInfo) -> list[str]:
    """The keys of all that the definitions say that an asset is computed from."""
    return [*info.upstream, *(edge.upstream_asset for edge in info.column_lineage)]


def _ends(event: LineageEvent, side: int) -> list[str]:
    return list(dict.fromkeys(edge[side] for edge in event.edges))


def _there(facets: Facets) -> Facets:
    """Without those of which nothing is known: an empty one would take the place of an earlier one."""
    return {key: facet for key, facet in facets.items() if facet is not None}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _version(value: Any) -> str | None:
    found = _text(value)
    return None if found in _NO_VERSIONS else found


def _columns(schema: Any) -> tuple[Column, ...]:
    """Of a table schema, as events write it; none of what a user has written there instead."""
    columns = schema.get("columns") if isinstance(schema, dict) else None
    try:
        return tuple(Column(**each) for each in columns or ())
    except (TypeError, ValueError):
        return ()
