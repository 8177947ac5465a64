"""What the demo tells: exactly the events of `golden_events.txt`, by whichever way they come."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks.delivery.history import events_of_run
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.describe import outcome
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks.producers.with_hooks import with_hooks

from .conftest import BuiltDemo

pytestmark = pytest.mark.e2e

GOLDEN = Path(__file__).with_name("golden_events.txt")


def line(event: HookEvent) -> str:
    """Type, subject, partition, outcome and inputs."""
    where = event.correlation
    subject = ":".join(filter(None, (where.asset_key or where.job_name, where.check_name)))
    inputs = ", ".join(sorted(upstream for upstream, _ in getattr(event, "edges", ())))
    parts = (event.event_type, subject, where.partition_key, outcome(event), inputs and f"from {inputs}")
    return " ".join(part for part in parts if part)


def told(runtime: Runtime, built: BuiltDemo) -> list[HookEvent]:
    """All that a store has of the demo's runs, once the tail has been through."""
    tick(built.instance, runtime, "")
    store = runtime.store(built.instance)
    return [event for run in built.runs for event in events_of_run(store, run.run_id)]


def runtime_of(definitions: dg.Definitions) -> Runtime:
    return definitions.resources["hooks"].runtime


def test_the_events_are_those_of_the_golden_table(built: BuiltDemo) -> None:
    """Recorded by the step hooks of the run, completed by the tail."""
    events = told(runtime_of(build_definitions(home=built.home, console=False)), built)
    assert GOLDEN.read_text().splitlines() == sorted(map(line, events))


def test_the_tail_alone_tells_the_same_under_the_same_ids(built: BuiltDemo, tmp_path: Path) -> None:
    """From Dagster's log, into another store, long after the runs."""
    both = told(runtime_of(build_definitions(home=built.home, console=False)), built)
    first = min(built.instance.get_run_record_by_id(run.run_id).create_timestamp for run in built.runs)
    definitions = build_definitions(home=built.home, console=False)
    bare = dg.Definitions(
        assets=definitions.assets, asset_checks=definitions.asset_checks, jobs=definitions.jobs
    )
    alone = with_hooks(bare, store=f"sqlite:///{tmp_path}/tail.db", step_hooks=False, since=first)
    events = told(runtime_of(alone), built)
    assert {event.event_id: line(event) for event in both} == {e.event_id: line(e) for e in events}


def test_each_model_has_its_sql(built: BuiltDemo) -> None:
    """As dbt compiled it: what it reads is named as in the warehouse."""
    events = told(runtime_of(build_definitions(home=built.home, console=False)), built)
    ended = {
        event.asset_key: event
        for event in events
        if event.event_type == "transform.end" and event.status == "success"
    }
    assert {key.partition("/")[0] for key in ended} == {"staging", "marts"}
    for event in ended.values():
        assert "select" in event.sql.lower()
        assert "{{" not in event.sql
        assert "phlo_hooks/sql" not in event.metadata
