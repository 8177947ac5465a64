"""What a backend like Marquez makes of the events: datasets with their facets, and the edges between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks_tests.capabilities.openlineage.lifecycle import Event, datasets_of, is_terminal, job_of

Name = tuple[str, str]


@dataclass
class Dataset:
    """A dataset with the newest facet of each key, wherever it stood."""

    namespace: str
    name: str
    facets: dict[str, Any] = field(default_factory=dict)
    input_facets: dict[str, Any] = field(default_factory=dict)
    output_facets: dict[str, Any] = field(default_factory=dict)

    def take(self, content: Mapping[str, Any]) -> None:
        """What another event says of it; a facet that is `_deleted` goes."""
        for key, facet in content.get("facets", {}).items():
            if facet.get("_deleted"):
                self.facets.pop(key, None)
            else:
                self.facets[key] = facet
        self.input_facets.update(content.get("inputFacets", {}))
        self.output_facets.update(content.get("outputFacets", {}))


@dataclass(frozen=True)
class Graph:
    """Edges by the names of datasets and jobs, each with its namespace.

    Args:
        inputs: of each job, by its latest version.
        outputs: likewise.
    """

    inputs: Mapping[Name, frozenset[Name]]
    outputs: Mapping[Name, frozenset[Name]]

    @property
    def edges(self) -> set[tuple[str, str]]:
        """From each dataset to the jobs that read it, and from each job to what it writes; bare names."""
        read = {(dataset[1], job[1]) for job, datasets in self.inputs.items() for dataset in datasets}
        written = {(job[1], dataset[1]) for job, datasets in self.outputs.items() for dataset in datasets}
        return read | written

    @property
    def flows(self) -> set[tuple[str, str]]:
        """From dataset to dataset, through whichever job; bare names."""
        return {
            (source[1], target[1])
            for job, sources in self.inputs.items()
            for source in sources
            for target in self.outputs[job]
        }

    def upstream(self, dataset: str) -> set[str]:
        """Everything that a dataset is made of, directly or not."""
        flows, found, new = self.flows, set[str](), {dataset}
        while new:
            new = {source for source, target in flows if target in new} - found
            found |= new
        return found


def graph_of(events: Sequence[Event]) -> Graph:
    """Each end of a run is a new version of its job, and so is each JobEvent; the last one holds."""
    inputs: dict[Name, frozenset[Name]] = {}
    outputs: dict[Name, frozenset[Name]] = {}
    for event in events:
        if is_terminal(event) or ("job" in event and "run" not in event):
            inputs[job_of(event)] = frozenset(datasets_of(event, "inputs"))
            outputs[job_of(event)] = frozenset(datasets_of(event, "outputs"))
    return Graph(inputs, outputs)


def datasets_in(events: Sequence[Event]) -> dict[Name, Dataset]:
    """All of them, by namespace and name."""
    found: dict[Name, Dataset] = {}
    for event in events:
        static = [event["dataset"]] if "dataset" in event else []
        for content in (*event.get("inputs", []), *event.get("outputs", []), *static):
            name = (content["namespace"], content["name"])
            found.setdefault(name, Dataset(*name)).take(content)
    return found
