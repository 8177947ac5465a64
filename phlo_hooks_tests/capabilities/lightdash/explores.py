"""Explores, as Lightdash has them compiled: `packages/common/src/types/explore.ts`, `field.ts` and `table.ts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def explore(name: str, *, joins: tuple[str, ...] = (), **base: Any) -> dict[str, Any]:
    """An explore of one table, and of those that are joined to it."""
    tables = {each: _table(each) for each in (name, *joins)}
    tables[name] |= base
    joined = [{"table": each, "sqlOn": f"${{{name}.id}} = ${{{each}.id}}"} for each in joins]
    return {
        "name": name,
        "label": name.title(),
        "tags": [],
        "baseTable": name,
        "joinedTables": joined,
        "tables": tables,
        "targetDatabase": "postgres",
    }


def broken(name: str, message: str) -> dict[str, Any]:
    """An explore that does not compile."""
    return {"name": name, "label": name, "errors": [{"type": "METADATA_PARSE_ERROR", "message": message}]}


def _table(name: str) -> dict[str, Any]:
    day = {"timeInterval": "DAY", "type": "date"}
    dimensions = {
        "status": {"type": "string", "description": "as told", "sql": "${TABLE}.status", "hidden": False},
        "created_day": {**day, "sql": "${TABLE}.created", "hidden": False},
        "created_raw": {"timeInterval": "RAW", "type": "timestamp", "hidden": False},
        "secret": {"type": "string", "hidden": True},
    }
    metrics = {
        "revenue": {"type": "sum", "label": "Revenue", "description": "paid", "sql": "${TABLE}.amount"},
        "internal": {"type": "count", "hidden": True},
    }
    return {
        "name": name,
        "description": f"all {name}",
        "sqlTable": f'"marts"."{name}"',
        "dimensions": dimensions,
        "metrics": metrics,
    }


def summary(each: Mapping[str, Any]) -> dict[str, Any]:
    """What the list of all explores tells of one."""
    fields = {key: each[key] for key in ("name", "label", "tags", "errors") if key in each}
    base = each.get("tables", {}).get(each.get("baseTable"), {})
    return {**fields, "description": base.get("description"), "schemaName": "marts", "databaseName": "shop"}
