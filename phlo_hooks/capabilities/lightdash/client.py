"""Lightdash's REST API, as far as it is used here.

Source: https://docs.lightdash.com/api-reference, and `packages/backend/src` of lightdash/lightdash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from phlo_hooks.errors import DeliveryError
from phlo_hooks.redaction import Redactor
from phlo_hooks.rest import RestClient

# A server without the feature has no such route (404), lets nobody in (403), or has the route but not what
# is behind it (422, MissingConfigError).
_ABSENT = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
# A log of dbt may be pages long.
_SHOWN = 500


@dataclass(frozen=True)
class PreAggregate:
    """A definition, with what became of its latest build.

    Args:
        name: as in the YAML; the API builds by it.
        explore: that it speeds up.
        external: whether somebody else builds its table.
        error: why it cannot be built, or why its latest build has failed.
        invalid: whether it cannot be built at all.
    """

    name: str
    explore: str
    external: bool = False
    error: str | None = None
    invalid: bool = False


class PreAggregates(NamedTuple):
    """Those of a project; `absent` says why there are none to be had."""

    definitions: Sequence[PreAggregate] = ()
    absent: str | None = None


class JobState(NamedTuple):
    """How far a job is: `error` says why it failed."""

    ended: bool
    error: str | None = None


@dataclass(frozen=True)
class LightdashClient:
    """Reads and starts things in one project.

    Args:
        rest: sends the requests; its URL is that of Lightdash, without a path.
        project: uuid.
        token: to be kept out of what Lightdash says.
    """

    rest: RestClient
    project: str
    token: str = field(repr=False)

    @property
    def base(self) -> str:
        """Of the project's pages."""
        return project_page(self.rest.url, self.project)

    def explores(self) -> Sequence[Mapping[str, Any]]:
        """All explores, each with name and label, and with `errors` where it does not compile."""
        found: Sequence[Mapping[str, Any]] = self._read("GET", f"/api/v1/projects/{self.project}/explores")
        return found

    def explore(self, name: str) -> Mapping[str, Any]:
        """One explore with its tables, joins, dimensions and metrics."""
        path = f"/api/v1/projects/{self.project}/explores/{quote(name, safe='')}"
        found: Mapping[str, Any] = self._read("GET", path, about=f"explore {name!r}")
        return found

    def has_repository(self) -> bool:
        """Whether Lightdash has the dbt project; it cannot compile what its CLI deploys."""
        path, about = f"/api/v1/projects/{self.project}", f"project {self.project}"
        connection: str = self._read("GET", path, "dbtConnection", "type", about=about)
        return connection != "none"

    def compile(self) -> str:
        """Have the project compiled anew; the id of the job."""
        path, about = f"/api/v1/projects/{self.project}/refresh", f"project {self.project}"
        job: str = self._read("POST", path, "jobUuid", about=about)
        return job

    def compile_job(self, job: str) -> JobState:
        """How far a compilation is."""
        found = self._read("GET", f"/api/v1/jobs/{quote(job, safe='')}", about=f"job {job}")
        status = _at(found, "jobStatus")
        if status != "ERROR":
            return JobState(status == "DONE")
        failed = [each for each in found.get("steps", ()) if each.get("stepStatus") == "ERROR"]
        said = [f"{each.get('stepLabel')}: {each.get('stepError')}" for each in failed]
        return JobState(True, self._shown("; ".join(said)) or "Lightdash does not say why")

    def pre_aggregates(self) -> PreAggregates:
        """The definitions of all explores."""
        path = f"/api/v2/projects/{self.project}/pre-aggregates/materializations"
        reply = self.rest.send("GET", path, allow=_ABSENT)
        if reply.status in _ABSENT:
            return PreAggregates((), f"Lightdash answered {reply.status} to GET {path}")
        found = _at(reply.data, "results", "data", "materializations")
        return PreAggregates([self._definition(each) for each in found])

    def build(self, definition: str) -> Sequence[str]:
        """Have a pre-aggregate built anew; the ids of the jobs."""
        name = quote(definition, safe="")
        path = f"/api/v1/projects/{self.project}/pre-aggregates/definitions/{name}/refresh"
        jobs: Sequence[str] = self._read("POST", path, "jobIds", about=f"pre-aggregate {definition!r}")
        return jobs

    def build_job(self, job: str) -> JobState:
        """How far the build of a pre-aggregate is."""
        path = f"/api/v1/schedulers/job/{quote(job, safe='')}/status"
        found = self._read("GET", path, about=f"job {job}")
        status = _at(found, "status")
        if status != "error":
            return JobState(status == "completed")
        said = self._shown((found.get("details") or {}).get("error"))
        return JobState(True, said or "Lightdash does not say why")

    def invalidate_cache(self) -> str:
        """Forget the results of all queries; when that was."""
        path, about = f"/api/v1/projects/{self.project}/results-cache/invalidate", f"project {self.project}"
        when: str = self._read("POST", path, "invalidatedAt", about=about)
        return when

    def errors_of(self, explore: Mapping[str, Any]) -> str | None:
        """Why an explore does not compile; None of one that does."""
        if not explore.get("errors"):
            return None
        return self._shown("; ".join(str(each.get("message")) for each in explore["errors"]))

    def _definition(self, found: Mapping[str, Any]) -> PreAggregate:
        invalid, latest = found.get("definitionError"), found.get("materialization") or {}
        failed = latest.get("status") == "failed"
        error = invalid or (failed and (latest.get("errorMessage") or "its build failed")) or None
        return PreAggregate(
            _at(found, "preAggregateName"),
            _at(found, "sourceExploreName"),
            found.get("externalTable") is not None,
            self._shown(error) or None,
            invalid is not None,
        )

    def _read(self, method: str, path: str, *keys: str, about: str = "") -> Any:
        return _at(self.rest.send(method, path, about=about).data, "results", *keys)

    def _shown(self, text: object) -> str:
        """What Lightdash says, without what nobody may see."""
        line = " ".join(Redactor([self.token]).text(str(text or "")).split())
        return f"{line[:_SHOWN]}…" if len(line) > _SHOWN else line


def project_page(url: str, project: str) -> str:
    """Where a project is, for people."""
    return f"{url.rstrip('/')}/projects/{project}"


def _at(found: Any, *keys: str) -> Any:
    """What stands under these keys, one within the other."""
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            raise DeliveryError(
                f"Lightdash has answered without {key!r}: is url that of Lightdash, without a path?"
            )
        found = found[key]
    return found
