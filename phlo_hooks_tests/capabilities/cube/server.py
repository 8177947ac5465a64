"""A Cube on loopback: stateful, and as strict as the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import Any

from typing_extensions import Self

from phlo_hooks.testing import Fault, FaultServer, Received
from phlo_hooks_tests.capabilities.cube.datamodel import SHOP, Cube, PreAggregation, Window
from phlo_hooks_tests.capabilities.cube.requests import (
    RefusedError,
    Selector,
    claims_of,
    read_job,
    user_error,
)

SECRET = "canary-c1-api-secret"
META, JOBS = "/v1/meta", "/v1/pre-aggregations/jobs"


@dataclass
class Job:
    """A partition that is built."""

    cube: str
    pre_aggregation: str
    data_source: str
    timezone: str
    context: Mapping[str, Any]
    window: Window | None
    looks: int
    status: str = "scheduled"

    @property
    def id(self) -> str:
        """Of the pre-aggregation."""
        return f"{self.cube}.{self.pre_aggregation}"


@dataclass
class CubeServer:
    """Speaks `/v1/meta` and `/v1/pre-aggregations/jobs`. Use it in a `with` statement.

    Args:
        cubes: the data model.
        secret: that tokens are to be signed with.
        scopes: that every token has.
        looks: how often a job is not done yet.
        failures: what becomes of a pre-aggregation instead: `failure: …`, `missing_partition`.
        waits: how often it says `Continue wait` before it answers.
        compiles: an error of the data model.
        old: before 1.7.11, with its mistake about named data sources.
    """

    cubes: Sequence[Cube] = SHOP
    secret: str = SECRET
    scopes: set[str] = field(default_factory=lambda: {"meta", "data", "graphql", "sql", "jobs"})
    base_path: str = "/cubejs-api"
    looks: int = 1
    failures: dict[str, str] = field(default_factory=dict)
    waits: int = 0
    compiles: str | None = None
    old: bool = False
    posted: list[Selector] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    claims: list[Mapping[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.server = FaultServer(judge=self._judge).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.server.close()

    @property
    def url(self) -> str:
        """Where it is, without the path."""
        return self.server.url

    def asked(self) -> list[str]:
        """What was asked for, in order: `meta`, `post` and `get`."""
        return [_what(each) for each in self.server.requests]

    def built(self) -> list[tuple[str, str]]:
        """The partitions that were built, each as often as it was: their pre-aggregation and first day."""
        return sorted((job.id, job.window[0][:10] if job.window else "") for job in self.jobs.values())

    def _judge(self, received: Received) -> Fault:
        try:
            body = self._answer(received)
        except RefusedError as exc:
            return Fault.answer(exc.status, json.dumps(exc.body))
        return Fault.accept(200, json.dumps(body).encode())

    def _answer(self, received: Received) -> Any:
        path, _, query = received.path.partition("?")
        if not path.startswith(self.base_path):
            raise RefusedError(404, "Not found")
        self.claims.append(claims_of(received.headers, self.secret))
        if self.waits > 0:
            self.waits -= 1
            return {"error": "Continue wait"}
        route = (received.method, path[len(self.base_path) :])
        if route == ("GET", META):
            return self._meta(query)
        if route == ("POST", JOBS):
            return self._jobs(received)
        raise RefusedError(404, "Not found")

    def _scope(self, name: str) -> None:
        if name not in self.scopes:
            raise RefusedError(403, f"API scope is missing: {name}")

    def _meta(self, query: str) -> Any:
        self._scope("meta")
        if self.compiles:
            raise RefusedError(500, f"Error: Compile errors:\n{self.compiles}")
        cubes = [cube.meta() for cube in self.cubes if cube.public]
        if not query.startswith("extended"):
            cubes = [
                {k: v for k, v in cube.items() if k not in ("sql", "joins", "preAggregations")}
                for cube in cubes
            ]
        return {"cubes": cubes}

    def _jobs(self, received: Received) -> Any:
        self._scope("jobs")
        if "json" not in received.headers.get("content-type", ""):
            raise user_error("No job description provided")
        job = read_job(received.json())
        if isinstance(job, Selector):
            return self._build(job)
        return {token: self._state(token) for token in job}

    def _build(self, selector: Selector) -> list[str]:
        self.posted.append(selector)
        tokens = [self._note(job) for job in self._found(selector)]
        if not tokens:
            raise user_error(
                "A user's selector doesn't match any of the pre-aggregations defined in the data model."
            )
        return tokens

    def _found(self, selector: Selector) -> list[Job]:
        return [
            Job(cube.name, each.name, cube.data_source, zone, context, window, self.looks)
            for context in selector.contexts
            for cube in self.cubes
            if not selector.cubes or cube.name in selector.cubes
            for each in cube.pre_aggregations
            for zone in selector.timezones
            for window in cube.partitions(each, selector.window)
        ]

    def _note(self, job: Job) -> str:
        token = sha256(json.dumps([asdict(job), len(self.jobs)]).encode()).hexdigest()[:16]
        self.jobs[token] = job
        return token

    def _state(self, token: str) -> dict[str, Any]:
        job = self.jobs.get(token)
        if job is None:
            return {"status": "not_found"}
        if not any(
            PreAggregation(job.pre_aggregation) in _bare(cube) for cube in self.cubes if cube.name == job.cube
        ):
            job.status = "pre_agg_not_found"
        elif job.looks > 0:
            job.looks -= 1
            job.status = "missing_partition" if self.old and job.data_source != "default" else "processing"
        else:
            job.status = self.failures.get(job.id, "done")
        return {
            "table": f"prod.{job.cube}_{job.pre_aggregation}",
            "status": job.status,
            "selector": self._about(job),
        }

    def _about(self, job: Job) -> dict[str, Any]:
        return {
            "cubes": [job.cube],
            "preAggregations": [job.id],
            "contexts": [job.context],
            "timezones": [job.timezone],
            "dataSources": [job.data_source],
        }


def _bare(cube: Cube) -> list[PreAggregation]:
    return [PreAggregation(each.name) for each in cube.pre_aggregations]


def _what(received: Received) -> str:
    return "meta" if received.method == "GET" else received.json()["action"]
