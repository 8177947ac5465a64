"""A refresh of Lightdash: compile where a schema has changed, then build the pre-aggregates concerned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from phlo_hooks.capabilities.lightdash.client import LightdashClient, PreAggregate
from phlo_hooks.semantics import Progress, Work

# What `details` say of a step that was left out.
_NOT_COMPILED = (
    "left out: this project is deployed by the Lightdash CLI, so Lightdash cannot compile it; "
    "run `lightdash deploy` where the dbt project is"
)
_NOT_BUILT = "they need an Enterprise plan, and a token that may see the project"


class Problem(NamedTuple):
    """What is wrong with an explore, or with one of its pre-aggregates."""

    explore: str
    why: str
    pre_aggregate: str | None = None

    @property
    def place(self) -> tuple[str, str | None]:
        """What it is about."""
        return self.explore, self.pre_aggregate

    def __str__(self) -> str:
        about = "" if self.pre_aggregate is None else f"pre-aggregate {self.pre_aggregate!r}: "
        return f"explore {self.explore!r}: {about}{self.why}"


@dataclass(frozen=True)
class Refresher:
    """Takes the steps. What has to be known at the next one stands in `Progress.jobs`.

    Args:
        client: of the project.
        pre_aggregates: whether they are built.
        invalidate_cache: whether Lightdash is to forget the results of queries.
    """

    client: LightdashClient
    pre_aggregates: bool = True
    invalidate_cache: bool = False

    def begin(self, work: Work) -> Progress:
        """Start the first step in which there is something to do."""
        if not work.recompile:
            return self._build(work, {})
        if not self.client.has_repository():
            return self._build(work, {"compilation": _NOT_COMPILED})
        return _compiling(self.client.compile())

    def look(self, work: Work, jobs: Mapping[str, Any]) -> Progress:
        """See how far it is, and start the next step when one has ended."""
        if "builds" in jobs:
            return self._look_at_builds(work, jobs)
        return self._look_at_compilation(work, jobs["compilation"])

    def _look_at_compilation(self, work: Work, job: str) -> Progress:
        state = self.client.compile_job(job)
        if not state.ended:
            return _compiling(job)
        if state.error:
            error = f"Lightdash could not compile project {self.client.project}: {state.error}"
            return Progress("failed", details={"compilation": job}, error=error)
        return self._build(work, {"compilation": job})

    def _build(self, work: Work, details: Mapping[str, Any]) -> Progress:
        """Have built what belongs to the explores that compile; the others are told at the end."""
        problems = list(self._broken_explores(work))
        healthy = _models(work) - {each.explore for each in problems}
        if not (self.pre_aggregates and healthy):
            return self._end(work, problems, details)
        found, absent = self.client.pre_aggregates()
        if absent:
            reason = f"left out: {absent}; {_NOT_BUILT}"
            return self._end(work, problems, {**details, "pre_aggregates": reason})
        ours = [each for each in found if each.explore in healthy and not each.external]
        unfit = list(_unfit(ours, found))
        left_out = {each.place for each in unfit}
        builds = self._started(each for each in ours if (each.explore, each.name) not in left_out)
        problems += unfit
        return _building(builds, problems, details) if builds else self._end(work, problems, details)

    def _broken_explores(self, work: Work) -> Iterator[Problem]:
        """What is not there, or does not compile."""
        there = {each["name"]: each for each in self.client.explores()}
        for name in sorted(_models(work)):
            if name not in there:
                yield Problem(name, "there is none of this name: see `phlo-hooks semantic list`")
            elif error := self.client.errors_of(there[name]):
                yield Problem(name, f"it does not compile: {error}")

    def _started(self, definitions: Iterable[PreAggregate]) -> list[dict[str, str]]:
        return [
            {"name": each.name, "explore": each.explore, "job": job}
            for each in definitions
            for job in self.client.build(each.name)
        ]

    def _look_at_builds(self, work: Work, jobs: Mapping[str, Any]) -> Progress:
        waiting, problems = [], [Problem(*each) for each in jobs["problems"]]
        for build in jobs["builds"]:
            state = self.client.build_job(build["job"])
            if state.error:
                problems.append(Problem(build["explore"], state.error, build["name"]))
            elif not state.ended:
                waiting.append(build)
        if waiting:
            return _building(waiting, problems, jobs["details"])
        known = {each.place for each in problems}
        failed = self._failed(jobs["details"]["pre_aggregates"])
        return self._end(
            work, problems + [each for each in failed if each.place not in known], jobs["details"]
        )

    def _failed(self, built: Sequence[str]) -> list[Problem]:
        """A job is completed also when the build in it has failed: the definition tells."""
        found = self.client.pre_aggregates().definitions
        return [
            Problem(each.explore, each.error, each.name)
            for each in found
            if each.name in built and each.error
        ]

    def _end(self, work: Work, problems: Sequence[Problem], details: Mapping[str, Any]) -> Progress:
        fine = tuple(sorted(_models(work) - {each.explore for each in problems}))
        if self.invalidate_cache and fine:
            details = {**details, "results_cache": f"invalidated at {self.client.invalidate_cache()}"}
        if not problems:
            return Progress("done", refreshed=fine, details=details)
        error = "; ".join(sorted(map(str, problems)))
        return Progress("failed", details={**details, "refreshed": list(fine)}, error=error)


def _models(work: Work) -> frozenset[str]:
    return frozenset(each.model for each in work.models)


def _unfit(ours: Iterable[PreAggregate], found: Sequence[PreAggregate]) -> Iterator[Problem]:
    """What cannot be built, and why."""
    for each in ours:
        others = [other.explore for other in found if other.name == each.name and other != each]
        if each.invalid:
            yield Problem(each.explore, f"it cannot be built: {each.error}", each.name)
        elif others:
            # Lightdash would build any one of them.
            why = f"explore {others[0]!r} has one of this name, too, and Lightdash builds by name: rename one"
            yield Problem(each.explore, why, each.name)


def _compiling(job: str) -> Progress:
    return Progress("running", {"compilation": job}, details={"compilation": job})


def _building(
    builds: Sequence[Mapping[str, str]], problems: Sequence[Problem], details: Mapping[str, Any]
) -> Progress:
    said = {**details}
    said.setdefault("pre_aggregates", sorted({each["name"] for each in builds}))
    jobs = {"builds": list(builds), "problems": [list(each) for each in problems], "details": said}
    return Progress("running", jobs, details=said)
