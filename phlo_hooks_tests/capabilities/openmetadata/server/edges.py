"""What becomes of edges when that which they speak of goes."""

from __future__ import annotations

from .store import Json, Store


def forget(store: Store, columns: set[str]) -> None:
    """Leave out columns that are gone, from every edge."""
    if not columns:
        return
    for edge in store.edges.values():
        mappings = edge.details.get("columnsLineage")
        if mappings:
            edge.details["columnsLineage"] = list(
                filter(None, (_without(each, columns) for each in mappings))
            )


def _without(mapping: Json, columns: set[str]) -> Json | None:
    sources = [column for column in mapping.get("fromColumns") or [] if column not in columns]
    if mapping.get("toColumn") in columns or not sources:
        return None
    return {**mapping, "fromColumns": sources}
