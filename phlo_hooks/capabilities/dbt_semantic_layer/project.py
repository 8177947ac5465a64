"""A dbt project: its catalogue, the SQL of its metrics, and its database, each made when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from phlo_hooks.assets import AssetGraph, NoAssets
from phlo_hooks.capabilities.dbt_semantic_layer.artifacts import read_artifacts, version_of
from phlo_hooks.capabilities.dbt_semantic_layer.catalog import Catalog, read_catalog
from phlo_hooks.capabilities.dbt_semantic_layer.compiling import Compiler, MetricQuery
from phlo_hooks.capabilities.dbt_semantic_layer.database import Database
from phlo_hooks.semantics import QueryResult

# Not one for each project: a lock can be neither copied nor pickled.
_READING = threading.Lock()


@dataclass(frozen=True)
class _Edition:
    """What dbt had written at one time."""

    version: tuple[int, ...]
    catalog: Catalog
    compilers: dict[str, Compiler] = field(default_factory=dict)


@dataclass
class Project:
    """A dbt project, read again whenever dbt has written its manifests anew.

    Args:
        folder: gives the one that dbt writes to; called each time, since a variable may be set meanwhile.
        connect: gives the database; called when it is first needed.
        stated: asset key patterns by semantic model.
        graph: the assets that there are.
    """

    folder: Callable[[], Path]
    connect: Callable[[], Database]
    stated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    graph: AssetGraph = field(default_factory=NoAssets)
    _editions: list[_Edition] = field(default_factory=list)

    def catalog(self) -> Catalog:
        """The models and metrics.

        Raises:
            ConfigurationError: dbt has not written them, or they do not fit together.
        """
        return self._edition().catalog

    def models_fed_by(self, asset_key: str) -> tuple[str, ...]:
        """The models that depend on an asset, also where nobody knows which assets there are."""
        models = self.catalog().models.values()
        return tuple(
            model.name for model in models if any(fnmatchcase(asset_key, key) for key in model.assets)
        )

    def query(self, query: MetricQuery) -> QueryResult:
        """The rows of a query.

        Raises:
            ConfigurationError: it asks for what there is not.
            PermanentError: the database refuses it.
            DeliveryError: the database cannot be asked now.
        """
        sql = self.sql(query)
        columns, rows = self.database.run(sql)
        return QueryResult(columns, rows, sql)

    def prepare(self) -> None:
        """Find the database, and get ready to ask it.

        Raises:
            ConfigurationError: its profile cannot be used, or MetricFlow does not know it.
        """
        self._compiler()

    def sql(self, query: MetricQuery) -> str:
        """The statement of a query.

        Raises:
            ConfigurationError: it asks for what there is not.
        """
        return self._compiler().sql(query)

    @cached_property
    def database(self) -> Database:
        """The database, found once."""
        return self.connect()

    def _edition(self) -> _Edition:
        folder = self.folder()
        version = version_of(folder)
        with _READING:
            if not self._editions or self._editions[0].version != version:
                catalog = read_catalog(read_artifacts(folder), self.stated, self.graph)
                self._editions[:] = [_Edition(version, catalog)]
            return self._editions[0]

    def _compiler(self) -> Compiler:
        edition, dialect = self._edition(), self.database.dialect
        if dialect not in edition.compilers:
            edition.compilers[dialect] = Compiler(edition.catalog, dialect)
        return edition.compilers[dialect]
