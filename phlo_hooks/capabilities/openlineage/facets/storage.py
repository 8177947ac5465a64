"""What kind of thing a dataset is, how it is kept, and in what it is contained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from openlineage.client.generated.catalog_dataset import CatalogDatasetFacet
from openlineage.client.generated.dataset_type_dataset import DatasetTypeDatasetFacet
from openlineage.client.generated.datasource_dataset import DatasourceDatasetFacet
from openlineage.client.generated.hierarchy_dataset import HierarchyDatasetFacet, HierarchyDatasetFacetLevel
from openlineage.client.generated.storage_dataset import StorageDatasetFacet

from phlo_hooks.capabilities.openlineage.facets.values import first, words
from phlo_hooks.capabilities.openlineage.facts import DatasetFacts
from phlo_hooks.capabilities.openlineage.places import place
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.capabilities.openlineage.systems import system
from phlo_hooks.redaction import redact_text

CATALOG_KEY = "openlineage/catalog"

# The only values that the specification allows.
_LAYERS = {"iceberg": "iceberg", "delta": "delta", "deltalake": "delta"}
_FORMATS = {name: name for name in ("parquet", "orc", "avro", "json", "csv", "text", "xml")}
_SUFFIXES = _FORMATS | {"txt": "text"}
_FILES = frozenset({"abfss", "dbfs", "file", "gs", "hdfs", "s3", "wasbs"})
_DBT_TYPES = {
    "incremental": ("TABLE", None),
    "materialized_view": ("VIEW", "MATERIALIZED"),
    "seed": ("TABLE", None),
    "snapshot": ("TABLE", None),
    "table": ("TABLE", None),
    "view": ("VIEW", None),
}
_KIND_TYPES = {
    "delta": "TABLE",
    "deltalake": "TABLE",
    "iceberg": "TABLE",
    "kafka": "TOPIC",
    "table": "TABLE",
    "view": "VIEW",
}
_LEVELS = {3: ("DATABASE", "SCHEMA", "TABLE"), 2: ("DATABASE", "TABLE")}


def dataset_type(facts: DatasetFacts) -> DatasetTypeDatasetFacet | None:
    """Table, view, file or topic; None where nothing says."""
    stated = first(facts.metadata, "dagster-dbt/materialization_type", "dagster_dbt/materialization_type")
    found, detail = _DBT_TYPES.get(str(stated), (None, None))
    is_a = found or next((_KIND_TYPES[kind] for kind in _kinds(facts) if kind in _KIND_TYPES), None)
    if is_a is None and _scheme(facts) in _FILES:
        is_a = "FILE"
    return DatasetTypeDatasetFacet(is_a, detail, producer=PRODUCER) if is_a else None


def storage(facts: DatasetFacts) -> StorageDatasetFacet | None:
    """The table format and the file format; None without a table format, which the facet must have."""
    layer = next((_LAYERS[kind] for kind in _kinds(facts) if kind in _LAYERS), None)
    return StorageDatasetFacet(layer, _format(facts), producer=PRODUCER) if layer else None


def data_source(facts: DatasetFacts) -> DatasourceDatasetFacet | None:
    """The server, bucket or file system; None of an asset whose place nobody knows."""
    namespace = facts.name.namespace
    if not any(other.type == "DAGSTER_ASSET" for other in facts.symlinks):
        return None
    return DatasourceDatasetFacet(
        name=namespace, uri=_public(facts.uri) or _public(namespace), producer=PRODUCER
    )


def hierarchy(facts: DatasetFacts) -> HierarchyDatasetFacet | None:
    """Database, schema and table; None of what is no table of a known system."""
    is_a = system(_scheme(facts))
    parts = facts.name.name.split(".")
    # A part with a dot in its name cannot be told from two parts.
    if is_a is None or len(parts) != is_a.levels or is_a.levels not in _LEVELS:
        return None
    levels = zip(_LEVELS[is_a.levels], parts, strict=True)
    return HierarchyDatasetFacet([HierarchyDatasetFacetLevel(*level) for level in levels], producer=PRODUCER)


def catalog(facts: DatasetFacts) -> CatalogDatasetFacet | None:
    """The catalog that the metadata states; None where it lacks framework, type or name."""
    stated = facts.metadata.get(CATALOG_KEY)
    if not isinstance(stated, Mapping):
        return None
    framework, type_, name = (words(stated.get(key)) for key in ("framework", "type", "name"))
    if not framework or not type_ or not name:
        return None
    return CatalogDatasetFacet(
        framework,
        type_,
        name,
        metadataUri=_redacted(stated.get("metadataUri")),
        warehouseUri=_redacted(stated.get("warehouseUri")),
        source=words(stated.get("source")),
        catalogProperties=None,
        producer=PRODUCER,
    )


def _kinds(facts: DatasetFacts) -> tuple[str, ...]:
    return tuple(kind.lower() for kind in (facts.storage_kind, *facts.kinds) if kind)


def _scheme(facts: DatasetFacts) -> str:
    return facts.name.namespace.partition(":")[0]


def _format(facts: DatasetFacts) -> str | None:
    kinds = (_FORMATS[kind] for kind in _kinds(facts) if kind in _FORMATS)
    return next(kinds, None) or _SUFFIXES.get(PurePosixPath(facts.name.name).suffix[1:].lower())


def _public(uri: str | None) -> str | None:
    found = place(uri) if uri else None
    if found is None or not found.authority + found.path:
        return None
    # As a URI has to be: a folder may have a space in its name.
    return f"{found.scheme}://{found.authority}{quote(unquote(found.path))}"


def _redacted(uri: object) -> str | None:
    found = words(uri)
    return redact_text(found).partition("?")[0] if found else None
