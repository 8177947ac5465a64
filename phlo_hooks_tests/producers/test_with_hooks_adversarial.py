"""Definitions of every kind pass through `with_hooks` unchanged in behaviour."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType as T
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value

from phlo_hooks import with_hooks
from phlo_hooks.producers.sensor import SENSOR_NAME
from phlo_hooks.producers.step_hook import HOOK_NAME, RESOURCE_KEY
from phlo_hooks_tests.producers.adversarial import CASES, Calls, Case

# The definitions use what Dagster calls beta, deprecated or superseded: people do.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore::dagster.SupersessionWarning"),
]

EVERY = [pytest.param(case, id=name) for name, case in CASES.items()]

# What differs from one run to the next of the very same definitions.
_VOLATILE = (
    (re.compile(r"\b[\d.]+(e-\d+)?m?s\b"), "<time>"),
    (re.compile(r'("(duration_ms|timestamp)": )[\d.]+'), r"\g<1>0"),
    (re.compile(r'("(pid|log_key)": )("\w*"|\d+)'), r"\g<1>null"),
    (re.compile(r'(\(pid: |_class__": "TextMetadataEntryData", "text": ")\d+'), r"\g<1>0"),
    (re.compile(r'("storage_id": )\d+'), r"\g<1>0"),
    (re.compile(r"/tmp/[^/]+/storage"), "<storage>"),
    (re.compile(r'("dagster/input_event_pointer/[^"]*": )"\d+"'), r'\g<1>"0"'),
)
# Where Dagster says which resources it sets up, ours is among them.
_OURS = (
    (re.compile(r"(resources \[[^\]]*)\bhooks(, )?"), r"\g<1>"),
    (re.compile(r'\{"__class__": "EventMetadataEntry", [^{]*\{[^}]*\}, "label": "hooks(:init_time)?"\}(, )?'), ""),
)


class History:
    """What became of every run of a case, on an instance of its own."""

    def __init__(self, case: Case, *, hooked: bool) -> None:
        self.calls: Calls = []
        self.outcomes: list[bool] = []
        self.tags: list[dict[str, str]] = []
        self.logs: list[list[str]] = []
        self.hooked_steps: list[list[str]] = []
        self.ended_steps: list[list[str]] = []
        defs = case.build(self.calls)
        defs = with_hooks(defs, plugins=False) if hooked else defs
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions("shops", ["paris"])
            for number, run in enumerate(case.runs):
                run_id = str(uuid.UUID(int=number + 1))
                job = defs.resolve_job_def(run.job)
                result = job.execute_in_process(
                    instance=instance, run_id=run_id, raise_on_error=False, **run.options
                )
                self.outcomes.append(result.success)
                self.tags.append(dict(instance.get_run_by_id(run_id).tags))
                events = _events(instance, run_id)
                self.logs.append(_log(events))
                self.hooked_steps.append([each.step_key for each in events if _is_step_hook(each)])
                ended = [each.step_key for each in events if each.event_type in _STEP_ENDS]
                self.ended_steps.append([step for step in ended if step not in case.unhooked])


_STEP_ENDS = {T.STEP_SUCCESS, T.STEP_FAILURE, T.STEP_UP_FOR_RETRY}


def _events(instance: dg.DagsterInstance, run_id: str) -> list[DagsterEvent]:
    records = instance.get_records_for_run(run_id).records
    found = (record.event_log_entry.dagster_event for record in records)
    return [event for event in found if event is not None]


def _log(events: list[DagsterEvent]) -> list[str]:
    theirs = (event for event in events if not _is_ours(event))
    # Dagster keeps the hooks of a step in a set: which comes first is chance.
    steps = groupby(theirs, lambda event: event.is_hook_event and event.step_key)
    return [
        line
        for is_hook, group in steps
        for line in (sorted(map(_scrubbed, group)) if is_hook else map(_scrubbed, group))
    ]


def _is_ours(event: DagsterEvent) -> bool:
    """The step hook leaves one line for each attempt; a resource is set up although none was before."""
    return _is_step_hook(event) or "initialization of resources [hooks]." in (event.message or "")


def _is_step_hook(event: DagsterEvent) -> bool:
    """Completed, that is: an error of it would be an event that was not there without it."""
    return event.event_type is T.HOOK_COMPLETED and f'hook "{HOOK_NAME}"' in (event.message or "")


def _scrubbed(event: DagsterEvent) -> str:
    text = serialize_value(event)
    for pattern, instead in (*_VOLATILE, *_OURS):
        text = pattern.sub(instead, text)
    return text


@pytest.mark.parametrize("case", EVERY)
def test_same_runs(case: Case) -> None:
    """Every run records the same Dagster events in the same order, and the user's code sees the same."""
    plain, hooked = History(case, hooked=False), History(case, hooked=True)
    assert [run.success for run in case.runs] == plain.outcomes
    assert plain.outcomes == hooked.outcomes
    assert plain.calls == hooked.calls
    assert plain.tags == hooked.tags
    assert hooked.ended_steps == hooked.hooked_steps
    for one, other in zip(plain.logs, hooked.logs, strict=True):
        assert one == other


