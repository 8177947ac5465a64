"""What Cube is to build for a refresh: which cubes, in which time zones, for which time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks.capabilities.cube.meta import Meta
from phlo_hooks.capabilities.cube.ranges import LocalRange, local_range, widest
from phlo_hooks.semantics.provider import DateRange, ModelWork


@dataclass(frozen=True)
class Build:
    """One job: pre-aggregations of the same time.

    Args:
        window: local times; None for all of their partitions.
    """

    cubes: tuple[str, ...]
    timezones: tuple[str, ...]
    window: LocalRange | None = None

    def selector(self, contexts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """As Cube takes it."""
        window = {} if self.window is None else {"dateRange": list(self.window)}
        return {
            "contexts": list(contexts),
            "timezones": list(self.timezones),
            "cubes": list(self.cubes),
            **window,
        }


@dataclass(frozen=True)
class Plan:
    """What a refresh comes to.

    Args:
        cubes: those behind each model.
        builds: the jobs.
        doubtful: of these cubes only a job will tell whether there are any.
        idle: cubes without pre-aggregations.
    """

    cubes: Mapping[str, tuple[str, ...]]
    builds: tuple[Build, ...] = ()
    doubtful: frozenset[str] = frozenset()
    idle: tuple[str, ...] = field(default=())


def plan(models: Iterable[ModelWork], meta: Meta, timezones: Sequence[str]) -> Plan:
    """The fewest jobs that are enough.

    Cubes of the same time share a job, and time zones in which it is the same local time, too. A cube that is
    behind several models is built once, for all that is new in them.

    Args:
        models: what is new.
        meta: the data model.
        timezones: that pre-aggregations are built for.
    """
    work = list(models)
    cubes = {each.model: meta.cubes_of(each.model) for each in work}
    windows = _windows(work, cubes)
    idle = tuple(cube for cube in windows if meta.has_pre_aggregations(cube) is False)
    doubtful = frozenset(cube for cube in windows if not meta.is_known(cube))
    busy = {cube: window for cube, window in windows.items() if cube not in idle}
    return Plan(cubes, tuple(_builds(busy, timezones, doubtful)), doubtful, idle)


def _windows(work: Iterable[ModelWork], cubes: Mapping[str, tuple[str, ...]]) -> dict[str, DateRange | None]:
    found: dict[str, list[DateRange | None]] = {}
    for each in work:
        for cube in cubes[each.model]:
            found.setdefault(cube, []).append(each.date_range)
    return {cube: widest(windows) for cube, windows in sorted(found.items())}


def _builds(
    windows: Mapping[str, DateRange | None], timezones: Sequence[str], doubtful: frozenset[str]
) -> Iterable[Build]:
    groups: dict[tuple[DateRange | None, str], list[str]] = {}
    for cube, window in windows.items():
        # Alone, so that an answer that nothing was found is about this one.
        groups.setdefault((window, cube if cube in doubtful else ""), []).append(cube)
    for (window, _), cubes in groups.items():
        for local, zones in _by_local_time(window, timezones).items():
            yield Build(tuple(cubes), tuple(zones), local)


def _by_local_time(window: DateRange | None, timezones: Sequence[str]) -> dict[LocalRange | None, list[str]]:
    found: dict[LocalRange | None, list[str]] = {}
    for timezone in timezones:
        local = None if window is None else local_range(window, timezone)
        found.setdefault(local, []).append(timezone)
    return found
