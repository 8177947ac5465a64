"""The same runs on every storage, seen by steps and by the tail: one set of OpenLineage events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from phlo_hooks.envelope import utc_now
from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.backend import Backend
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import QUIET, catch_up, on_openlineage
from phlo_hooks_tests.capabilities.openlineage.lifecycle import Event
from phlo_hooks_tests.capabilities.openlineage.scenes.partitions import WINDOWS
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import ASSET_JOB

pytestmark = [*QUIET, pytest.mark.e2e]

SCENES = (
    (scenes.ten_assets(), {}),
    (scenes.several_checks(), {}),
    (scenes.a_standalone_check(passes=False, severity="WARN"), {}),
    (scenes.retried(), {}),
    (scenes.time_partitioned("daily"), {"partition_key": WINDOWS["daily"].key}),
)
# Two for each run of Dagster, attempt and check.
EVENTS = 16 + 14 + 8 + 12 + 6
# A moment; runs, and versions that are made of them, are seen by what they look like.
_OWN = frozenset({"eventTime"})
_IDS = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{64}\b")


def told(new_instance, storage: str, *, step_hooks: bool) -> list[str]:
    """What a backend gets of all scenes, without what is another each time, in an order of its own."""
    events: list[Event] = []
    with no_fsync(), Backend() as backend, new_instance(storage) as instance:
        for number, (scene, options) in enumerate(SCENES):
            folder = f"sqlite:///{instance.root_directory}/hooks_{number}.db"
            # Since now: what ran before belongs to other definitions.
            hooked = on_openlineage(scene, backend, step_hooks=step_hooks, store=folder, since=utc_now())
            job = hooked.resolve_job_def(ASSET_JOB)
            job.execute_in_process(instance=instance, raise_on_error=False, **options)
            catch_up(hooked, instance)
            backend.check_lifecycle()
            events += backend.events
            backend.clear()
    return sorted(json.dumps(_lasting(event), sort_keys=True) for event in events)


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: None if key in _OWN else _lasting(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return _IDS.sub("…", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def expected(new_instance) -> list[str]:
    """Dagster's default storage, told by step hooks and the tail."""
    return told(new_instance, "sharded", step_hooks=True)


@pytest.mark.parametrize(
    ("storage", "step_hooks"),
    [
        pytest.param("sharded", False, id="SQLite, tail alone"),
        pytest.param("consolidated", True, id="consolidated SQLite"),
        pytest.param("consolidated", False, id="consolidated SQLite, tail alone"),
        pytest.param("postgres", True, id="PostgreSQL", marks=pytest.mark.postgres),
        pytest.param("postgres", False, id="PostgreSQL, tail alone", marks=pytest.mark.postgres),
    ],
)
def test_the_same_events(storage, step_hooks, expected, new_instance):
    """All of it: names, states, facets, errors."""
    assert EVENTS == len(expected)
    assert expected == told(new_instance, storage, step_hooks=step_hooks)


def test_there_is_something_to_compare(expected):
    """Failures, checks, retries and partitions are among them."""
    text = "\n".join(expected)
    for word in ("FAIL", "dataQualityAssertions", "nominalTime", "errorMessage", "connection reset"):
        assert word in text, word
