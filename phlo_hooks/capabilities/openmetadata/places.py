"""Where tables are: the service of each storage kind, and what kind of service that is."""

from __future__ import annotations

from collections.abc import Mapping

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities.openmetadata import fqn
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.table_names import table_parts

ANY = "*"
CUSTOM = "CustomDatabase"
# By storage kind, as Dagster writes it. Source: databaseService.json of OpenMetadata.
SERVICE_TYPES = {
    "athena": "Athena",
    "azuresql": "AzureSQL",
    "bigquery": "BigQuery",
    "clickhouse": "Clickhouse",
    "databricks": "Databricks",
    "deltalake": "DeltaLake",
    "doris": "Doris",
    "gcs": "Datalake",
    "glue": "Glue",
    "greenplum": "Greenplum",
    "hive": "Hive",
    "mariadb": "MariaDB",
    "mssql": "Mssql",
    "mysql": "Mysql",
    "oracle": "Oracle",
    "postgres": "Postgres",
    "redshift": "Redshift",
    "s3": "Datalake",
    "singlestore": "SingleStore",
    "snowflake": "Snowflake",
    "sqlite": "SQLite",
    "synapse": "Synapse",
    "teradata": "Teradata",
    "trino": "Trino",
}
_ALIASES = {"postgresql": "postgres", "sqlserver": "mssql", "delta": "deltalake", "gbq": "bigquery"}
# They have schemas, and no databases above: OpenMetadata's own connectors call it so.
_NO_DATABASES = frozenset(
    {"clickhouse", "doris", "hive", "mariadb", "mysql", "oracle", "singlestore", "sqlite"}
)
_DEFAULT_DATABASE = "default"
_LEVELS = 3


def kind_of(storage_kind: str | None) -> str:
    """A storage kind in the one way of writing it that is used here; empty where there is none."""
    kind = (storage_kind or "").strip().lower()
    return _ALIASES.get(kind, kind)


def service_type(storage_kind: str | None) -> str:
    """What OpenMetadata calls a service of this kind."""
    return SERVICE_TYPES.get(kind_of(storage_kind), CUSTOM)


class Places:
    """The services, by storage kind.

    Args:
        services: as the resource has them.

    Raises:
        ConfigurationError: a value that is no name of a service, or holds more than a schema.
    """

    def __init__(self, services: Mapping[str, str]) -> None:
        self._prefixes = {_key(kind): _prefix(kind, text) for kind, text in services.items()}

    def name(self, info: AssetInfo) -> str:
        """The name of an asset's table.

        Raises:
            ConfigurationError: something is missing; the message says what, and how to add it.
        """
        if not info.table_name:
            raise ConfigurationError(
                "nothing says which table it is: set metadata dagster/table_name or openmetadata/fqn on it, "
                "or give it a pattern in mapping; if it is no table, set openmetadata/ignore"
            )
        parts, kind = table_parts(info.table_name), kind_of(info.storage_kind)
        if not 1 <= len(parts) <= _LEVELS:
            raise ConfigurationError(
                f"dagster/table_name {info.table_name!r} is not database.schema.table: "
                "set metadata openmetadata/fqn on it, or give it a pattern in mapping"
            )
        prefix = self._prefix_of(info.table_name, kind)
        return fqn.joined_table(prefix[0], *_placed(prefix, parts, kind, info.table_name))

    def _prefix_of(self, table: str, kind: str) -> tuple[str, ...]:
        found = self._prefixes.get(kind) or self._prefixes.get(ANY)
        if found:
            return found
        if not kind:
            raise ConfigurationError(
                f"nothing says where its table {table!r} is: set metadata dagster/storage_kind on it, or "
                "name a service for all with services={'*': …}"
            )
        raise ConfigurationError(
            f"no service is named for {kind!r}: add services={{{kind!r}: 'the name of its database service'}}"
        )


def _placed(prefix: tuple[str, ...], parts: tuple[str, ...], kind: str, table: str) -> tuple[str, ...]:
    """Database, schema and table: what the table does not say, as `services` has it."""
    missing = _LEVELS - len(parts)
    defaults = prefix[1:]
    if not defaults and kind in _NO_DATABASES:
        defaults = (_DEFAULT_DATABASE,)
    if len(defaults) < missing:
        raise ConfigurationError(
            f"dagster/table_name {table!r} does not say {_LACKING[missing - len(defaults)]}: add it to "
            f"services={{{kind or ANY!r}: {'.'.join((*prefix, *_WORDS[len(prefix) - 1 :]))!r}}}, "
            "or write it before the table's name"
        )
    return (*defaults[:missing], *parts)


_WORDS = ("DATABASE", "SCHEMA")
_LACKING = {1: "its database or schema", 2: "its database and schema"}


def _key(kind: str) -> str:
    return kind if kind == ANY else kind_of(kind)


def _prefix(kind: str, text: str) -> tuple[str, ...]:
    try:
        parts = fqn.parts(text)
    except ConfigurationError as exc:
        raise ConfigurationError(f"services[{kind!r}]: {exc}") from None
    if len(parts) > _LEVELS:
        raise ConfigurationError(
            f"services[{kind!r}] {text!r} has {len(parts)} parts: name the service, or service.database, or "
            "service.database.schema"
        )
    return parts
