"""A run as OpenMetadata has it: how it went, and each of its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phlo_hooks.capabilities.openmetadata.links import Links
from phlo_hooks.capabilities.openmetadata.pipelines.plans import Plan
from phlo_hooks.capabilities.openmetadata.pipelines.run_ledger import Run, TaskRun

# OpenMetadata knows four. Of a canceled run its connector for dbt Cloud says Skipped, too: nothing is broken.
_STATUS = {
    None: "Pending",
    "started": "Pending",
    "success": "Successful",
    "failure": "Failed",
    "canceled": "Skipped",
    "skipped": "Skipped",
}
# From then on a run may say more than its times and tasks.
_SAYS_MORE = (1, 12)


@dataclass(frozen=True)
class RunStatus:
    """What is told of a run in one pipeline.

    Args:
        run_id: Dagster's.
        tasks: what is known of each, by name; of others, nothing is told.
    """

    run_id: str
    run: Run
    plan: Plan
    tasks: Mapping[str, TaskRun]
    links: Links

    def document(self, at: int, version: tuple[int, int]) -> dict[str, Any]:
        """The body of a request.

        Args:
            at: the millisecond that is its key.
            version: of the server.
        """
        told = {
            "timestamp": at,
            "executionStatus": _STATUS[self._status()],
            "endTime": self.run.end,
            # An older server fails without them.
            "taskStatus": [self._task(task) for _, task in sorted(self._known().items())],
            **(self._more() if version >= _SAYS_MORE else {}),
        }
        return {key: value for key, value in told.items() if value is not None}

    def _status(self) -> str | None:
        """That of the run; of a group of assets, what its own assets came to: others may have failed it."""
        if self.run.status is None or not self.plan.by_asset:
            return self.run.status
        found = {task.status for task in self._known().values()}
        if "started" in found or not found:
            return self.run.status
        return next(each for each in ("failure", "canceled", "success", "skipped") if each in found)

    def _known(self) -> dict[str, TaskRun]:
        """With those that never said how they ended: the steps that failed the run, and all behind them."""
        known = {name: task for name, task in self.tasks.items() if name in self.plan.tasks}
        if not self.plan.by_asset:
            for name in self.run.failed:
                if name in self.plan.tasks:
                    known[name] = self._failed(name, known.get(name))
            for name in self.plan.below(set(self.run.failed)):
                known.setdefault(name, TaskRun(name, name, status="skipped"))
        return known

    def _failed(self, name: str, task: TaskRun | None) -> TaskRun:
        failed = TaskRun(name, name, task.attempt if task else 1, "failure", end=self.run.end)
        if task is None:
            return failed
        return TaskRun(name, task.step, task.attempt, "failure", task.start, task.end or self.run.end)

    def _task(self, task: TaskRun) -> dict[str, Any]:
        told = {
            "name": task.task,
            "executionStatus": _STATUS[task.status],
            "startTime": task.start,
            "endTime": task.end if task.start else None,
            "logLink": self.links.step(self.run_id, task.step),
        }
        return {key: value for key, value in told.items() if value is not None}

    def _more(self) -> dict[str, Any]:
        page = self.links.run(self.run_id)
        facts = {**self.run.facts, **({"run_url": page} if page else {})}
        error = dict(self._error())
        return {
            "executionId": self.run_id,
            **({"parameters": facts} if facts else {}),
            **({"error": error} if error else {}),
        }

    def _error(self) -> Iterator[tuple[str, str]]:
        failure = self.run.failure
        if failure is None:
            return
        named = (
            ("errorType", failure.error_class),
            ("errorMessage", failure.message),
            ("failedTask", failure.task),
        )
        yield from ((key, value) for key, value in named if value)
