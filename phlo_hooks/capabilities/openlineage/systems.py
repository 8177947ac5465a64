"""The systems that hold tables: how each names its server, and of which parts a table's name is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from openlineage.client.naming import dataset as naming

from phlo_hooks.capabilities.openlineage.facts import DatasetName
from phlo_hooks.capabilities.openlineage.places import Place
from phlo_hooks.table_names import table_parts

# DuckDB in the cloud: md:database.
MOTHERDUCK = "md:"

_Name = Callable[[Place, tuple[str, ...]], naming.DatasetNaming | DatasetName]


@dataclass(frozen=True)
class System:
    """One kind of database.

    Args:
        levels: how many parts the name of a table has.
        build: its name, from the server and as many parts.
        schema: the one before the table's, where nobody names another.
        port: where it listens, if nobody says.
        needs: what a data source of it must have: `host`, `path` or nothing.
        example: of a data source.
    """

    scheme: str
    levels: int
    build: _Name
    example: str
    schema: str | None = None
    port: int | None = None
    needs: str = "host"

    def defaults(self, place: Place) -> tuple[str | None, ...]:
        """What stands before a table's name where it has fewer parts than the system's."""
        room = self.levels - 1
        given: tuple[str | None, ...] = self._given(place)[:room]
        missing = room - len(given)
        return given + (None,) * (missing - 1) + ((self.schema,) if missing else ())

    def _given(self, place: Place) -> tuple[str, ...]:
        """DuckDB calls a database by its file; SQLite has but one in a file."""
        if self.needs == "path":
            file = PurePosixPath(place.path.replace("\\", "/"))
            return (file.stem.removeprefix(MOTHERDUCK),)[: self.levels - 2]
        return place.segments

    def name(self, place: Place, parts: tuple[str, ...]) -> DatasetName | None:
        """The name of a table on a server; None where a part of it, or the server, is not known."""
        wanted = self.levels - len(parts)
        full = (*self.defaults(place)[: max(wanted, 0)], *parts)
        if wanted < 0 or len(full) != self.levels or not all(full):
            return None
        try:
            return _as_name(self.build(self._at_port(place), tuple(part for part in full if part)))
        except ValueError:
            # So the client refuses a part of spaces alone, and so does an address that is not of this system.
            return None

    def own_name(self, place: Place) -> DatasetName | None:
        """The name of the table that the place itself is; None of a whole database."""
        parts = () if self.needs == "path" else place.segments
        if len(parts) == 1 < self.levels:
            parts = table_parts(parts[0])
        return self.name(place, parts) if len(parts) == self.levels else None

    def _at_port(self, place: Place) -> Place:
        port = place.port or self.port
        authority = f"{place.host}:{port}" if port else place.host
        return Place(place.scheme, authority, place.host, port, place.path)


def _as_name(built: naming.DatasetNaming | DatasetName) -> DatasetName:
    return built if isinstance(built, DatasetName) else DatasetName(built.get_namespace(), built.get_name())


def _at_host(make: Callable[..., naming.DatasetNaming]) -> _Name:
    """For those of the client's classes that take host, port, and the parts of the name."""
    return lambda place, parts: make(place.host, str(place.port), *parts)


def _plain(scheme: str) -> _Name:
    """For those that the client has no class for: scheme://host:port, and the parts with dots."""
    return lambda place, parts: DatasetName(f"{scheme}://{place.authority}", ".".join(parts))


def _in_file(scheme: str) -> _Name:
    return lambda place, parts: DatasetName(f"{scheme}://{place.authority}{place.path}", ".".join(parts))


_GLUE = re.compile(r".*glue:([^:]+):(\d+)")


def _glue(place: Place, parts: tuple[str, ...]) -> naming.DatasetNaming:
    found = _GLUE.fullmatch(place.path)
    if found is None:
        raise ValueError(place.path)
    return naming.AWSGlue(found[1], found[2], *parts)


def _bigquery(place: Place, parts: tuple[str, ...]) -> naming.DatasetNaming:
    return naming.BigQuery(*parts)


def _snowflake(place: Place, parts: tuple[str, ...]) -> naming.DatasetNaming | DatasetName:
    account = re.sub(r"\.snowflakecomputing\.(com|cn)$", "", place.host, flags=re.IGNORECASE)
    organization, dash, name = account.partition("-")
    if dash and name and "." not in account:
        return naming.Snowflake(organization, name, *parts)
    return DatasetName(f"snowflake://{_locator(account)}", ".".join(parts))


