"""Explores as semantic models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from phlo_hooks.semantics import Dimension, Entity, Measure, Metric, SemanticModel

# How Lightdash names the explores that it makes of its pre-aggregates.
_GENERATED = "__preagg__"
_TIMES = ("date", "timestamp")


def is_shown(explore: Mapping[str, Any]) -> bool:
    """Whether people see an explore; not one that Lightdash has made for itself."""
    return not str(explore["name"]).startswith(_GENERATED)


def summary(explore: Mapping[str, Any], assets: Sequence[str], url: str) -> SemanticModel:
    """An explore as the list of all of them tells it.

    Args:
        explore: with its name.
        assets: keys, or patterns, of those that it depends on.
        url: of its page.
    """
    description = explore.get("description")
    return SemanticModel(explore["name"], description=description, assets=tuple(assets), url=url)


def model(explore: Mapping[str, Any], assets: Sequence[str], url: str) -> SemanticModel:
    """An explore, with all that people see of its tables. Names are the field ids of Lightdash, `table_name`.

    Args:
        explore: with its tables.
        assets: keys, or patterns, of those that it depends on.
        url: of its page.
    """
    base = explore["tables"][explore["baseTable"]]
    metrics = list(_fields(explore, "metrics"))
    return SemanticModel(
        explore["name"],
        base.get("description"),
        base.get("sqlTable"),
        tuple(Entity(join["table"], "foreign", join.get("sqlOn")) for join in explore["joinedTables"]),
        tuple(_dimension(name, field) for name, field in _fields(explore, "dimensions")),
        tuple(_measure(name, field) for name, field in metrics),
        tuple(name for name, _ in metrics),
        tuple(assets),
        url,
    )


def metrics(found: Iterable[tuple[Mapping[str, Any], SemanticModel]]) -> tuple[Metric, ...]:
    """The metrics of explores, by name; one that several explores have is told once.

    Args:
        found: explores, each with its model.
    """
    by_name: dict[str, Metric] = {}
    for explore, of in found:
        for name, field in _fields(explore, "metrics"):
            known = by_name.get(name)
            models = {*(known.models if known else ()), of.name}
            assets = {*(known.assets if known else ()), *of.assets}
            by_name[name] = Metric(
                name,
                label=field.get("label"),
                description=field.get("description"),
                models=tuple(sorted(models)),
                inputs=(name,),
                assets=tuple(sorted(assets)),
            )
    return tuple(by_name[name] for name in sorted(by_name))


def _fields(explore: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for table, each in explore["tables"].items():
        for name, field in each[kind].items():
            if not field.get("hidden"):
                yield f"{table}_{name}", field


def _dimension(name: str, field: Mapping[str, Any]) -> Dimension:
    kind = "time" if field.get("type") in _TIMES else "categorical"
    interval = str(field.get("timeInterval") or "RAW")
    granularity = interval.lower() if kind == "time" and interval != "RAW" else None
    return Dimension(name, kind, granularity, field.get("description"), field.get("sql"))


def _measure(name: str, field: Mapping[str, Any]) -> Measure:
    return Measure(name, field["type"], field.get("description"), field.get("sql"))
