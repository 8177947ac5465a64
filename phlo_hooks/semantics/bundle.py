"""Publications that are refreshed together: what is new, by model, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Any

from phlo_hooks.semantics.provider import DateRange, ModelWork, Work

# Enough to find out where a refresh came from.
_CAUSES = 20


@dataclass(frozen=True)
class Bundle:
    """Work that comes together until somebody does it.

    Args:
        models: by name.
        assets: whose publication it is.
        recompile: whether a schema has changed.
        causes: ids of the first events.
        publications: how many there were.
    """

    models: Mapping[str, ModelWork] = field(default_factory=dict)
    assets: frozenset[str] = frozenset()
    recompile: bool = False
    causes: tuple[str, ...] = ()
    publications: int = 0

    def __bool__(self) -> bool:
        return bool(self.models) or self.recompile

    def __add__(self, other: Bundle) -> Bundle:
        models = dict(self.models)
        for name, work in other.models.items():
            models[name] = joined(models[name], work) if name in models else work
        return Bundle(
            models,
            self.assets | other.assets,
            self.recompile or other.recompile,
            tuple(dict.fromkeys((*self.causes, *other.causes)))[:_CAUSES],
            self.publications + other.publications,
        )

    def work(self) -> Work:
        """As a layer gets to do it."""
        models = tuple(self.models[name] for name in sorted(self.models))
        return Work(models, self.recompile, self.causes, self.publications)

    @property
    def date_range(self) -> DateRange | None:
        """The smallest one that holds those of all models; None where one of them has none."""
        ranges = [work.date_range for work in self.models.values()]
        return reduce(widened, ranges) if ranges else None

    def dump(self) -> dict[str, Any]:
        """As JSON can say it."""
        return {
            "models": [_dumped(work) for work in self.models.values()],
            "assets": sorted(self.assets),
            "recompile": self.recompile,
            "causes": list(self.causes),
            "publications": self.publications,
        }

    @staticmethod
    def load(value: Mapping[str, Any] | None) -> Bundle:
        """From what `dump` gave; an empty one from nothing."""
        if not value:
            return Bundle()
        models = map(_loaded, value["models"])
        return Bundle(
            {work.model: work for work in models},
            frozenset(value["assets"]),
            value["recompile"],
            tuple(value["causes"]),
            value["publications"],
        )


def together(bundles: Iterable[Bundle]) -> Bundle:
    """All of them as one."""
    return sum(bundles, Bundle())


def joined(one: ModelWork, other: ModelWork) -> ModelWork:
    """What is new for one model, by two accounts."""
    assets = tuple(sorted({*one.assets, *other.assets}))
    return replace(one, assets=assets, date_range=widened(one.date_range, other.date_range))


def widened(one: DateRange | None, other: DateRange | None) -> DateRange | None:
    """The smallest range with both in it; None, which is everything, if one of them is."""
    if one is None or other is None:
        return None
    # As instants: of two times of one zone Python compares what a clock shows, in autumn twice the same.
    start = min(one.start, other.start, key=datetime.timestamp)
    return DateRange(start, max(one.end, other.end, key=datetime.timestamp), one.timezone)


def _dumped(work: ModelWork) -> dict[str, Any]:
    when = work.date_range
    said = when and {"start": when.start.isoformat(), "end": when.end.isoformat(), "timezone": when.timezone}
    return {"model": work.model, "assets": list(work.assets), "range": said}


def _loaded(value: Mapping[str, Any]) -> ModelWork:
    said = value["range"]
    when = said and DateRange(
        datetime.fromisoformat(said["start"]), datetime.fromisoformat(said["end"]), said["timezone"]
    )
    return ModelWork(value["model"], tuple(value["assets"]), when)
