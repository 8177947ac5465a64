"""A data model, as Cube has one: cubes, views, pre-aggregations and their partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Window = tuple[str, str]
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True)
class PreAggregation:
    """Partitioned by `granularity`; one table without."""

    name: str
    granularity: str | None = None


@dataclass(frozen=True)
class Cube:
    """A cube, or with `of` a view of these cubes."""

    name: str
    pre_aggregations: tuple[PreAggregation, ...] = ()
    joins: Mapping[str, str] = field(default_factory=dict)
    of: tuple[str, ...] = ()
    public: bool = True
    data_source: str = "default"
    sql: str | None = None
    start: str = "2026-01-01T00:00:00.000"
    end: str = "2026-12-31T23:59:59.999"

    def meta(self) -> dict[str, Any]:
        """As `/v1/meta?extended` has it: see `CubeToMetaTransformer` and `transformMetaExtended`."""
        members = [("count", "number", "count"), ("revenue", "number", "sum")]
        source = {
            name: f"{self.of[0]}.{name}" if self.of else None
            for name in ("count", "revenue", "status", "created_at")
        }
        return {
            "name": self.name,
            "type": "view" if self.of else "cube",
            "title": self.name.title(),
            "description": f"All {self.name}.",
            "isVisible": True,
            "public": True,
            "connectedComponent": 1,
            "measures": [
                _without_none({"name": f"{self.name}.{name}", "title": f"{self.name.title()} {name.title()}", "type": kind, "aggType": agg, "aliasMember": source[name], "isVisible": True})
                for name, kind, agg in members
            ],
            "dimensions": [
                _without_none({"name": f"{self.name}.{name}", "type": kind, "aliasMember": source[name], "primaryKey": False})
                for name, kind in (("status", "string"), ("created_at", "time"))
            ]
            + [{"name": f"{self.name}.{other}_id", "type": "number", "aliasMember": f"{other}.id"} for other in self.of[1:]],
            "segments": [],
            **_without_none({"sql": self.sql}),
            **({"joins": [{"name": name, "relationship": side, "sql": f"`${{CUBE}}.{name}_id = ${{{name}}}.id`"} for name, side in self.joins.items()]} if self.joins else {}),
            **({"preAggregations": [{"name": each.name, "type": "rollup"} for each in self.pre_aggregations]} if self.pre_aggregations else {}),
        }  # fmt: skip

    def partitions(self, each: PreAggregation, window: Window | None) -> Iterator[Window | None]:
        """Those of a pre-aggregation that a range touches, in local time; see `postBuildJobs`."""
        if each.granularity is None:
            yield None
            return
        for start, end in self._all(each.granularity):
            if window is None or max(start, window[0]) <= min(end, window[1]):
                yield start, end

    def _all(self, granularity: str) -> Iterator[Window]:
        at, last = datetime.fromisoformat(self.start[:19]), datetime.fromisoformat(self.end[:19])
        while at <= last:
            step = _STEPS.get(granularity) or (at.replace(day=28) + timedelta(days=4)).replace(day=1) - at
            yield _text(at), _text(at + step - timedelta(milliseconds=1))
            at += step


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _without_none(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


SHOP = (
    Cube(
        "orders",
        (PreAggregation("daily", "day"), PreAggregation("all")),
        {"customers": "many_to_one"},
        sql="`SELECT * FROM marts.orders`",
    ),
    Cube("customers", (PreAggregation("monthly", "month"),), sql="`SELECT id FROM marts.customers WHERE id > 0`"),
    Cube("events", (PreAggregation("hourly", "hour"),), start="2026-03-01T00:00:00.000", end="2026-03-31T23:59:59.999"),
    Cube("cities", joins={"secrets": "belongsTo"}),
    Cube("sales", of=("orders", "customers")),
    Cube("books", of=("ledger",)),
    Cube("ledger", (PreAggregation("all"),), public=False),
    Cube("vault", (PreAggregation("all"),), public=False),
    Cube("secrets", public=False),
    Cube("lake", (PreAggregation("all"),), data_source="lakehouse"),
)  # fmt: skip
