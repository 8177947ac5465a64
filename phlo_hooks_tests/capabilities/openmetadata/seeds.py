"""What is in the server before a test begins: a warehouse with tables, and a pipeline."""

from __future__ import annotations

from typing import Any

from .server import OpenMetadataServer

Json = dict[str, Any]
SCHEMA = "warehouse.shop.main"
PIPELINE = "dagster.nightly"
ORDERS = f"{SCHEMA}.orders"


def column(name: str, type_: str = "INT", **more: Any) -> Json:
    return {"name": name, "dataType": type_, **more}


def tag(fqn: str, **more: Any) -> Json:
    """A label as a bot gives it."""
    return {"tagFQN": fqn, "source": "Classification", "labelType": "Automated", "state": "Suggested", **more}


def table(name: str, *columns: Json, **more: Any) -> Json:
    """The request for a table in the schema; with one column where none is named."""
    return {"name": name, "databaseSchema": SCHEMA, "columns": list(columns) or [column("id")], **more}


def seed_warehouse(server: OpenMetadataServer) -> None:
    """A service, a database and a schema."""
    server.seed("databaseService", {"name": "warehouse", "serviceType": "Postgres"})
    server.seed("database", {"name": "shop", "service": "warehouse"})
    server.seed("databaseSchema", {"name": "main", "database": "warehouse.shop"})


def seed_tables(server: OpenMetadataServer, *names: str) -> list[Json]:
    """Tables with the columns id and amount."""
    return [server.seed("table", table(name, column("id"), column("amount"))) for name in names]


def seed_pipeline(server: OpenMetadataServer, *tasks: str) -> Json:
    """A pipeline of Dagster's with these tasks."""
    server.seed("pipelineService", {"name": "dagster", "serviceType": "Dagster"})
    body = {"name": "nightly", "service": "dagster", "tasks": [{"name": task} for task in tasks]}
    return server.seed("pipeline", body)


def reference(kind: str, entity: Json) -> Json:
    return {"id": entity["id"], "type": kind}


def stored(server: OpenMetadataServer, fqn: str = ORDERS) -> Json | None:
    """The table as it is kept."""
    return server.entity("table", fqn)


def columns_of(entity: Json, *keys: str) -> list[tuple[Any, ...]]:
    """These values of each column."""
    return [tuple(each.get(key) for key in keys) for each in entity["columns"]]
