"""The schema facet: the columns of a table, and the fields in them."""

from __future__ import annotations

from openlineage.client.generated.schema_dataset import SchemaDatasetFacet, SchemaDatasetFacetFields as Field

from phlo_hooks.capabilities.openlineage.facets.nested import nested_fields
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.event_parts import Column


def schema_facet(columns: tuple[Column, ...], dialect: str | None) -> SchemaDatasetFacet | None:
    """The columns in their order; None where none are known.

    Args:
        columns: those of a field, such as `address.city`, go under its column.
        dialect: the warehouse, whose way of writing types it is; any other name is the same as None.
    """
    if not columns:
        return None
    return SchemaDatasetFacet(fields=_tree(columns, dialect), producer=PRODUCER)


def _tree(columns: tuple[Column, ...], dialect: str | None) -> list[Field]:
    fields = [_field(column, dialect) for column in columns]
    by_name = {field.name: field for field in fields}
    top: list[Field] = []
    for field in fields:
        name, _, last = field.name.rpartition(".")
        parent = by_name.get(name) if name else None
        if parent is None or not last:
            _append(top, field)
        else:
            _adopt(parent, field, last)
    return top


def _field(column: Column, dialect: str | None) -> Field:
    return Field(
        name=column.name,
        type=column.type,
        description=column.description,
        fields=nested_fields(column.type, dialect),
    )


def _append(fields: list[Field], field: Field) -> None:
    fields.append(field)
    field.ordinal_position = len(fields)


def _adopt(parent: Field, field: Field, name: str) -> None:
    siblings = _members(parent)
    known = next((sibling for sibling in siblings if sibling.name == name), None)
    field.name = name
    if known is None:
        _append(siblings, field)
    else:
        field.ordinal_position = known.ordinal_position
        field.type, field.fields = field.type or known.type, field.fields or known.fields
        field.description = field.description or known.description
        siblings[siblings.index(known)] = field


def _members(parent: Field) -> list[Field]:
    """The fields of a column, or of the elements of a column that is a list."""
    if parent.fields is None:
        parent.fields = []
    if len(parent.fields) == 1 and parent.fields[0].name == "_element":
        return _members(parent.fields[0])
    return parent.fields
