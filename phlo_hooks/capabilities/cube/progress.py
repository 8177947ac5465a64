"""How far Cube is with what it was told to build: kept between two looks, in JSON's own types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from phlo_hooks.semantics.provider import Progress

_SHOWN = 5


@dataclass
class Jobs:
    """The jobs of one refresh.

    Args:
        models: the cubes behind each model.
        waiting: tokens of what is not built yet, with the cubes that they may be of.
        partitions: how many there are to be built.
        failed: what went wrong, by cube.
        idle: cubes of which nothing was to be built.
        built: the pre-aggregations of which something was.
        metrics: that the models feed.
    """

    models: dict[str, list[str]]
    waiting: list[tuple[list[str], list[str]]] = field(default_factory=list)
    partitions: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    idle: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)

    @classmethod
    def kept(cls, value: Mapping[str, Any]) -> Jobs:
        """As the last `Progress` gave them."""
        return cls(**value)

    @property
    def tokens(self) -> list[str]:
        """Of all that is not built yet."""
        return [token for _, tokens in self.waiting for token in tokens]

    def posted(self, cubes: tuple[str, ...], tokens: tuple[str, ...]) -> None:
        """Note what Cube has taken on."""
        self.waiting.append((list(cubes), list(tokens)))
        self.partitions += len(tokens)

    def note(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Note what has become of those that are waited for.

        Args:
            states: by token, as Cube tells them.
        """
        left = []
        for cubes, tokens in self.waiting:
            still = [token for token in tokens if self._goes_on(states.get(token) or {}, cubes)]
            if still:
                left.append((cubes, still))
        self.waiting = left

    def _goes_on(self, state: Mapping[str, Any], cubes: list[str]) -> bool:
        error = error_of(state)
        if error is not None:
            for cube in _of(state, "cubes") or cubes:
                self.failed.setdefault(cube, error)
            return False
        if not str(state["status"]).startswith("done"):
            return True
        self.built = sorted({*self.built, *_of(state, "preAggregations")})
        return False

    def progress(self) -> Progress:
        """As the contract has it: `failed` only when all has ended: the next attempt must not meet it."""
        details = {"partitions": self.partitions, "built": self.built, "nothing_to_build": self.idle}
        if self.waiting:
            return Progress("running", asdict(self), details={**details, "left": len(self.tokens)})
        good = [name for name, cubes in self.models.items() if not {name, *cubes} & set(self.failed)]
        if self.failed:
            return Progress("failed", details={**details, "refreshed": good}, error=_summary(self.failed))
        return Progress("done", None, tuple(good), tuple(self.metrics), details)


def error_of(state: Mapping[str, Any]) -> str | None:
    """Why a job has failed; None of one that has not.

    Args:
        state: as Cube tells it; without a status, where it says nothing of a job.
    """
    status = str(state.get("status") or "not_found")
    name = ", ".join(_of(state, "preAggregations")) or "a pre-aggregation"
    if status.startswith("failure"):
        return f"{name}: {status.partition(':')[2].strip() or status}"
    if status == "missing_partition" and not _named_source(state):
        return f"{name}: Cube's build ended without a table ({state.get('table')}): its log says why"
    if status == "not_found":
        return "Cube does not know the job any more: it keeps them for a day, in its cache"
    if status == "pre_agg_not_found":
        return f"{name} is no longer in the data model"
    return None


def _named_source(state: Mapping[str, Any]) -> bool:
    """Before 1.7.11, Cube says of each build from a named data source that its partition is missing, until it
    is there: github.com/cube-js/cube/issues/11313.
    """
    return any(source != "default" for source in _of(state, "dataSources"))


def _of(state: Mapping[str, Any], what: str) -> list[str]:
    return [str(each) for each in (state.get("selector") or {}).get(what) or ()]


def _summary(failed: Mapping[str, str]) -> str:
    lines = [f"cube {cube!r}: {error}" for cube, error in failed.items()]
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more
