"""The scenes run, alone and on the bus, and are what they say: a suite on a scene that is none proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.scenes.graphs import FAILED, NEVER_STARTED, SUCCEEDED
from phlo_hooks_tests.capabilities.openlineage.scenes.partitions import (
    MULTI_KEY,
    RANGE_TAGS,
    TENANTS,
    WINDOWS,
)
from phlo_hooks_tests.capabilities.openlineage.scenes.secrets import CANARIES, leaks
from phlo_hooks_tests.producers.recording import ASSET_JOB, Ran, golden, running

# Dagster's observable sources and backfill policies.
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore:Property `OpDefinition.version` is deprecated:DeprecationWarning"),
]

# A scene, how it is run, and what is told of it: the ends of its assets, "!" where one failed, "~" where one never ran.
RUNS: dict[str, tuple[Callable[[], dg.Definitions], str, dict[str, Any], str]] = {
    "ten": (lambda: scenes.ten_assets(fails=False), ASSET_JOB, {}, " ".join(sorted({*SUCCEEDED, *NEVER_STARTED, FAILED}))),
    "ten, one fails": (scenes.ten_assets, ASSET_JOB, {}, " ".join(sorted(["!enriched", *SUCCEEDED, *("~" + name for name in NEVER_STARTED)]))),
    "external": (scenes.external_deps, ASSET_JOB, {}, "orders report"),
    "external, alone": (scenes.external_deps, "only_report", {}, "report"),
    "optional, left out": (scenes.optional_output, ASSET_JOB, {}, "after always ~sometimes"),
    "optional": (lambda: scenes.optional_output(skips=False), ASSET_JOB, {}, "after always sometimes"),
    "multi-asset": (scenes.multi_asset, ASSET_JOB, {}, "orders rates refunds source staged"),
    "multi-asset, a part": (scenes.multi_asset, "only_orders", {}, "orders staged"),
    "retried": (scenes.retried, ASSET_JOB, {}, "!flaky !flaky after flaky orders"),
    "retried in vain": (lambda: scenes.retried(failures=9), ASSET_JOB, {}, "!flaky !flaky !flaky orders ~after"),
    "static": (scenes.static, ASSET_JOB, {"partition_key": "a b/c%"}, "orders report"),
    "multi": (scenes.multi, "only_orders", {"partition_key": MULTI_KEY}, "orders"),
    "weekly of days": (scenes.mapped, "only_weekly", {"partition_key": "2026-03-29"}, "weekly"),
    "all of days": (scenes.mapped, "only_total", {}, "total"),
    "several checks": (scenes.several_checks, ASSET_JOB, {}, "orders raw_orders report"),
    "check passes": (lambda: scenes.a_standalone_check(passes=True), ASSET_JOB, {}, "orders report"),
    "check warns": (lambda: scenes.a_standalone_check(passes=False, severity="WARN"), ASSET_JOB, {}, "orders report"),
    "check fails": (lambda: scenes.a_standalone_check(passes=False), ASSET_JOB, {}, "orders report"),
    "check blocks": (lambda: scenes.a_standalone_check(passes=False, blocking=True), ASSET_JOB, {}, "orders ~report"),
    "check alone": (lambda: scenes.a_standalone_check(passes=False), "only_check", {}, ""),
    "check crashes": (scenes.crashing_check, ASSET_JOB, {}, "orders"),
    "observed": (scenes.observed_in_a_step, ASSET_JOB, {}, "orders report"),
    "observe": (scenes.observable_source, "observe", {}, ""),
    "op job": (scenes.op_job, "load", {}, "orders raw/events"),
    "wide": (scenes.wide_schema, ASSET_JOB, {}, "features raw_orders"),
    "secrets": (scenes.secrets, ASSET_JOB, {}, "!broken loaded ~after"),
    **{
        name: (lambda name=name: scenes.time_partitioned(name), ASSET_JOB, {"partition_key": window.key}, "orders report")
        for name, window in WINDOWS.items()
    },
}  # fmt: skip
FAILS = {"ten, one fails", "retried in vain", "check blocks", "check crashes", "secrets"}


@pytest.fixture
def on_the_bus(tmp_path: Path) -> Callable[..., dg.Definitions]:
    """With a store of its own."""
    return lambda defs: with_hooks(defs, store=f"sqlite:///{tmp_path}/hooks.db", plugins=False)


def told(ran: Ran) -> str:
    """The assets whose step has ended, "!" before one that failed, "~" before one that never ran."""
    ends = [
        event for event in ran.events if event.event_type in {"ingestion.end", "transform.end", "publish.end"}
    ]
    marks = {"success": "", "failure": "!", "skipped": "~"}
    return " ".join(sorted(marks[event.status] + str(event.correlation.asset_key) for event in ends))


@pytest.mark.parametrize("name", RUNS)
def test_a_scene_is_what_it_says(name, on_the_bus) -> None:
    """It ends as it should, and each asset's end is told, once for each attempt."""
    build, job, options, expected = RUNS[name]
    with running(on_the_bus(build()), job, **options) as ran:
        assert (name not in FAILS) == ran.result.success
        assert expected == told(ran)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("several checks", "has_rows passed, ids_are_unique failed ERROR, is_fresh failed WARN"),
        ("check passes", "totals passed"),
        ("check warns", "totals failed WARN"),
        ("check fails", "totals failed ERROR"),
        ("check blocks", "totals failed ERROR"),
        ("check alone", "totals failed ERROR"),
        ("check crashes", "totals crashed"),
    ],
)
def test_a_check_says_what_it_should(name, expected, on_the_bus) -> None:
    """Or nothing, where it crashed."""
    build, job, options, _ = RUNS[name]
    with running(on_the_bus(build()), job, **options) as ran:
        rows = [row for row in golden(ran.events) if row.check]
    assert expected == ", ".join(f"{row.check} {row.status}" for row in rows)


