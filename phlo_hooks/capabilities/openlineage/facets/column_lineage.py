"""The column lineage facet: which columns each column was computed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from openlineage.client.generated.column_lineage_dataset import ColumnLineageDatasetFacet, Fields, InputField

from phlo_hooks.capabilities.openlineage.facts import DatasetName
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.event_parts import Column, ColumnEdge

_Input = tuple[DatasetName, str]


def column_lineage_facet(
    edges: tuple[ColumnEdge, ...],
    name_of: Callable[[str], DatasetName],
    columns: tuple[Column, ...],
) -> ColumnLineageDatasetFacet | None:
    """Each column's inputs, sorted; None where nobody knows any.

    Args:
        edges: of one dataset.
        name_of: the name of an upstream asset's dataset.
        columns: of the dataset; an edge to a column that is not among them is left out. None, if not known.
    """
    inputs = _inputs(edges, name_of, columns)
    if not inputs:
        return None
    fields = {column: Fields([_field(*one) for one in sorted(inputs[column])]) for column in sorted(inputs)}
    return ColumnLineageDatasetFacet(fields=fields, dataset=None, producer=PRODUCER)


def _inputs(
    edges: tuple[ColumnEdge, ...], name_of: Callable[[str], DatasetName], columns: tuple[Column, ...]
) -> dict[str, set[_Input]]:
    # A warehouse writes ORDER_ID where the model says order_id: the schema's spelling is the one to match.
    exact = {column.name for column in columns}
    folded = {column.name.casefold(): column.name for column in columns}
    found: dict[str, set[_Input]] = defaultdict(set)
    for edge in edges:
        known = edge.column if not columns or edge.column in exact else folded.get(edge.column.casefold())
        if known is not None:
            found[known].add((name_of(edge.upstream_asset), edge.upstream_column))
    return found


def _field(name: DatasetName, column: str) -> InputField:
    # Dagster does not say whether a value comes from the column, or the column only decides which row it is.
    return InputField(name.namespace, name.name, column, transformations=None)
