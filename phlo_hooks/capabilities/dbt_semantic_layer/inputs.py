"""What a metric is computed from: measures of semantic models, and other metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt_semantic_interfaces.implementations.metric import PydanticMetric


def measures_of(metric: PydanticMetric) -> tuple[str, ...]:
    """The measures that it names itself: one, of a conversion two, of a ratio or a derived one none."""
    params = metric.type_params
    conversion = params.conversion_type_params
    if conversion is not None:
        return (conversion.base_measure.name, conversion.conversion_measure.name)
    return (params.measure.name,) if params.measure is not None else ()


def input_metrics(metric: PydanticMetric) -> tuple[str, ...]:
    """The metrics that it names itself, in order, each once."""
    params = metric.type_params
    named = [params.numerator, params.denominator, *(params.metrics or ())]
    return tuple(dict.fromkeys(each.name for each in named if each is not None))
