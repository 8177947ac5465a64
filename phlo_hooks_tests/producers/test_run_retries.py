"""Whether Dagster may launch a failed run once more: as the settings say, and as a real run's events do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.producers.run_retries import RunRetries
from phlo_hooks.producers.runlog import RunFacts
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import running, runtime_of

ON = RunRetries(enabled=True, most=2)
NOT_STEPS = RunRetries(enabled=True, most=2, of_failed_steps=False)
OF_STEPS = "dagster/retry_on_asset_or_op_failure"

CASES = [
    pytest.param(RunRetries(most=2), {}, (False, False), id="switched off"),
    pytest.param(
        RunRetries(most=2), {"dagster/max_retries": "3"}, (False, False), id="off, whatever a tag says"
    ),
    pytest.param(RunRetries(enabled=True), {}, (False, False), id="none by default"),
    pytest.param(RunRetries(enabled=True), {"dagster/max_retries": "1"}, (True, True), id="the run's tag"),
    pytest.param(ON, {}, (True, True), id="the setting"),
    pytest.param(ON, {"dagster/max_retries": "0"}, (False, False), id="the run's tag says none"),
    pytest.param(ON, {"dagster/max_retries": "many"}, (False, False), id="the run's tag is no number"),
    pytest.param(ON, {"dagster/retry_number": "1"}, (True, True), id="the first retry"),
    pytest.param(ON, {"dagster/retry_number": "2"}, (False, False), id="the last retry"),
    pytest.param(NOT_STEPS, {}, (False, True), id="not when a step failed"),
    pytest.param(NOT_STEPS, {OF_STEPS: "true"}, (True, True), id="not for steps, but for those of this run"),
    pytest.param(ON, {OF_STEPS: "False"}, (False, True), id="not for the steps of this run"),
]


@pytest.mark.parametrize(("settings", "tags", "expected"), CASES)
def test_settings_and_tags(settings: RunRetries, tags: dict[str, str], expected: tuple[bool, bool]) -> None:
    """Where a step failed, and where the run's process died."""
    found = tuple(settings.may_follow(tags, step_failed=failed) for failed in (True, False))
    assert found == expected


def test_nobody_knows() -> None:
    """Without the instance's settings."""
    assert RunFacts("id", "job").may_retry(step_failed=True) is None


@dg.asset
def broken() -> None:
    raise ValueError("no")


@dg.asset(deps=[broken])
def child() -> None: ...


def instance_with(folder: Path, **retries: Any) -> Any:
    return dg.instance_for_test(overrides={"run_retries": retries} if retries else {}, temp_dir=str(folder))


DEPLOYED = [
    pytest.param({}, False, id="no retries"),
    pytest.param({"enabled": True, "max_retries": 1}, True, id="one"),
    pytest.param(
        {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False}, False, id="not of steps"
    ),
]


@pytest.mark.parametrize(("retries", "expected"), DEPLOYED)
def test_step_hook_and_tail_agree(tmp_path: Path, retries: dict[str, Any], expected: bool) -> None:
    """With each other, and with what Dagster then says of the run."""
    home = tmp_path / "home"
    home.mkdir()
    defs = with_hooks(
        dg.Definitions(assets=[broken, child]), plugins=False, store=f"sqlite:///{tmp_path}/a.db"
    )
    only_tail = with_hooks(
        dg.Definitions(assets=[broken, child]),
        plugins=False,
        step_hooks=False,
        store=f"sqlite:///{tmp_path}/b.db",
    )
    with no_fsync(), instance_with(home, **retries) as instance, running(defs, instance=instance) as ran:
        by_hook = ran.one("ingestion.end", asset_key="broken")
        runtime_of(only_tail).tail(instance, "").collect_run(ran.result.run_id)
        found = [each.event for each in runtime_of(only_tail).store(instance).events()]
        (by_tail,) = [event for event in found if event.event_type == "ingestion.end"]
        (skipped,) = [event for event in found if event.event_type == "transform.end"]
        run = instance.get_run_by_id(ran.result.run_id)
    assert by_hook.run_may_retry is by_tail.run_may_retry is expected
    assert skipped.run_may_retry is None
    assert run is not None
    assert run.tags.get("dagster/will_retry", "false") == str(expected).lower()
