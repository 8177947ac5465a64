"""The name of a dataset: that of the table or file that an asset is, so that other tools find it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phlo_hooks.capabilities.openlineage.facts import DatasetName, Symlink
from phlo_hooks.capabilities.openlineage.locations import location_name
from phlo_hooks.capabilities.openlineage.namespaces import NamespaceTemplate
from phlo_hooks.capabilities.openlineage.sources import DataSource, file_source, read_sources, uri_source
from phlo_hooks.plain import plain_json
from phlo_hooks.redaction import redact_text
from phlo_hooks.table_names import table_parts

ASSET_SYMLINK = "DAGSTER_ASSET"
TABLE_SYMLINK = "TABLE"
NAMESPACE_KEY = "openlineage/namespace"
NAME_KEY = "openlineage/name"


class DatasetNaming:
    """Names datasets as the specification has it: https://openlineage.io/docs/spec/naming .

    Args:
        namespace: of an asset whose physical place nobody knows.
        data_sources: storage kind, or asset kind, to where its tables are, such as
            `{"postgres": "postgres://db.example:5432/shop"}`.
        location: the code location's name.

    Attributes:
        has_sources: whether the user said where any tables are.

    Raises:
        ConfigurationError: a data source cannot be one of its kind.
    """

    def __init__(self, namespace: NamespaceTemplate, data_sources: Mapping[str, str], location: str) -> None:
        self._namespace = namespace
        self._sources = read_sources(data_sources)
        self.has_sources = bool(data_sources)
        self._location = location

    def logical(self, key: str, *, group: str | None, tags: Mapping[str, str]) -> DatasetName:
        """The asset's own name, which it has wherever its data is."""
        namespace = self._namespace.resolve(location=self._location, group=group, tags=tags)
        return _writable(DatasetName(namespace, key))

    def physical(
        self,
        *,
        table_name: str | None,
        uri: str | None,
        storage_kind: str | None,
        kinds: tuple[str, ...],
        metadata: Mapping[str, Any],
    ) -> DatasetName | None:
        """The name of the table or file: that which the metadata states, that of the URI, that of the table.

        None where nothing is known that others would call it by. Never raises.
        """
        wanted = _wanted(storage_kind, kinds)
        at_uri = _at_uri(uri, table_name, wanted)
        in_source = _in_sources(self._sources_of(wanted), table_name)
        # A web page is more often about a table than the data itself.
        places = (in_source, at_uri) if _is_web_page(at_uri) else (at_uri, in_source)
        found = _stated(metadata) or next((place for place in places if place), None)
        return _writable(found) if found else None

    def names(
        self,
        key: str,
        *,
        group: str | None,
        tags: Mapping[str, str],
        table_name: str | None,
        uri: str | None,
        storage_kind: str | None,
        kinds: tuple[str, ...],
        metadata: Mapping[str, Any],
    ) -> tuple[DatasetName, tuple[Symlink, ...]]:
        """The name of an asset's dataset, the physical one if it is known, and its other names."""
        logical = self.logical(key, group=group, tags=tags)
        physical = self.physical(
            table_name=table_name, uri=uri, storage_kind=storage_kind, kinds=kinds, metadata=metadata
        )
        main = physical or logical
        others = [Symlink(logical, ASSET_SYMLINK)] if physical else _table_symlinks(logical, table_name)
        return main, tuple(other for other in others if other.name != main)

    def _sources_of(self, kinds: tuple[str, ...]) -> list[DataSource]:
        return [self._sources[kind] for kind in kinds if kind in self._sources]


def _wanted(storage_kind: str | None, kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.lower() for kind in (storage_kind, *kinds) if kind))


def _is_web_page(name: DatasetName | None) -> bool:
    return name is not None and name.namespace.startswith(("http://", "https://"))


def _writable(name: DatasetName) -> DatasetName:
    return DatasetName(plain_json(name.namespace), plain_json(name.name))


def _stated(metadata: Mapping[str, Any]) -> DatasetName | None:
    namespace, name = metadata.get(NAMESPACE_KEY), metadata.get(NAME_KEY)
    if not isinstance(namespace, str) or not isinstance(name, str):
        return None
    stated = DatasetName(redact_text(namespace.strip()), redact_text(name.strip()))
    return stated if all(stated) else None


def _at_uri(uri: str | None, table_name: str | None, kinds: tuple[str, ...]) -> DatasetName | None:
    if not uri or not uri.strip():
        return None
    location = location_name(uri.strip())
    if location and location.namespace == "file" and table_name:
        # Else all tables of a DuckDB file would be one dataset.
        return _in_file(location, table_name, kinds) or location
    database = uri_source(uri)
    if database is None:
        return location
    return database.own_name() or (database.name(table_name) if table_name else None)


def _in_file(file: DatasetName, table_name: str, kinds: tuple[str, ...]) -> DatasetName | None:
    database = file_source(file.name, kinds)
    return database.name(table_name) if database else None


def _in_sources(sources: list[DataSource], table_name: str | None) -> DatasetName | None:
    if not table_name or not table_name.strip():
        return None
    return next((name for source in sources if (name := source.name(table_name.strip()))), None)


def _table_symlinks(logical: DatasetName, table_name: str | None) -> list[Symlink]:
    """The table, where no one knows on which server it is: enough for a person to find it."""
    if not table_name or not table_name.strip():
        return []
    name = ".".join(table_parts(table_name)) or table_name.strip()
    return [Symlink(_writable(DatasetName(logical.namespace, name)), TABLE_SYMLINK)]
