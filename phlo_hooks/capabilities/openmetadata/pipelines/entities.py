"""Pipelines on the server: made once, and brought up to date without what people wrote being lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phlo_hooks.capabilities.openmetadata.client import Entity
from phlo_hooks.capabilities.openmetadata.fqn import joined
from phlo_hooks.capabilities.openmetadata.kept import Texts, memory_of
from phlo_hooks.capabilities.openmetadata.notices import Notices
from phlo_hooks.capabilities.openmetadata.pipelines.plans import Plan
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.errors import DeliveryError

_SERVICES = "services/pipelineServices"
_PIPELINES = "pipelines"
# Of tasks, too, the last two are told only when they are asked for, and would be lost.
_FIELDS = ("tasks", "tags", "owners")
# Of a task, all that Dagster says; people add tags, owners and words of their own.
_OURS = ("displayName", "taskType", "sourceUrl", "downstreamTasks")


class PipelineEntities:
    """The pipelines below one service.

    Args:
        setup: says which service, and whether it may be made.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._client = setup.client
        state = memory_of(setup)
        self._texts, self._notices = Texts(state), Notices(state)
        self._has_service = False

    def fqn(self, name: str) -> str:
        """The name of a pipeline, with its service."""
        return joined(self._setup.pipeline_service, name)

    def reference(self, plan: Plan) -> dict[str, Any] | None:
        """The pipeline as others refer to it; left as it is where it is there.

        Returns:
            None where somebody has deleted it, or it is not there and `create` is off.

        Raises:
            DeliveryError: the server refuses.
        """
        # Without its tasks: of a large group they are as long as a book.
        found = self._client.find(_PIPELINES, self.fqn(plan.name))
        if found is None and self._setup.create:
            found = self.written(plan)
        return {"id": found["id"], "type": "pipeline"} if found else None

    def written(self, plan: Plan) -> Entity | None:
        """The pipeline as the plan has it; it is written where it is not so already.

        Returns:
            None where somebody has deleted it: it stays deleted, and the log says so.

        Raises:
            DeliveryError: the service is not there and may not be made, or the server refuses.
        """
        found = self._client.find(_PIPELINES, self.fqn(plan.name), *_FIELDS, deleted=True)
        if found is None:
            return self._made(plan)
        if found.get("deleted"):
            self._notices.once(
                f"pipeline {self.fqn(plan.name)} is deleted in OpenMetadata and is left alone: restore it "
                "there, or delete it for good to have it made anew"
            )
            return None
        operations = list(self._operations(found, plan))
        if not operations:
            return found
        changed = self._client.patch(_PIPELINES, found, operations, self._about(plan))
        self._remember(plan)
        return changed

    def _made(self, plan: Plan) -> Entity:
        self._ensure_service()
        body = {"name": plan.name, "service": joined(self._setup.pipeline_service), **plan.body()}
        made = self._client.put(_PIPELINES, body, self._about(plan))
        self._remember(plan)
        return made

    def _ensure_service(self) -> None:
        name = self._setup.pipeline_service
        if self._has_service or self._client.find(_SERVICES, joined(name)) is not None:
            self._has_service = True
            return
        if not self._setup.create:
            raise DeliveryError(
                f"OpenMetadata has no pipeline service {name!r}: add one of type Dagster there, or set "
                "create=True"
            )
        body = {"name": name, "serviceType": "Dagster", **self._connection()}
        self._client.put(_SERVICES, body, f"pipeline service {name}")
        self._has_service = True

    def _connection(self) -> Mapping[str, Any]:
        page = self._setup.webserver_url
        return {"connection": {"config": {"type": "Dagster", "host": page}}} if page else {}

    def _operations(self, found: Entity, plan: Plan) -> Iterator[dict[str, Any]]:
        """Of JSON Patch: `add` also takes the place of what is there."""
        wanted = plan.body()
        if wanted.get("sourceUrl") not in (None, found.get("sourceUrl")):
            yield _add("/sourceUrl", wanted["sourceUrl"])
        if not found.get("displayName"):
            yield _add("/displayName", wanted["displayName"])
        description = wanted.get("description")
        if self._texts.may_replace(self.fqn(plan.name), found.get("description"), description):
            yield _add("/description", description)
        tasks = self._tasks(found, wanted["tasks"])
        if tasks != (found.get("tasks") or []):
            yield _add("/tasks", tasks)

    def _tasks(self, found: Entity, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of Dagster, each with what else is said of it there; in the order that they have there."""
        there = {task["name"]: task for task in found.get("tasks") or []}
        ours = {task["name"]: task for task in wanted}
        order = [*(name for name in there if name in ours), *(name for name in ours if name not in there)]
        return [self._task(there.get(name), ours[name]) for name in order]

    def _task(self, there: Mapping[str, Any] | None, ours: dict[str, Any]) -> dict[str, Any]:
        if there is None:
            return ours
        told = {
            key: ours[key]
            for key in _OURS
            if key in ours and ours[key] != (there.get(key) or _EMPTY.get(key))
        }
        if ours.get("description") and not there.get("description"):
            told["description"] = ours["description"]
        return {**there, **{key: value for key, value in told.items() if value is not None}}

    def _remember(self, plan: Plan) -> None:
        if plan.description:
            self._texts.wrote(self.fqn(plan.name), plan.description)

    def _about(self, plan: Plan) -> str:
        return f"pipeline {self.fqn(plan.name)}"


# A server may leave out what is empty.
_EMPTY: Mapping[str, Any] = {"downstreamTasks": []}


def _add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}
