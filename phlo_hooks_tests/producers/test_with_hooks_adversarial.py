"""Definitions of every kind pass through `with_hooks` unchanged in behaviour."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEvent
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
                self.logs.append(_log(instance, run_id))


def _log(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    records = instance.get_records_for_run(run_id).records
    found = (record.event_log_entry.dagster_event for record in records)
    return [_scrubbed(event) for event in found if event is not None and not _is_ours(event)]


def _is_ours(event: DagsterEvent) -> bool:
    """The step hook leaves one line for each attempt; a resource is set up although none was before."""
    if f'hook "{HOOK_NAME}"' in (event.message or ""):
        return True
    return "initialization of resources [hooks]." in (event.message or "")


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
_CONFIG = {"config_schema_snapshot", "root_config_key"}


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
