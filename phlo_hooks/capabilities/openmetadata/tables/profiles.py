"""How many rows a table has, and what is known of its columns, as a materialization tells it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.tables.columns import descriptions
from phlo_hooks.events import AssetEvent

# Metadata: for each column, what OpenMetadata's columnProfile may say of it.
COLUMN_PROFILE = "openmetadata/column_profile"
_ROW_COUNT = "dagster/row_count"
_NUMBERS = frozenset(
    {
        *("valuesCount", "valuesPercentage", "validCount", "duplicateCount", "nullCount", "nullProportion"),
        *("missingPercentage", "missingCount", "uniqueCount", "uniqueProportion", "distinctCount"),
        *("distinctProportion", "minLength", "maxLength", "mean", "sum", "stddev", "variance", "median"),
        *("firstQuartile", "thirdQuartile", "interQuartileRange", "nonParametricSkew"),
    }
)
_ENDS = frozenset({"min", "max"})


def profile_of(event: AssetEvent, table: Entity) -> dict[str, Any] | None:
    """The request that writes it; None of a materialization that counted nothing.

    Args:
        event: the end of a materialization.
        table: that it wrote, as OpenMetadata has it.
    """
    at = int(event.timestamp.timestamp() * 1000)
    rows, columns = row_count(event), list(_columns(event, table, at))
    if rows is None and not columns:
        return None
    counted = {} if rows is None else {"rowCount": rows}
    number = len(table.get("columns") or [])
    # The server goes through the columns' profiles whether they are there or not.
    return {
        "tableProfile": {"timestamp": at, "columnCount": number, **counted},
        "columnProfile": columns,
    }


def row_count(event: AssetEvent) -> int | None:
    """How many rows the whole table has. A partition, or one load, counts its own rows only."""
    whole = event.metadata.get(_ROW_COUNT)
    is_part = event.partition_key is not None or bool(getattr(event, "load_ids", None))
    found = (whole, event.metrics.get("table_rows"), None if is_part else event.metrics.get("rows"))
    counts = (each for each in found if isinstance(each, (int, float)) and _is_number(each))
    return next((int(each) for each in counts if each >= 0), None)


def _columns(event: AssetEvent, table: Entity, at: int) -> Iterator[dict[str, Any]]:
    told = event.metadata.get(COLUMN_PROFILE)
    # One that the table has not is an error to the server.
    for name, _, _ in descriptions(table.get("columns") or []):
        said = told.get(name) if isinstance(told, Mapping) else None
        facts = _facts(said) if isinstance(said, Mapping) else {}
        if facts:
            yield {"name": name, "timestamp": at, **facts}


def _facts(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the server takes: a word that it does not know is an error to it."""
    return {
        key: value
        for key, value in said.items()
        if (key in _NUMBERS and _is_number(value))
        or (key in _ENDS and (_is_number(value) or isinstance(value, str)))
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
