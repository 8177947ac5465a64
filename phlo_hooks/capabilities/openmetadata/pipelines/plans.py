"""The pipelines that the definitions come to: each job, and each group of assets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from phlo_hooks.assets import AssetInfo, JobInfo, TaskInfo
from phlo_hooks.capabilities.openmetadata.links import Links
from phlo_hooks.capabilities.openmetadata.setup import Setup

# What separates the parts of a name, since no name of a job or group of Dagster's can hold it.
_SEPARATOR = ":"
_GROUP = "group"


@dataclass(frozen=True)
class Task:
    """One task of a pipeline.

    Args:
        name: the key of a job's step; in a group, that of an asset.
        kind: what computes it, such as dbt.
        upstream: the names of those it waits for.
    """

    name: str
    kind: str = "op"
    description: str | None = None
    upstream: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True)
class Plan:
    """One pipeline.

    Args:
        name: unique below the service: with the code location, and of a group with `group`.
        tasks: by name.
        by_asset: whether its tasks are assets, and not steps.
    """

    name: str
    title: str
    description: str | None = None
    url: str | None = None
    tasks: Mapping[str, Task] = field(default_factory=dict)
    by_asset: bool = False

    def body(self) -> dict[str, Any]:
        """Its fields in a request."""
        told = {"displayName": self.title, "description": self.description, "sourceUrl": self.url}
        return {**_known(told), "tasks": [self._task(task) for task in self.tasks.values()]}

    def _task(self, task: Task) -> dict[str, Any]:
        told = {
            "name": task.name,
            "displayName": task.name,
            "taskType": task.kind,
            "description": task.description,
            "sourceUrl": task.url,
            "downstreamTasks": self._downstream[task.name],
        }
        return _known(told)

    @cached_property
    def _downstream(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name in self.tasks}
        for task in self.tasks.values():
            for name in task.upstream:
                if name in found:
                    found[name].append(task.name)
        return found

    def below(self, names: set[str]) -> set[str]:
        """Those that wait for any of these, and those that wait for them."""
        found: set[str] = set()
        rest = set(names)
        while rest:
            rest = {each for name in rest for each in self._downstream.get(name, ())} - found
            found |= rest
        return found


class Plans:
    """All of them, as far as anything is told of their assets.

    Args:
        setup: has the definitions.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._links = Links(setup.webserver_url, setup.location)

    def __iter__(self) -> Iterator[Plan]:
        yield from self._jobs.values()
        yield from self._groups.values()

    def job(self, name: str | None) -> Plan | None:
        """The pipeline of a job; None of Dagster's own for assets, and of one whose assets are left out."""
        return self._jobs.get(name or "")

    def has_job(self, name: str | None) -> bool:
        """Whether the definitions hold that job, whether it is told or not."""
        return any(job.name == name for job in self._setup.assets.jobs())

    def group_of(self, key: str) -> Plan | None:
        """The pipeline of an asset's group; None where nothing is told of the asset."""
        info = self._info(key)
        plan = self._groups.get(info.group or "") if info else None
        return plan if plan and key in plan.tasks else None

    def computing(self, key: str) -> Plan | None:
        """The pipeline that computes an asset: its job, where it is in just one; else its group."""
        jobs = self._jobs_by_asset.get(key, [])
        return jobs[0] if len(jobs) == 1 else self.group_of(key)

    @cached_property
    def _jobs(self) -> dict[str, Plan]:
        plans = ((job.name, self._job(job)) for job in self._setup.assets.jobs())
        return {name: plan for name, plan in plans if plan.tasks}

    def _job(self, job: JobInfo) -> Plan:
        tasks = {task.name: self._op(task) for task in job.tasks if self._is_told(task)}
        name = self._name(job.name)
        return Plan(name, job.name, job.description, self._links.job(job.name), tasks)

    def _is_told(self, task: TaskInfo) -> bool:
        return not task.asset_keys or any(map(self._setup.takes, task.asset_keys))

    def _op(self, task: TaskInfo) -> Task:
        infos = [info for key in task.asset_keys if (info := self._setup.assets.asset(key))]
        if not infos:
            return Task(task.name, upstream=task.upstream)
        told = infos[0].description if len(infos) == 1 else None
        return Task(task.name, infos[0].tool, told, task.upstream, self._links.asset(infos[0].key))

    @cached_property
    def _jobs_by_asset(self) -> dict[str, list[Plan]]:
        found: dict[str, list[Plan]] = {}
        for job in self._setup.assets.jobs():
            plan = self._jobs.get(job.name)
            for key in {key for task in job.tasks for key in task.asset_keys if plan}:
                found.setdefault(key, []).append(self._jobs[job.name])
        return found

    @cached_property
    def _groups(self) -> dict[str, Plan]:
        members: dict[str, dict[str, Task]] = {}
        for key in self._setup.assets.keys():  # noqa: SIM118  # no mapping
            info = self._info(key)
            if info and info.group:
                task = Task(key, info.tool, info.description, info.upstream, self._links.asset(key))
                members.setdefault(info.group, {})[key] = task
        return {group: self._group(group, tasks) for group, tasks in members.items()}

    def _group(self, group: str, tasks: Mapping[str, Task]) -> Plan:
        about = f"The assets of the group {group}."
        title = f"{group} (assets)"
        return Plan(self._name(_GROUP, group), title, about, self._links.group(group), tasks, by_asset=True)

    def _info(self, key: str) -> AssetInfo | None:
        """An asset that Dagster computes, and that is told."""
        info = self._setup.assets.asset(key)
        return info if info and info.executable and self._setup.takes(key) else None

    def _name(self, *parts: str) -> str:
        return _SEPARATOR.join([*([self._setup.location] if self._setup.location else []), *parts])


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None}
