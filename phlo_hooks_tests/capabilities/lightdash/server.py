"""Lightdash on loopback, as far as its API is used: one project, with its explores, jobs and pre-aggregates.

Routes, shapes and states are those of lightdash/lightdash: `packages/backend/src/controllers` (explores, jobs,
schedulers), `ee/controllers/PreAggregateController`, `ee/services/PreAggregateMaterializationService`,
`packages/common/src/types/job.ts` and `explore.ts`, and of https://docs.lightdash.com/api-reference.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from typing_extensions import Self

from phlo_hooks.testing import Fault, FaultServer, Received
from phlo_hooks_tests.capabilities.lightdash.explores import summary

PROJECT = "3675b69e-8324-4110-bdca-059031aa8da3"
TOKEN = "canary0000lightdash0000token0001"
# What a job says at each look, before its end.
_COMPILING = ("STARTED", "RUNNING")
_ROLES = ("viewer", "developer", "admin")
_BUILDING = ("scheduled", "started")


class Refused(Exception):
    """An error of Lightdash, as its API tells it."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name = status, name


@dataclass
class Job:
    """A job that has its states yet to go through.

    Args:
        end: called when it ends; gives what it says then.
    """

    left: list[str]
    end: Callable[[], dict[str, Any]]
    said: dict[str, Any] | None = None


@dataclass
class Definition:
    """A pre-aggregate.

    Args:
        fails: what its next builds fail with.
        job_fails: the same, as of a job that crashes.
        builds: how many there were, the failed ones too.
    """

    name: str
    explore: str
    error: str | None = None
    table: str | None = None
    fails: str | None = None
    job_fails: str | None = None
    builds: int = 0
    latest: dict[str, Any] | None = None

    def summary(self) -> dict[str, Any]:
        return {
            "preAggregateDefinitionUuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.explore}/{self.name}")),
            "preAggregateName": self.name,
            "externalTable": self.table,
            "preAggExploreName": f"__preagg__{self.explore}__{self.name}",
            "sourceExploreName": self.explore,
            "definitionError": self.error,
            "refreshCron": None,
            "warnings": [],
            "materialization": self.latest,
        }

    def build(self) -> dict[str, Any]:
        """What its job says at its end: it is completed also when the build has failed."""
        self.builds += 1
        if self.job_fails:
            return {"status": "error", "details": {"error": self.job_fails}}
        status = "failed" if self.fails else "active"
        self.latest = {"status": status, "errorMessage": self.fails, "trigger": "manual", "rowCount": 7}
        return {"status": "completed", "details": {"materializationStatus": status}}


