"""The facets of a dataset, wherever it appears: as an input, as an output, or on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from openlineage.client.generated.base import DatasetFacet
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.documentation_dataset import DocumentationDatasetFacet
from openlineage.client.generated.lifecycle_state_change_dataset import (
    LifecycleStateChange,
    LifecycleStateChangeDatasetFacet,
)
from openlineage.client.generated.ownership_dataset import Owner, OwnershipDatasetFacet
from openlineage.client.generated.symlinks_dataset import Identifier, SymlinksDatasetFacet
from openlineage.client.generated.tags_dataset import TagsDatasetFacet, TagsDatasetFacetFields

from phlo_hooks.capabilities.openlineage.facets.schema import schema_facet
from phlo_hooks.capabilities.openlineage.facets.storage import (
    catalog,
    data_source,
    dataset_type,
    hierarchy,
    storage,
)
from phlo_hooks.capabilities.openlineage.facets.values import first, owner_urn
from phlo_hooks.capabilities.openlineage.facts import DatasetFacts
from phlo_hooks.capabilities.openlineage.producer import PRODUCER

TAG_SOURCE = "DAGSTER"


def dataset_facets(facts: DatasetFacts) -> dict[str, DatasetFacet]:
    """All that is known of a dataset, by the names that the specification gives its facets."""
    found: dict[str, DatasetFacet | None] = {
        "schema": schema_facet(facts.columns, facts.storage_kind or _warehouse(facts)),
        "symlinks": _symlinks(facts),
        "dataSource": data_source(facts),
        "storage": storage(facts),
        "documentation": _documentation(facts),
        "ownership": _ownership(facts),
        "tags": _tags(facts),
        "version": _version(facts),
        "datasetType": dataset_type(facts),
        "catalog": catalog(facts),
        "hierarchy": hierarchy(facts),
    }
    return {name: facet for name, facet in found.items() if facet is not None}


def lifecycle_facet(metadata: Mapping[str, Any]) -> LifecycleStateChangeDatasetFacet | None:
    """That a table was replaced as a whole; None where it was not, or nobody says.

    Dagster does not know whether a table was there before: it never says CREATE.

    Args:
        metadata: of the materialization and the spec.
    """
    disposition = first(metadata, "write_disposition", "dagster_dlt/write_disposition")
    built = first(metadata, "dagster-dbt/materialization_type", "dagster_dbt/materialization_type")
    # dbt makes a table anew each time, and an incremental one or a snapshot only if it must.
    if "replace" not in (disposition, _mode(disposition)) and built != "table":
        return None
    return LifecycleStateChangeDatasetFacet(LifecycleStateChange.OVERWRITE, producer=PRODUCER)


def _mode(disposition: Any) -> Any:
    """dlt writes `{"disposition": "merge", "strategy": …}` too."""
    return disposition.get("disposition") if isinstance(disposition, Mapping) else None


def _warehouse(facts: DatasetFacts) -> str:
    return facts.name.namespace.partition(":")[0]


def _symlinks(facts: DatasetFacts) -> SymlinksDatasetFacet | None:
    if not facts.symlinks:
        return None
    names = [Identifier(other.name.namespace, other.name.name, other.type) for other in facts.symlinks]
    return SymlinksDatasetFacet(names, producer=PRODUCER)


def _documentation(facts: DatasetFacts) -> DocumentationDatasetFacet | None:
    if not facts.description:
        return None
    # Dagster shows every description as Markdown.
    return DocumentationDatasetFacet(facts.description, "text/markdown", producer=PRODUCER)


def _ownership(facts: DatasetFacts) -> OwnershipDatasetFacet | None:
    if not facts.owners:
        return None
    return OwnershipDatasetFacet([Owner(owner_urn(owner)) for owner in facts.owners], producer=PRODUCER)


def _tags(facts: DatasetFacts) -> TagsDatasetFacet | None:
    tags = [*(_tag(key, value) for key, value in facts.tags.items()), *_column_tags(facts)]
    return TagsDatasetFacet(tags, producer=PRODUCER) if tags else None


def _column_tags(facts: DatasetFacts) -> Iterator[TagsDatasetFacetFields]:
    for column in facts.columns:
        yield from (_tag(key, value, column.name) for key, value in column.tags.items())


def _tag(key: str, value: str, field: str | None = None) -> TagsDatasetFacetFields:
    # In Dagster a tag without a value is a label; the specification's example of one is pii: true.
    return TagsDatasetFacetFields(key, value or "true", TAG_SOURCE, field)


def _version(facts: DatasetFacts) -> DatasetVersionDatasetFacet | None:
    return DatasetVersionDatasetFacet(facts.data_version, producer=PRODUCER) if facts.data_version else None
