"""What is known of a run so far: its events come one by one, and perhaps to different processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from phlo_hooks.capabilities.openmetadata.kept import digest, update
from phlo_hooks.state import StateStore

# A run that takes longer is told as if it began anew.
_KEPT = timedelta(days=7)
# Of several assets of one step, the one that says most about it counts.
_WEIGHT = ("started", "skipped", "success", "canceled", "failure")


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Args:
        task: the step that did, where it was one.
    """

    message: str | None = None
    error_class: str | None = None
    task: str | None = None


@dataclass(frozen=True)
class Run:
    """A run. Times are milliseconds since 1970.

    Args:
        status: how it ended: `success`, `failure` or `canceled`; None while it runs.
        failed: the keys of the steps that failed it.
        facts: what else is said of it, such as its partition.
        pipelines: the names of those that it is one of.
        told: what was last written of it, by pipeline: a hash.
    """

    start: int | None = None
    end: int | None = None
    status: str | None = None
    failed: tuple[str, ...] = ()
    failure: Failure | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    pipelines: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)

    def ended(self, status: str, at: int, failed: tuple[str, ...], failure: Failure | None) -> Run:
        """It has ended so; a second end changes nothing."""
        if self.status is not None:
            return self
        return replace(self, status=status, end=at, failed=failed, failure=failure)

    def part_of(self, *names: str) -> Run:
        """It is one of these pipelines, too."""
        return replace(self, pipelines=tuple(dict.fromkeys((*self.pipelines, *names))))


@dataclass(frozen=True)
class TaskRun:
    """What one task came to in a run.

    Args:
        task: its name in the pipeline.
        step: the key of the step.
        attempt: of the step, from 1.
        status: `started`, `success`, `failure`, `skipped` or `canceled`.
        start, end: in milliseconds; None where it never began, or has not ended.
    """

    task: str
    step: str
    attempt: int = 1
    status: str = "started"
    start: int | None = None
    end: int | None = None

    def after(self, before: TaskRun | None) -> TaskRun:
        """Both together: a later attempt counts alone, and of one attempt the worst that came of it."""
        if before is None or before.attempt < self.attempt:
            return self
        if self.attempt < before.attempt:
            return before
        worse = max(before.status, self.status, key=_WEIGHT.index)
        return replace(
            before,
            status=worse,
            start=min(filter(None, (before.start, self.start)), default=None),
            end=max(filter(None, (before.end, self.end)), default=None),
        )


@dataclass(frozen=True)
class RunLedger:
    """The memory of runs.

    Args:
        state: keeps it for a week. A task has an entry of its own: a run may have thousands.
    """

    state: StateStore

    def noted(self, run_id: str, change: Callable[[Run], Run]) -> Run:
        """The run, with what is new of it."""
        value = update(self.state, _run(run_id), lambda old: _written(change(_read(old))), _KEPT)
        return _read(value)

    def note_task(self, run_id: str, pipeline: str, task: TaskRun) -> None:
        """A task of the run has come so far."""

        def merged(old: dict[str, Any] | None) -> dict[str, Any]:
            return asdict(task.after(TaskRun(**old) if old else None))

        update(self.state, _tasks(run_id, pipeline) + digest(task.task), merged, _KEPT)

    def tasks(self, run_id: str, pipeline: str) -> dict[str, TaskRun]:
        """What is known of the tasks of a pipeline in the run, by name."""
        found = (TaskRun(**entry.value) for entry in self.state.list(_tasks(run_id, pipeline)))
        return {task.task: task for task in found}

    def own_time(self, run_id: str, pipeline: str, start: int) -> int:
        """The millisecond that is the key of the run in a pipeline: its start, or the next that is free.

        Two runs of one millisecond would be one run there.
        """
        at = start
        while update(self.state, f"at/{digest(pipeline)}/{at}", lambda old: old or run_id, _KEPT) != run_id:
            at += 1
        return at


def _read(value: Mapping[str, Any] | None) -> Run:
    known = value or {}
    failure = known.get("failure")
    lists = {key: tuple(known.get(key, ())) for key in ("failed", "pipelines")}
    return Run(**{**known, **lists, "failure": Failure(**failure) if failure else None})


def _written(run: Run) -> dict[str, Any]:
    return {**asdict(run), "failed": list(run.failed), "pipelines": list(run.pipelines)}


def _run(run_id: str) -> str:
    return f"run/{run_id}"


def _tasks(run_id: str, pipeline: str) -> str:
    return f"run/{run_id}/{digest(pipeline)}/"
