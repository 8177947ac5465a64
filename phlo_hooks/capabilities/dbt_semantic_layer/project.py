"""A dbt project: its catalogue, the SQL of its metrics, and its database, each made when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from phlo_hooks.assets import AssetGraph, NoAssets
from phlo_hooks.capabilities.dbt_semantic_layer.artifacts import read_artifacts, version_of
from phlo_hooks.capabilities.dbt_semantic_layer.catalog import Catalog, read_catalog
from phlo_hooks.capabilities.dbt_semantic_layer.compiling import Compiler, MetricQuery
from phlo_hooks.capabilities.dbt_semantic_layer.database import Database
from phlo_hooks.semantics import QueryResult


@dataclass
class Project:
    """A dbt project, read again whenever dbt has written its manifests anew.

    Args:
        folder: where dbt writes to.
        connect: gives the database; called when it is first needed.
        stated: asset key patterns by semantic model.
        graph: the assets that there are.
    """

    folder: Path
    connect: Callable[[], Database]
    stated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    graph: AssetGraph = field(default_factory=NoAssets)
    _version: tuple[int, ...] = ()
    _catalog: Catalog | None = None
    _compiler: Compiler | None = None
    _database: Database | None = None

    def catalog(self) -> Catalog:
        """The models and metrics.

        Raises:
            ConfigurationError: dbt has not written them, or they do not fit together.
        """
        version = version_of(self.folder)
        if self._catalog is None or version != self._version:
            self._catalog = read_catalog(read_artifacts(self.folder), self.stated, self.graph)
            self._version, self._compiler = version, None
        return self._catalog

    def query(self, query: MetricQuery) -> QueryResult:
        """The rows of a query.

        Raises:
            ConfigurationError: it asks for what there is not.
            PermanentError: the database refuses it.
            DeliveryError: the database cannot be asked now.
        """
        sql = self.sql(query)
        columns, rows = self.database().run(sql)
        return QueryResult(columns, rows, sql)

    def sql(self, query: MetricQuery) -> str:
        """The statement of a query."""
        catalog = self.catalog()
        if self._compiler is None:
            self._compiler = Compiler(catalog, self.database().dialect)
        return self._compiler.sql(query)

    def database(self) -> Database:
        """The database, found once."""
        if self._database is None:
            self._database = self.connect()
        return self._database