def _locator(account: str) -> str:
    """An old account's name, with the region and cloud that OpenLineage's own integrations suppose."""
    name, *rest = account.split(".")
    region, cloud, *_ = [*rest, *("us-west-1", "aws")[len(rest) :]]
    return f"{name}.{region}.{cloud}"


_REDSHIFT = re.compile(r"(?P<cluster>[^.]+)\.(?:[^.]+\.)?(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.redshift.*")


def _redshift(place: Place, parts: tuple[str, ...]) -> naming.DatasetNaming | DatasetName:
    host = _REDSHIFT.fullmatch(place.host)
    cluster, dot, region = (host["cluster"], ".", host["region"]) if host else place.host.partition(".")
    if not dot or "." in region:
        return DatasetName(f"redshift://{place.authority}", ".".join(parts))
    return naming.Redshift(cluster, region, str(place.port), *parts)


def _athena(place: Place, parts: tuple[str, ...]) -> naming.DatasetNaming:
    """The host is a region, or the address of Athena in one."""
    return naming.Athena(re.sub(r"^athena\.|\.amazonaws\.com.*$", "", place.host), *parts)


def _sqlserver(place: Place, parts: tuple[str, ...]) -> naming.DatasetNaming | DatasetName:
    if place.host.endswith(".sql.azuresynapse.net"):
        return naming.AzureSynapse(place.host, str(place.port), *parts[1:])
    return DatasetName(f"mssql://{place.authority}", ".".join(parts))


_SYSTEMS = (
    System("arn", 2, _glue, "arn:aws:glue:us-east-1:123456789012", needs="path"),
    System("athena", 3, _athena, "athena://us-east-1/AwsDataCatalog"),
    System("bigquery", 3, _bigquery, "bigquery, or bigquery://project/dataset", needs=""),
    System("cassandra", 2, _at_host(naming.Cassandra), "cassandra://host:9042/keyspace", port=9042),
    System("clickhouse", 2, _plain("clickhouse"), "clickhouse://host:8123/database", schema="default"),
    System("crate", 3, _at_host(naming.CrateDB), "crate://host:4200/crate", schema="doc", port=4200),
    System("databricks", 3, _plain("databricks"), "databricks://host/catalog", schema="default"),
    System("db2", 3, _at_host(naming.DB2), "db2://host:50000/database", port=50000),
    System("duckdb", 3, _in_file("duckdb"), "duckdb:///srv/lake.duckdb", schema="main", needs="path"),
    System("hive", 2, _at_host(naming.Hive), "hive://host:10000/database", schema="default", port=10000),
    System("kafka", 1, _at_host(naming.Kafka), "kafka://host:9092", port=9092),
    System("mssql", 3, _sqlserver, "mssql://host:1433/database", schema="dbo", port=1433),
    System("mysql", 2, _at_host(naming.MySQL), "mysql://host:3306/database", port=3306),
    System("oceanbase", 2, _at_host(naming.OceanBase), "oceanbase://host:2881/database", port=2881),
    System("oracle", 3, _at_host(naming.Oracle), "oracle://host:1521/service", port=1521),
    System("postgres", 3, _at_host(naming.Postgres), "postgres://host/database", "public", 5432),
    System("redshift", 3, _redshift, "redshift://cluster.region/database", "public", 5439),
    System("snowflake", 3, _snowflake, "snowflake://organization-account/DATABASE", "PUBLIC"),
    System("sqlite", 2, _in_file("sqlite"), "sqlite:///srv/shop.db", schema="main", needs="path"),
    System("teradata", 2, _at_host(naming.Teradata), "teradata://host:1025/database", port=1025),
    System("trino", 3, _at_host(naming.Trino), "trino://host:8080/catalog", port=8080),
    System("unitycatalog", 3, _plain("unitycatalog"), "unitycatalog://host/catalog", schema="default"),
)
_ALIASES = {
    "awsathena": "athena",
    "awsglue": "arn",
    "cratedb": "crate",
    "gbq": "bigquery",
    "glue": "arn",
    "mariadb": "mysql",
    "postgresql": "postgres",
    "sqlserver": "mssql",
}
_BY_SCHEME = {system.scheme: system for system in _SYSTEMS}


def system(kind: str) -> System | None:
    """The system that a storage kind, an asset kind, or the scheme of a URL means; None of another."""
    return _BY_SCHEME.get(_ALIASES.get(kind.lower(), kind.lower()))
