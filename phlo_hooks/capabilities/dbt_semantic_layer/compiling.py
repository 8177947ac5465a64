"""From metrics to SQL, with MetricFlow."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from phlo_hooks.capabilities.dbt_semantic_layer.catalog import Catalog
from phlo_hooks.capabilities.dbt_semantic_layer.names import alike
from phlo_hooks.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
    from metricflow.protocols.sql_client import SqlClient

# MetricFlow numbers its subqueries with a counter of the whole process.
_COMPILING = threading.Lock()
# dbt's name of a database, the member of MetricFlow's `SqlEngine`, and the class that writes its SQL.
_DIALECTS = {
    "athena": ("ATHENA", "athena.AthenaSqlPlanRenderer"),
    "bigquery": ("BIGQUERY", "big_query.BigQuerySqlPlanRenderer"),
    "databricks": ("DATABRICKS", "databricks.DatabricksSqlPlanRenderer"),
    "duckdb": ("DUCKDB", "duckdb_renderer.DuckDbSqlPlanRenderer"),
    "postgres": ("POSTGRES", "postgres.PostgresSQLSqlPlanRenderer"),
    "redshift": ("REDSHIFT", "redshift.RedshiftSqlPlanRenderer"),
    "snowflake": ("SNOWFLAKE", "snowflake.SnowflakeSqlPlanRenderer"),
    "trino": ("TRINO", "trino.TrinoSqlPlanRenderer"),
}
# What MetricFlow puts after its own words: where in its plan it was, and tracebacks.
_NOISE = ("Query Input:", "Issue Location:", "Got exception:", "Error #2:", "Traceback")
_LONGEST = 600


class MetricQuery(NamedTuple):
    """What is asked for, in MetricFlow's terms.

    Args:
        metrics: names.
        group_by: such as `metric_time__month` or `customer__country`.
        where: conditions, such as `{{ Dimension('customer__country') }} = 'DE'`; all must hold.
        order_by: names of the above; `-name` for the largest first.
        limit: rows at most.
    """

    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class _Dialect:
    """The part of MetricFlow's `SqlClient` that compiling needs: no statement is run by it."""

    sql_engine_type: Any
    sql_plan_renderer: Any


class Compiler:
    """Writes the SQL of metric queries.

    Args:
        catalog: the models and metrics.
        dialect: as dbt calls the database's kind.

    Raises:
        ConfigurationError: MetricFlow does not know the database.
        MissingExtraError: `pip install 'phlo-hooks[metricflow]'`.
    """

    def __init__(self, catalog: Catalog, dialect: str) -> None:
        self._catalog = catalog
        with _COMPILING:
            self._engine = _engine(catalog.artifacts.semantic_manifest, dialect)

    def sql(self, query: MetricQuery) -> str:
        """The statement of a query.

        Raises:
            ConfigurationError: a name that there is not, with those alike; or metrics that cannot be asked
                for in this way.
        """
        from metricflow_semantics.errors.error_classes import MetricFlowException

        _check(query)
        self._check_metrics(query.metrics)
        try:
            with _COMPILING:
                return self._engine.explain(_request(query)).sql_statement.sql
        except MetricFlowException as exc:
            self._check_group_by(query)
            names = ", ".join(query.metrics) or ", ".join(query.group_by) or "nothing"
            raise ConfigurationError(f"{names} cannot be asked for like this: {_plain(exc)}") from None

    def _check_metrics(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._catalog.metrics:
                raise ConfigurationError(f"there is no metric {name!r}{alike(name, self._catalog.metrics)}")

    def _check_group_by(self, query: MetricQuery) -> None:
        known = self._group_bys(query.metrics)
        for name in query.group_by:
            # What is written as an object, such as Dimension('a__b'), only MetricFlow can read.
            if "(" not in name and name.lower().partition("__extract_")[0] not in known:
                metrics = ", ".join(query.metrics)
                raise ConfigurationError(f"{metrics} cannot be grouped by {name!r}{alike(name, known)}")

    def _group_bys(self, metrics: Sequence[str]) -> set[str]:
        """What metrics can be grouped by: each name, and each with a granularity."""
        found = self._engine.list_group_bys(list(metrics), include_derived_time_granularities=True)
        names = {getattr(each, "dunder_name", None) or each.name for each in found}
        return names | {"metric_time"} if any(name.startswith("metric_time") for name in names) else names


def _check(query: MetricQuery) -> None:
    """Refuse what MetricFlow stumbles over, or takes for something else."""
    if query.limit is not None and query.limit < 1:
        raise ConfigurationError(f"limit {query.limit!r}: use a whole number from 1 up, or none")
    for what, names in (("group_by", query.group_by), ("where", query.where), ("order_by", query.order_by)):
        if not all(name.strip() for name in names):
            raise ConfigurationError(f"{what} has an empty text in it: leave it out")


def _engine(semantic_manifest: str, dialect: str) -> MetricFlowEngine:
    try:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow_semantics.errors.error_classes import MetricFlowException
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
    except ImportError:
        raise MissingExtraError("metricflow", "metricflow") from None
    manifest, client = parse_manifest_from_dbt_generated_manifest(semantic_manifest), _client(dialect)
    try:
        return MetricFlowEngine(SemanticManifestLookup(manifest), cast("SqlClient", client))
    except MetricFlowException as exc:
        raise ConfigurationError(f"MetricFlow cannot use the semantic manifest: {_plain(exc)}") from None


def _client(dialect: str) -> _Dialect:
    from metricflow.protocols.sql_client import SqlEngine

    if dialect not in _DIALECTS:
        known = ", ".join(_DIALECTS)
        raise ConfigurationError(f"MetricFlow cannot query {dialect!r}: it knows {known}")
    engine, renderer = _DIALECTS[dialect]
    module, _, name = renderer.partition(".")
    return _Dialect(SqlEngine[engine], getattr(import_module(f"metricflow.sql.render.{module}"), name)())


def _request(query: MetricQuery) -> MetricFlowQueryRequest:
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest, OutputColumnOrderMode

    return MetricFlowQueryRequest.create(
        metric_names=query.metrics or None,
        group_by_names=query.group_by or None,
        where_constraints=query.where or None,
        order_by_names=query.order_by or None,
        limit=query.limit,
        output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
    )


def _plain(exc: Exception) -> str:
    """What MetricFlow says of a query, in one line, without its plan."""
    text = str(exc).partition("Message:")[2] or str(exc)
    for noise in _NOISE:
        text = text.partition(noise)[0]
    return " ".join(text.split())[:_LONGEST]
