"""Delivery in the run's own process: opt-in, at once, and never at the run's expense."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks import HookBusResource, HookEvent, HookFilter, HookRegistration, with_hooks
from phlo_hooks.producers.in_run import FLUSH, InRunRelay
from phlo_hooks_tests.producers.recording import runtime_of

ENDS = HookFilter(event_types={"ingestion.end"})


def write(event: HookEvent) -> None:
    """Notes who was told of what; a process of its own can do that, too."""
    with Path(os.environ["TOLD"]).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {event.correlation.asset_key}\n")


@dg.asset
def one() -> None:
    """The first."""


@dg.asset
def two() -> None:
    """The second."""


def multi() -> dg.Definitions:
    """For the multiprocess executor, which imports it by its name."""
    return definitions(write, dg.multiprocess_executor)


def definitions(handler: object, executor: dg.ExecutorDefinition) -> dg.Definitions:
    """Two assets whose events are delivered in the run."""
    return with_hooks(
        dg.Definitions(
            assets=[one, two],
            executor=executor,
            resources={"hooks": HookBusResource(deliver_in_run=True)},
            jobs=[dg.define_asset_job("both", [one, two])],
        ),
        hooks=[HookRegistration("write", handler, filters=ENDS)],  # type: ignore[arg-type]
        plugins=False,
    )


@pytest.mark.e2e
def test_steps_of_processes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each delivers what it recorded before it ends; neither daemon nor relay is there."""
    told = tmp_path / "told.txt"
    monkeypatch.setenv("TOLD", str(told))
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        job = dg.reconstructable(both_job)
        assert dg.execute_job(job, instance).success
    lines = [line.split() for line in told.read_text().splitlines()]
    assert {asset for _, asset in lines} == {"one", "two"}
    assert len(lines) == 2
    assert str(os.getpid()) not in {pid for pid, _ in lines}


def both_job() -> dg.JobDefinition:
    """The job, as a child process finds it."""
    return multi().resolve_job_def("both")


@pytest.mark.e2e
def test_a_hook_that_hangs_holds_up_the_end_for_seconds(tmp_path: Path) -> None:
    """And not the steps; what it did not take is left for a relay."""
    gate = threading.Event()
    defs = definitions(lambda event: gate.wait(120), dg.in_process_executor)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        began = time.monotonic()
        assert defs.resolve_job_def("both").execute_in_process(instance=instance).success
        took = time.monotonic() - began
        assert FLUSH <= took < 4 * FLUSH
        assert runtime_of(defs).store(instance).pending_count() == 2
        gate.set()


def test_without_the_option_nothing_is_delivered(tmp_path: Path) -> None:
    """The run writes rows, and goes on."""
    told: list[HookEvent] = []
    hook = HookRegistration("spy", told.append, filters=ENDS)
    defs = with_hooks(dg.Definitions(assets=[one]), hooks=[hook], plugins=False)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance).success
        assert (told, runtime_of(defs).store(instance).pending_count()) == ([], 1)


def test_trouble_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The thread ends; nothing is raised into the run."""

    def fail(stopping: object) -> None:
        raise RuntimeError("no relay")

    relay = InRunRelay(fail)  # type: ignore[arg-type]
    for _ in range(3):
        relay.wake()
    relay.end()
    assert caplog.text.count("a relay will deliver the rest") == 1