def test_a_scene_runs_without_the_bus() -> None:
    """It needs nothing of ours."""
    for build, job, options, _ in RUNS.values():
        assert build().resolve_job_def(job).name == job, options


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_windows(window) -> None:
    """As Dagster counts them, to the second, over a change of the clocks."""
    found = window.definition.time_window_for_partition_key(window.key)
    assert datetime.fromisoformat(window.start) == found.start
    assert datetime.fromisoformat(window.end) == found.end
    assert (window.start, window.end) == (found.start.isoformat(), found.end.isoformat())


def test_a_month_in_one_run(on_the_bus) -> None:
    """31 partitions of each asset, one step each."""
    with running(on_the_bus(scenes.range_in_one_run()), tags=RANGE_TAGS) as ran:
        assert ran.result.success
        keys = {event.partition for event in ran.result.get_asset_materialization_events()}
        assert 31 == len(keys)


def test_tenants(on_the_bus) -> None:
    """A partition that is there since a minute ago."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(TENANTS.name), ["acme"])
        with running(on_the_bus(scenes.dynamic()), instance=instance, partition_key="acme") as ran:
            assert "orders report" == told(ran)


def test_reported_from_outside(on_the_bus) -> None:
    """Events that belong to no run."""
    with dg.DagsterInstance.ephemeral() as instance:
        on_the_bus(scenes.runless(instance, partition="2026-01-31"))
        (record,) = instance.fetch_materializations(dg.AssetKey(["crm", "accounts"]), limit=2).records
        assert ("", "2026-01-31") == (record.run_id, record.partition_key)


def still_running_job() -> dg.JobDefinition:
    """For the processes of the steps, which load it from here."""
    return scenes.still_running().resolve_job_def("everything")


@pytest.mark.e2e
def test_a_branch_still_runs(tmp_path: Path) -> None:
    """It ends, and what is behind it begins, after the other branch has failed."""
    job = dg.reconstructable(still_running_job)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance, dg.execute_job(job, instance) as result:
        steps = [event for event in result.all_events if event.is_step_success or event.is_step_failure]
    order = [str(event.step_key) for event in steps]
    assert ["source", "quick_broken", "slow", "after_slow"] == order
    assert not result.success


def test_secrets_are_there_to_be_found() -> None:
    """In what Dagster itself keeps, all of them are."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = scenes.secrets().resolve_job_def(ASSET_JOB)
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        kept = "".join(repr(each) for each in instance.all_logs(result.run_id))
    assert list(CANARIES) == leaks(kept)
    assert [] == leaks("nothing")
