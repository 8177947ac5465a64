"""What a semantic layer holds, in the terms of MetricFlow; Cube's and Lightdash's own are mapped to them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entity:
    """What models are joined by.

    Args:
        type: `primary`, `unique`, `foreign` or `natural`.
        expr: the column or SQL that it is, where it is not that of its name.
    """

    name: str
    type: str
    expr: str | None = None


@dataclass(frozen=True)
class Dimension:
    """What measures are grouped and filtered by.

    Args:
        type: `categorical` or `time`.
        granularity: the smallest of a time, such as `day`.
    """

    name: str
    type: str = "categorical"
    granularity: str | None = None
    description: str | None = None
    expr: str | None = None


@dataclass(frozen=True)
class Measure:
    """What is aggregated.

    Args:
        agg: such as `sum`, `average` or `count`.
    """

    name: str
    agg: str
    description: str | None = None
    expr: str | None = None


@dataclass(frozen=True)
class Metric:
    """What people ask for.

    Args:
        type: `simple`, `ratio`, `derived`, `cumulative` or `conversion`; of other
            layers `simple`.
        models: the semantic models that it is computed from.
        inputs: the measures, or other metrics, that it is made of.
        assets: keys of all assets that it depends on.
    """

    name: str
    type: str = "simple"
    label: str | None = None
    description: str | None = None
    models: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()


@dataclass(frozen=True)
class SemanticModel:
    """One table's worth of meaning: a semantic model of dbt, a cube, an explore.

    Args:
        table: the physical one, where the layer says it.
        assets: keys of the assets that it depends on.
        url: of its page in the layer's own UI.
    """

    name: str
    description: str | None = None
    table: str | None = None
    entities: tuple[Entity, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    measures: tuple[Measure, ...] = ()
    metrics: tuple[str, ...] = ()
    assets: tuple[str, ...] = field(default=())
    url: str | None = None