def snapshot(defs: dg.Definitions) -> Any:
    """All that Dagster's UI and daemon ever see of definitions, but for what is ours."""
    snap = json.loads(serialize_value(RepositorySnap.from_def(defs.get_repository_def())))
    return _without_ours(snap)


def _without_ours(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ours(item) for item in value if not _names_us(item)]
    if isinstance(value, dict):
        return {key: _without_ours(item) for key, item in value.items() if key not in _CONFIG}
    return value


# The launchpad's schema has a place for each resource that a job needs, ours among them.
_CONFIG = {"config_schema_snapshot", "root_config_key", "config_field_snap"}


def _names_us(item: Any) -> bool:
    return isinstance(item, dict) and item.get("name") in (RESOURCE_KEY, SENSOR_NAME)


@pytest.mark.parametrize("case", EVERY)
def test_same_definitions(case: Case) -> None:
    """Assets, checks, jobs, schedules, sensors and resources are those that were there."""
    assert snapshot(case.build([])) == snapshot(with_hooks(case.build([]), plugins=False))


@pytest.mark.parametrize("case", EVERY)
def test_loadable(case: Case) -> None:
    """Dagster's own validation accepts the result, once and twice."""
    once = with_hooks(case.build([]), plugins=False)
    dg.Definitions.validate_loadable(once)
    dg.Definitions.validate_loadable(with_hooks(once, plugins=False))


def _ticks(*, hooked: bool) -> dict[str, Any]:
    """What each schedule and sensor answers, before and after a run."""
    defs = CASES["automation"].build([])
    defs = with_hooks(defs, plugins=False) if hooked else defs
    repository, job = defs.get_repository_def(), defs.resolve_job_def("of_table")
    at = datetime(2024, 1, 2, tzinfo=timezone.utc)
    with dg.DagsterInstance.ephemeral() as instance:
        schedules = {
            each.name: each.evaluate_tick(dg.build_schedule_context(instance, at, repository_def=repository))
            for each in repository.schedule_defs
        }
        sensors = [each for each in repository.sensor_defs if each.name not in _ASKED_BY_DAEMON]
        first = {each.name: _ask(each, instance, repository) for each in sensors}
        job.execute_in_process(instance=instance, run_id=str(uuid.UUID(int=1)))
        second = {each.name: _ask(each, instance, repository, first[each.name].cursor) for each in sensors}
    answers = {name: [each.run_requests, each.skip_message] for name, each in schedules.items()}
    for name in first:
        answers[name] = [_answer(tick[name]) for tick in (first, second)]
    return answers


def _ask(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance, repository: Any, cursor: str | None = None
) -> Any:
    context = dg.build_sensor_context(
        instance,
        cursor,
        sensor_name=sensor.name,
        repository_def=repository,
        resources=dict.fromkeys(sensor.required_resource_keys, "#data"),
    )
    return sensor.evaluate_tick(context)


def _answer(tick: Any) -> Any:
    """All but cursors: those are numbers of records, and with the bus there are more of these."""
    runs = [reaction.dagster_run.run_id for reaction in tick.dagster_run_reactions]
    return tick.run_requests, runs, tick.skip_message is None


# Ours, and what has no function of its own.
_ASKED_BY_DAEMON = {SENSOR_NAME, "automation"}


def test_same_ticks() -> None:
    """Every schedule and sensor asks for the same runs, with the same tags and config."""
    plain, hooked = _ticks(hooked=False), _ticks(hooked=True)
    assert plain == hooked
    requested = {name for name, answers in plain.items() if any(answer[0] for answer in answers if answer)}
    assert {"computed", "one_job", "three_jobs", "by_name", "of_assets", "on_success", "on_asset"} <= requested