@dataclass
class Lightdash:
    """Use it in a `with` statement. It is a `FaultServer` underneath: `server.next` and `always` make it fail.

    Args:
        token: of whoever may come in.
        explores: as they are compiled, by name; one with `errors` does not compile.
        repository: what the next compilation finds; None for the same again.
        connection: type of the dbt connection; `none` of a project that the CLI deploys.
        role: `viewer`, who may only look, `developer`, or `admin`.
        edition: what it answers to pre-aggregates, other than 200.
        compile_fails: what the next compilations fail with.
        repeats: repeat the token wherever something is said.
    """

    token: str = TOKEN
    explores: dict[str, dict[str, Any]] = field(default_factory=dict)
    repository: dict[str, dict[str, Any]] | None = None
    definitions: list[Definition] = field(default_factory=list)
    connection: str = "github"
    role: str = "developer"
    edition: int = 200
    compile_fails: str | None = None
    repeats: bool = False
    jobs: dict[str, Job] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self.server = FaultServer(judge=self._judge)
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.server.close()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def calls(self) -> list[str]:
        """What was handled, without the project: `POST refresh`, `GET explores`."""
        return [_short(each) for each in self.server.processed]

    @property
    def writes(self) -> list[str]:
        """What was started, in order."""
        return [call for call in self.calls if call.startswith("POST")]

    def definition(self, name: str) -> Definition:
        (found,) = [each for each in self.definitions if each.name == name]
        return found

    def _judge(self, received: Received) -> Fault:
        with self._lock:
            try:
                results = self._answer(received)
            except Refused as exc:
                said = f"{exc} {self.token}" if self.repeats else str(exc)
                error = {"statusCode": exc.status, "name": exc.name, "message": said, "data": {}}
                return Fault.answer(exc.status, json.dumps({"status": "error", "error": error}))
        return Fault.accept(HTTPStatus.OK, json.dumps({"status": "ok", "results": results}).encode())

    def _answer(self, received: Received) -> Any:
        scheme = "Bearer" if self.token.startswith("ldsvc_") else "ApiKey"
        if received.headers.get("authorization") != f"{scheme} {self.token}":
            raise Refused(401, "AuthorizationError", "Failed to authorize user")
        if received.body or "?" in received.path:
            raise Refused(400, "ParameterError", "nothing here takes a body or a query")
        match [received.method, *map(unquote, received.path.split("/")[1:])]:
            case ["GET", "api", "v1", "jobs", job]:
                return self._look(job, _compilation)
            case ["GET", "api", "v1", "schedulers", "job", job, "status"]:
                return self._look(job, _build)
            case ["GET" | "POST" as method, "api", version, "projects", project, *path]:
                if project != PROJECT:
                    raise Refused(404, "NotFoundError", f"Cannot find project with id: {project}")
                return self._write(version, path) if method == "POST" else self._read(version, path)
        raise Refused(404, "NotFoundError", "API endpoint not found")

    def _read(self, version: str, path: list[str]) -> Any:
        match [version, *path]:
            case ["v1"]:
                return {"projectUuid": PROJECT, "dbtConnection": {"type": self.connection}}
            case ["v1", "explores"]:
                return [summary(each) for each in self.explores.values()]
            case ["v1", "explores", name]:
                if name not in self.explores:
                    raise Refused(404, "NotFoundError", f'Explore "{name}" does not exist.')
                return self.explores[name]
            case ["v2", "pre-aggregates", "materializations"]:
                self._check_edition()
                return {"data": {"materializations": [each.summary() for each in self.definitions]}}
        raise Refused(404, "NotFoundError", "API endpoint not found")

    def _write(self, version: str, path: list[str]) -> Any:
        match [version, *path]:
            case ["v1", "refresh"]:
                return {"jobUuid": self._start(_COMPILING, self._compile)}
            case ["v1", "pre-aggregates", "definitions", name, "refresh"]:
                return {"jobIds": [self._start(_BUILDING, self._buildable(name).build)]}
            case ["v1", "results-cache", "invalidate"]:
                self._check_role("admin")
                return {"projectUuid": PROJECT, "invalidatedAt": "2026-03-01T12:00:00.000Z"}
        raise Refused(404, "NotFoundError", "API endpoint not found")

    def _check_edition(self) -> None:
        if self.edition != HTTPStatus.OK:
            raise Refused(self.edition, "MissingConfigError", "Unable to initialize service")

    def _buildable(self, name: str) -> Definition:
        self._check_edition()
        found = [each for each in self.definitions if each.name == name]
        if not found:
            raise Refused(404, "NotFoundError", f'Pre-aggregate definition "{name}" was not found')
        if found[0].error:
            raise Refused(400, "ParameterError", f'"{name}" cannot be materialized: {found[0].error}')
        return found[0]

    def _start(self, states: tuple[str, ...], end: Callable[[], dict[str, Any]]) -> str:
        self._check_role("developer")
        job = str(uuid.uuid4())
        self.jobs[job] = Job(list(states), end)
        return job

    def _check_role(self, needed: str) -> None:
        if _ROLES.index(self.role) < _ROLES.index(needed):
            raise Refused(403, "ForbiddenError", "You don't have access to this resource or action")

    def _look(self, name: str, shape: Callable[[dict[str, Any]], Any]) -> Any:
        job = self.jobs.get(name)
        if job is None:
            raise Refused(404, "NotFoundError", f"Cannot find job {name}")
        if job.left:
            return shape({"status": job.left.pop(0)})
        if job.said is None:
            job.said = job.end()
        return shape(job.said)

    def _compile(self) -> dict[str, Any]:
        if self.compile_fails:
            said = f"{self.compile_fails} {self.token}" if self.repeats else self.compile_fails
            return {"status": "ERROR", "error": said}
        if self.repository is not None:
            self.explores = dict(self.repository)
        return {"status": "DONE"}


def _compilation(said: Mapping[str, Any]) -> dict[str, Any]:
    failed = said["status"] == "ERROR"
    steps = [
        {"stepType": "TESTING_ADAPTOR", "stepLabel": "Testing adaptor", "stepStatus": "DONE"},
        {
            "stepType": "COMPILING",
            "stepLabel": "Compiling",
            "stepStatus": "ERROR" if failed else "RUNNING",
            "stepError": said.get("error"),
        },
    ]
    return {"jobType": "COMPILE_PROJECT", "jobStatus": said["status"], "steps": steps}


def _build(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": said["status"], "details": said.get("details")}


def _short(received: Received) -> str:
    path = unquote(received.path).partition(f"/projects/{PROJECT}")
    rest = (path[2] or "/project") if path[1] else path[0].removeprefix("/api/v1")
    pieces = [piece for piece in rest.split("/") if piece and len(piece) != len(PROJECT)]
    return f"{received.method} {'/'.join(pieces)}"
