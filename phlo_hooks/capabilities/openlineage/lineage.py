"""The datasets that an activity reads and writes, with all that is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset, StaticDataset

from phlo_hooks.capabilities.openlineage.activity import Activity, State
from phlo_hooks.capabilities.openlineage.facets.column_lineage import column_lineage_facet
from phlo_hooks.capabilities.openlineage.facets.dataset import dataset_facets, lifecycle_facet
from phlo_hooks.capabilities.openlineage.facets.own import asset_facet
from phlo_hooks.capabilities.openlineage.facets.partitions import input_subset, output_subset
from phlo_hooks.capabilities.openlineage.facets.quality import assertion, assertions_facet, quality_metrics
from phlo_hooks.capabilities.openlineage.facets.statistics import input_statistics, output_statistics
from phlo_hooks.capabilities.openlineage.facts import DatasetFacts
from phlo_hooks.capabilities.openlineage.knowledge import Knowledge, known_version, sources
from phlo_hooks.event_parts import Column, ColumnEdge
from phlo_hooks.events import AssetEvent, LineageEvent, QualityResultEvent, TelemetryEvent

Facets = dict[str, Any]
# In these an event says where its dataset is.
_WRITTEN = (State.COMPLETE, State.OTHER)


@dataclass(frozen=True)
class Lineage(Knowledge):
    """Inputs and outputs, made of what is known."""

    def inputs(self, activity: Activity, state: State) -> list[InputDataset]:
        """What an activity reads. The same in all its states, so that a failure takes nothing away."""
        event = activity.event
        if isinstance(event, AssetEvent):
            keys = self.upstream(event)
            known = [key for key in keys if state in _WRITTEN or not self.unnamed(key)]
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
            unnamed = state not in _WRITTEN and self.unnamed(event.asset_key or "")
            return [] if unnamed else [self._written(event, state)]
        if isinstance(event, LineageEvent):
            return [self._linked(event, key) for key in _ends(event, 1)]
        return []

    def observed(self, event: AssetEvent | TelemetryEvent) -> StaticDataset:
        """A dataset that was looked at, or written by nobody knows whom."""
        key = event.correlation.asset_key or ""
        if isinstance(event, AssetEvent):
            facts = self.materialized(event)
            return StaticDataset(*facts.name, facets=self._facets(facts, event))
        facts = replace(
            self.described(self.known(key)),
            data_version=known_version(event.payload.get("dagster/data_version")),
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

    def _upstream(self, event: AssetEvent, key: str, state: State) -> InputDataset:
        facts = replace(
            self.known(key),
            partitions=self.partitions_of(event, key),
            data_version=known_version(event.input_versions.get(key)),
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
        facts = self.materialized(event)
        own = {"outputStatistics": output_statistics(event.metrics)}
        return self._output(facts, self._facets(facts, event), own)

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


def _ends(event: LineageEvent, side: int) -> list[str]:
    return list(dict.fromkeys(edge[side] for edge in event.edges))


def _there(facets: Facets) -> Facets:
    """Without those of which nothing is known: an empty one would take the place of an earlier one."""
    return {key: facet for key, facet in facets.items() if facet is not None}


def _columns(schema: Any) -> tuple[Column, ...]:
    """Of a table schema, as events write it; none of what a user has written there instead."""
    columns = schema.get("columns") if isinstance(schema, dict) else None
    try:
        return tuple(Column(**each) for each in columns or ())
    except (TypeError, ValueError):
        return ()
