"""A facet of the spec: its key, where it belongs, and what must be in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from phlo_hooks_tests.capabilities.openlineage.spec.shapes import BOOLEAN, URI, Shape


class Place(Enum):
    """Where a facet stands."""

    RUN = "facets of a run"
    JOB = "facets of a job"
    DATASET = "facets of a dataset"
    INPUT = "inputFacets of an input"
    OUTPUT = "outputFacets of an output"


DELETABLE = frozenset({Place.JOB, Place.DATASET})


@dataclass(frozen=True)
class Facet:
    """One standard facet.

    Args:
        key: under which it stands: `schema`.
        name: of its definition: `SchemaDatasetFacet`.
        version: of its file, `1-2-0`.
        place: where it belongs.
        body: its fields, besides those that every facet has.
        defs: shapes that know themselves.
        file: the file's name, where it is not that of the definition.
    """

    key: str
    name: str
    version: str
    place: Place
    body: Shape
    defs: Mapping[str, Shape] = field(default_factory=dict)
    file: str = ""

    @property
    def schema_url(self) -> str:
        """What the client writes into `_schemaURL`."""
        return f"https://openlineage.io/spec/facets/{self.version}/{self.file or self.name}.json#/$defs/{self.name}"

    def is_schema_url(self, url: str) -> bool:
        """Whether it points to this facet, at a version that is compatible: same major."""
        major = self.version.partition("-")[0]
        path = rf"{major}-\d+-\d+/{self.file or self.name}\.json#/\$defs/{self.name}"
        return re.fullmatch(rf"https://openlineage\.io/spec/facets/{path}", url) is not None

    @property
    def schema(self) -> Shape:
        """As a JSON Schema of its own."""
        base = base_of(self.place)
        return {
            **self.body,
            "properties": {**base["properties"], **self.body["properties"]},
            "required": [*base["required"], *self.body["required"]],
            "$defs": dict(self.defs),
        }


def base_of(place: Place) -> Shape:
    """What every facet of a place has."""
    deletable = {"_deleted": BOOLEAN} if place in DELETABLE else {}
    return {
        "type": "object",
        "properties": {"_producer": URI, "_schemaURL": URI, **deletable},
        "required": ["_producer", "_schemaURL"],
    }
