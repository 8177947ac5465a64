"""Jobs and asset groups as pipelines, and what their runs came to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from phlo_hooks.capabilities.openmetadata.kept import digest, memory_of
from phlo_hooks.capabilities.openmetadata.links import Links
from phlo_hooks.capabilities.openmetadata.pipelines.entities import PipelineEntities
from phlo_hooks.capabilities.openmetadata.pipelines.plans import Plan, Plans
from phlo_hooks.capabilities.openmetadata.pipelines.run_ledger import Failure, Run, RunLedger, TaskRun
from phlo_hooks.capabilities.openmetadata.pipelines.run_status import RunStatus
from phlo_hooks.capabilities.openmetadata.rounds import Rounds, write_all
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.errors import PermanentError
from phlo_hooks.events import AssetEvent, DefinitionsEvent, HookEvent, QualityResultEvent, RunEvent

_ENDS = frozenset({"success", "failure", "canceled"})
# The step of a dynamic op has what it is about in brackets: `load[2026-01-01]`.
_DYNAMIC = re.compile(r"\[[^\]]*\]")


class PipelineWriter:
    """Writes them.

    A run is written when it begins, as Pending; when it ends; and after that, when something was told of it
    that was not known before. What became of its tasks is collected between: of a run with a thousand steps
    there are still two requests. The same events once more write nothing.

    Args:
        setup: what the parts of the resource share.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._plans = Plans(setup)
        self._entities = PipelineEntities(setup)
        self._state = memory_of(setup)
        self._ledger = RunLedger(self._state)
        self._links = Links(setup.webserver_url, setup.location)

    def handle(self, event: HookEvent) -> None:
        """Deliver one event.

        Raises:
            DeliveryError: the server could not be reached, or refuses.
        """
        if isinstance(event, DefinitionsEvent):
            Rounds("pipelines", self._state).go(event.event_id, self._by_name, self._write)
        elif event.run_id is not None:
            self._tell(event.run_id, self._noted(event.run_id, event))

    def sync(self) -> None:
        """Bring every pipeline up to date that the definitions have; their runs are told by events.

        Raises:
            PermanentError: some were refused; all others are written.
            DeliveryError: the server could not be reached.
        """
        write_all(self._by_name, self._write)

    def _write(self, name: str) -> None:
        self._entities.written(self._by_name[name])

    def _noted(self, run_id: str, event: HookEvent) -> Run:
        if isinstance(event, RunEvent):
            return self._ledger.noted(run_id, self._run_change(event))
        place = self._place(event)
        if place is None:
            return Run()
        plan, task = place
        self._ledger.note_task(run_id, plan.name, task)
        return self._ledger.noted(run_id, lambda run: run.part_of(plan.name))

    def _run_change(self, event: RunEvent) -> Callable[[Run], Run]:
        plan = self._plans.job(event.job_name)
        at = _milliseconds(event.timestamp)

        def change(run: Run) -> Run:
            run = run.part_of(plan.name) if plan else run
            run = replace(run, facts={**run.facts, **_facts(event)})
            if event.status in _ENDS:
                failed = tuple(_task_name(step.step_key) for step in event.failed_steps)
                return run.ended(event.status, at, failed, _failure(event))
            # It is told under its end by then: under another key it would be there twice.
            return run if run.told and run.start is None else replace(run, start=at)

        return change

    def _place(self, event: HookEvent) -> tuple[Plan, TaskRun] | None:
        """The task that an event is about; None where nothing is told of it."""
        where, status = event.correlation, _status(event)
        if status is None or where.step_key is None:
            return None
        by_job = self._plans.has_job(where.job_name)
        plan = self._plans.job(where.job_name) if by_job else self._group(event)
        name = _task_name(where.step_key) if by_job else where.asset_key or ""
        if plan is None or name not in plan.tasks:
            return None
        began = getattr(event, "started_at", None) or (event.timestamp if status == "started" else None)
        start = _milliseconds(began) if began else None
        end = _milliseconds(event.timestamp) if status != "started" else None
        return plan, TaskRun(name, where.step_key, where.attempt or 1, status, start, end)

    def _group(self, event: HookEvent) -> Plan | None:
        """Of a run that is no job's, only assets are told: a check is no task of its group."""
        key = event.correlation.asset_key
        return self._plans.group_of(key) if isinstance(event, AssetEvent) and key else None

    def _tell(self, run_id: str, run: Run) -> None:
        if run.start is None and run.status is None:
            return
        for name in run.pipelines:
            plan = self._by_name.get(name)
            if plan and (run.status is not None or name not in run.told):
                self._tell_one(run_id, run, plan)

    def _tell_one(self, run_id: str, run: Run, plan: Plan) -> None:
        tasks = self._ledger.tasks(run_id, plan.name)
        # One that was canceled in the queue never began.
        at = self._ledger.own_time(run_id, plan.name, run.start or run.end or 0)
        status = RunStatus(run_id, run, plan, tasks, self._links)
        document = status.document(at, self._setup.client.version)
        known = digest(json.dumps(document, sort_keys=True))
        if run.told.get(plan.name) == known:
            return
        if plan.name in run.told or self._entities.written(plan) is not None:
            self._put(run_id, plan, document)
        self._ledger.noted(run_id, lambda run: replace(run, told={**run.told, plan.name: known}))

    def _put(self, run_id: str, plan: Plan, document: dict[str, Any]) -> None:
        fqn = self._entities.fqn(plan.name)
        about = f"run {run_id} of pipeline {fqn}"
        path = f"/pipelines/{quote(fqn, safe='')}/status"
        try:
            self._setup.client.write("PUT", path, document, about)
        except PermanentError:
            # Since the run began, the pipeline was deleted, or the definitions have other tasks.
            if self._entities.written(plan) is not None:
                self._setup.client.write("PUT", path, document, about)

    @cached_property
    def _by_name(self) -> dict[str, Plan]:
        return {plan.name: plan for plan in self._plans}


def _status(event: HookEvent) -> str | None:
    """What an event says of its step; None of one that says nothing."""
    if isinstance(event, AssetEvent):
        return "success" if event.status == "no_data" else event.status
    if isinstance(event, QualityResultEvent):
        # A check that finds something has done its work.
        return "failure" if event.event_type == "quality.error" else "success"
    return None


def _task_name(step_key: str) -> str:
    return _DYNAMIC.sub("", step_key)


def _failure(event: RunEvent) -> Failure | None:
    step = event.failed_steps[0] if event.failed_steps else None
    error = step.error if step and step.error else event.error
    if step is None and error is None:
        return None
    name = _task_name(step.step_key) if step else None
    return Failure(error.message if error else None, error.error_class if error else None, name)


def _facts(event: RunEvent) -> dict[str, str]:
    told = {
        "partition_key": event.partition_key,
        "launched_by": event.launched_by,
        "backfill_id": event.correlation.backfill_id,
        "parent_run_id": event.correlation.parent_run_id,
    }
    return {key: value for key, value in told.items() if value}


def _milliseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000)
