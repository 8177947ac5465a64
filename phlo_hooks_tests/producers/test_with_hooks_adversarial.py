"""Definitions of every kind pass through `with_hooks` unchanged in behaviour."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.producers.sensor import SENSOR_NAME
from phlo_hooks_tests.producers.adversarial import CASES, Calls, Case
from phlo_hooks_tests.producers.dagster_log import (
    IS_FIRST_SUPPORTED,
    STEP_ENDS,
    events_of,
    is_step_hook,
    snapshot,
    told,
)

# The definitions use what Dagster calls beta, deprecated or superseded: people do.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore::dagster.SupersessionWarning"),
]

EVERY = [pytest.param(case, id=name) for name, case in CASES.items()]


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
                events = events_of(instance, run_id)
                self.logs.append(told(events))
                self.hooked_steps.append([each.step_key for each in events if is_step_hook(each)])
                ended = [each.step_key for each in events if each.event_type in STEP_ENDS]
                self.ended_steps.append([step for step in ended if step not in case.unhooked])


@pytest.mark.parametrize("case", EVERY)
def test_same_runs(case: Case) -> None:
    """Every run records the same Dagster events in the same order, and the user's code sees the same."""
    plain, hooked = History(case, hooked=False), History(case, hooked=True)
    if not IS_FIRST_SUPPORTED:
        # Dagster 1.12.0 knows no partitions of checks: what asks for them fails there, hooked or not.
        assert [run.success for run in case.runs] == plain.outcomes
    assert plain.outcomes == hooked.outcomes
    assert plain.calls == hooked.calls
    assert plain.tags == hooked.tags
    assert hooked.ended_steps == hooked.hooked_steps
    for one, other in zip(plain.logs, hooked.logs, strict=True):
        assert one == other


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
    assert {
        "computed",
        "one_job",
        "three_jobs",
        "by_name",
        "of_assets",
        "on_success",
        "on_asset",
    } <= requested
