"""Definitions of every kind pass through `with_hooks` unchanged in behaviour."""

from __future__ import annotations

import json
import re
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType as T
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value

from phlo_hooks import with_hooks
from phlo_hooks.producers.sensor import SENSOR_NAME
from phlo_hooks.producers.step_hook import HOOK_NAME, RESOURCE_KEY
from phlo_hooks_tests.producers.adversarial import CASES, Case

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
    (re.compile(r"\b\d+(\.\d+)?m?s\b"), "<time>"),
    (re.compile(r"pid: \d+"), "pid: <pid>"),
    (re.compile(r'"duration_ms": [\d.]+'), '"duration_ms": 0'),
    (re.compile(r'("(metadata|timestamp|\w*time\w*|pid|step_keys)": )\{"__class__": "FloatMetadataEntryData", "value": [\d.e-]+\}'), "x"),
)


@pytest.mark.parametrize("case", EVERY)
def test_same_events(case: Case) -> None:
    """Every run records the same Dagster events in the same order, and the user's code sees the same."""
    plain, hooked = _History(case, hooks=False), _History(case, hooks=True)
    assert plain.outcomes == [run.success for run in case.runs]
    assert plain.outcomes == hooked.outcomes
    assert plain.calls == hooked.calls
    assert plain.tags == hooked.tags
    for one, other in zip(plain.logs, hooked.logs, strict=True):
        assert one == other
