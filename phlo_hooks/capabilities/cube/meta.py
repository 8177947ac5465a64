"""The data model of Cube, as `GET /v1/meta?extended=true` tells it.

Source: packages/cubejs-schema-compiler/src/compiler/CubeToMetaTransformer.ts and
packages/cubejs-api-gateway/src/helpers/transformMetaExtended.ts of github.com/cube-js/cube.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from phlo_hooks.semantics.models import Dimension, Entity, Measure, Metric, SemanticModel

_Item = Mapping[str, Any]
# What a cube with `sql_table`, or one that is no more than a table, looks like.
_WHOLE_TABLE = re.compile(r"^[`'\"]?\s*select\s+\*\s+from\s+([\w.\"]+)\s*;?\s*[`'\"]?$", re.IGNORECASE)
# How MetricFlow calls the side of a join that a cube is on; with the names that older data models use.
_SIDES = {
    "many_to_one": "foreign",
    "belongsTo": "foreign",
    "one_to_one": "unique",
    "hasOne": "unique",
    "one_to_many": "primary",
    "hasMany": "primary",
}


@dataclass(frozen=True)
class Meta:
    """All cubes and views that the token may see.

    Args:
        cubes: as Cube tells them; those with `public: false` are not among them.
    """

    cubes: Sequence[_Item]

    @cached_property
    def _by_name(self) -> Mapping[str, _Item]:
        return {str(cube.get("name")): cube for cube in self.cubes}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all cubes and views, sorted."""
        return tuple(sorted(self._by_name))

    def get(self, name: str) -> _Item | None:
        """A cube or view; None of one that is not there, or not public."""
        return self._by_name.get(name)

    def cubes_of(self, name: str) -> tuple[str, ...]:
        """The cubes that a view takes its members from; of a cube, itself."""
        cube = self._by_name.get(name, {})
        behind = {_cube_of(member["aliasMember"]) for member in _members(cube) if member.get("aliasMember")}
        if cube.get("type") != "view" and not behind:
            return (name,)
        return tuple(sorted(behind))

    def has_pre_aggregations(self, cube: str) -> bool | None:
        """Whether there is anything to build for a cube; None where Cube does not tell of it."""
        found = self._by_name.get(cube)
        return None if found is None else bool(found.get("preAggregations"))

    def is_known(self, name: str) -> bool:
        """Whether there is such a cube or view; a private one is, where a public one refers to it."""
        return name in self._by_name or name in self._referred_to

    @cached_property
    def _referred_to(self) -> frozenset[str]:
        joined = {str(join.get("name")) for cube in self.cubes for join in cube.get("joins") or ()}
        return frozenset(joined.union(*(self.cubes_of(name) for name in self._by_name)))


def model_of(cube: _Item, assets: tuple[str, ...]) -> SemanticModel:
    """A cube or view as a semantic model.

    Args:
        cube: as Cube tells it.
        assets: keys of those that it depends on.
    """
    return SemanticModel(
        name=str(cube["name"]),
        description=cube.get("description") or None,
        table=_table(cube.get("sql")),
        entities=tuple(_entities(cube)),
        dimensions=tuple(map(_dimension, cube.get("dimensions") or ())),
        measures=tuple(map(_measure, cube.get("measures") or ())),
        metrics=tuple(str(each["name"]) for each in cube.get("measures") or ()),
        assets=assets,
    )


def metrics_of(cube: _Item, assets: tuple[str, ...]) -> Iterable[Metric]:
    """The measures of a cube or view: they are what people ask for, as `orders.count`."""
    for measure in cube.get("measures") or ():
        alias = measure.get("aliasMember")
        yield Metric(
            name=str(measure["name"]),
            label=measure.get("title") or None,
            description=measure.get("description") or None,
            models=(str(cube["name"]),),
            inputs=(alias,) if alias else (),
            assets=assets,
        )


def _members(cube: _Item) -> Iterable[_Item]:
    for kind in ("measures", "dimensions", "segments"):
        yield from cube.get(kind) or ()


def _cube_of(member: str) -> str:
    return member.partition(".")[0]


def _short(member: _Item) -> str:
    return str(member["name"]).rpartition(".")[2]


def _dimension(member: _Item) -> Dimension:
    return Dimension(
        name=_short(member),
        type="time" if member.get("type") == "time" else "categorical",
        description=member.get("description") or None,
        expr=member.get("sql") or None,
    )


def _measure(member: _Item) -> Measure:
    return Measure(
        name=_short(member),
        agg=str(member.get("aggType") or member.get("type") or "number"),
        description=member.get("description") or None,
        expr=member.get("sql") or None,
    )


def _entities(cube: _Item) -> Iterable[Entity]:
    for member in cube.get("dimensions") or ():
        if member.get("primaryKey"):
            yield Entity(_short(member), "primary", member.get("sql") or None)
    for join in cube.get("joins") or ():
        side = _SIDES.get(str(join.get("relationship")), "foreign")
        yield Entity(str(join.get("name")), side, join.get("sql") or None)


def _table(sql: Any) -> str | None:
    found = _WHOLE_TABLE.match(sql.strip()) if isinstance(sql, str) else None
    return found[1] if found else None
