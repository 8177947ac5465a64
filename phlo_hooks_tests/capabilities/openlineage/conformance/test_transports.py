"""Where events go is said by fields, by openlineage.yml or by the environment; `os.environ` stays as it was."""

from __future__ import annotations

import json
import os

import dagster as dg
import yaml

from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.sensor import tick
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.backend import Backend
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import (
    QUIET,
    on_openlineage,
    play,
    undelivered,
)
from phlo_hooks_tests.capabilities.openlineage.conformance.test_outage import on_time_of, pass_time
from phlo_hooks_tests.capabilities.openlineage.lifecycle import errors_of_runs
from phlo_hooks_tests.capabilities.openlineage.spec import check as check_spec
from phlo_hooks_tests.delivery.helpers import Clock
from phlo_hooks_tests.producers.recording import ASSET_JOB, runtime_of

pytestmark = QUIET

# Of `ten_assets`: the run's own two, and two of each of seven that were tried.
EVENTS = 16


def run(defs: dg.Definitions, **fields) -> None:
    """On an ephemeral instance: what is told is told when it ends. The environment is left as it was."""
    before = dict(os.environ)
    hooked = on_openlineage(defs, None, **fields)
    with dg.DagsterInstance.ephemeral() as instance:
        hooked.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance, raise_on_error=False)
        assert [] == undelivered(runtime_of(hooked).store(instance))
    assert before == dict(os.environ)


def test_into_a_file(tmp_path):
    """A line each, in order, every one valid."""
    path = tmp_path / "lineage.jsonl"
    run(scenes.ten_assets(), transport={"type": "file", "log_file_path": str(path), "append": True})
    events = [json.loads(line) for line in path.read_text().splitlines()]
    for event in events:
        check_spec(event)
    assert (EVENTS, []) == (len(events), errors_of_runs(events))


def test_by_openlineage_yml(backend, tmp_path, monkeypatch):
    """Which OPENLINEAGE_CONFIG names."""
    config = tmp_path / "openlineage.yml"
    config.write_text(yaml.safe_dump({"transport": {"type": "http", "url": backend.url}}))
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(config))
    run(scenes.ten_assets())
    assert EVENTS == len(backend.events)
    backend.check_lifecycle()


def test_by_a_file_of_its_own(backend, tmp_path):
    """A field of the resource."""
    config = tmp_path / "lineage.yml"
    config.write_text(yaml.safe_dump({"transport": {"type": "http", "url": backend.url}}))
    run(scenes.ten_assets(), config_file=str(config))
    assert EVENTS == len(backend.events)


def test_by_the_environment(monkeypatch):
    """OPENLINEAGE_URL and OPENLINEAGE_API_KEY, as every other producer has them."""
    with Backend(api_key="key-of-a-backend") as backend:
        monkeypatch.setenv("OPENLINEAGE_URL", backend.url)
        monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-of-a-backend")
        run(scenes.ten_assets())
        assert EVENTS == len(backend.events)


def test_a_key_from_the_environment(monkeypatch):
    """By the resource's own field."""
    monkeypatch.setenv("LINEAGE_KEY", "key-of-a-backend")
    with Backend(api_key="key-of-a-backend") as backend:
        run(scenes.ten_assets(), url=backend.url, api_key=dg.EnvVar("LINEAGE_KEY"))
        assert EVENTS == len(backend.events)


def test_two_of_which_one_is_down(backend, instance, tmp_path):
    """Both get everything in the end, and neither anything twice."""
    with Backend() as other:
        transports = [{"type": "http", "url": each.url} for each in (backend, other)]
        composite = {"type": "composite", "continue_on_failure": True, "transports": transports}
        store = f"sqlite:///{tmp_path}/hooks.db"
        hooked = on_openlineage(scenes.ten_assets(), None, transport=composite, store=store, since=utc_now())
        clock = Clock()
        clock.now = utc_now()
        on_time_of(clock, hooked, instance)
        other.always(Fault.answer(503))
        hooked.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance, raise_on_error=False)
        tick(instance, runtime_of(hooked), "")
        assert (1, 0) >= (len(backend.events), len(other.events))
        other.recover()
        pass_time(clock, hooked, instance)
        assert [] == undelivered(runtime_of(hooked).store(instance))
        for each in (backend, other):
            each.check_lifecycle()
            assert EVENTS == len(each.events)


def test_nobody_says_where():
    """Everything waits, and what waits says what to do."""
    hooked = on_openlineage(scenes.external_deps(), None)
    with dg.DagsterInstance.ephemeral() as instance:
        hooked.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance)
        waiting = runtime_of(hooked).store(instance).deliveries()
    assert {"pending", "retrying"} >= {each.state.value for each in waiting}
    assert "no OpenLineage transport is configured: set url" in str(waiting[0].last_error)


def test_each_run_is_told_where_its_environment_says(backend, monkeypatch):
    """A variable that is set between two runs counts for the second."""
    play(backend, scenes.external_deps())
    with Backend() as other:
        monkeypatch.setenv("LINEAGE_URL", other.url)
        run(scenes.external_deps(), url=dg.EnvVar("LINEAGE_URL"))
        assert 6 == len(backend.events) == len(other.events)
