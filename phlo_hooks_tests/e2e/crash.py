"""What the processes do that `test_crash` kills, run jobs and relay, and what there is to tell of it."""

from __future__ import annotations

import os
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterEventType as T

from phlo_hooks import HookRegistration, with_hooks
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks.retry import RetryPolicy
from phlo_hooks_tests.e2e import golden
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.dagster_log import events_of
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.receiver import post_to

# One call may take so long; what a killed relay had leased is due after twice that.
TIMEOUT = 1.0
# Short, for the end of the test waits for it; long enough that nothing dies of a busy machine.
RETRY = RetryPolicy(schedule=(0.5,) * 30)


# What each asset is made of.
INPUTS = {"second": ("first",), "third": ("second",)}
CHECK = "first_sound"
RUN_EVENTS = {T.RUN_START: "run.start", T.RUN_SUCCESS: "run.success", T.RUN_FAILURE: "run.failure"}


def plain(middle: Callable[[], None] = lambda: None) -> dg.Definitions:
    """Three assets in a row and a check; `middle` happens within the second."""

    @dg.asset
    def first() -> None: ...

    @dg.asset(deps=[first])
    def second() -> None:
        middle()

    @dg.asset(deps=[second])
    def third() -> None: ...

    @dg.asset_check(asset=first)
    def sound() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return dg.Definitions(
        assets=[first, second, third], asset_checks=[sound], executor=dg.in_process_executor
    )


def hooked(port: int, defs: dg.Definitions | None = None, **options: Any) -> dg.Definitions:
    """The same, told to the receiver at this port."""
    post = HookRegistration("post", post_to(port), timeout=TIMEOUT, retry=RETRY, circuit=None)
    return with_hooks(defs or plain(), hooks=[post], plugins=False, **options)


def run_jobs(instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
    """One run after the other."""
    job = defs.resolve_implicit_global_asset_job_def()
    while True:
        job.execute_in_process(instance=instance, run_id=str(uuid.uuid4()), raise_on_error=False)


def relay(instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
    """One pass after the other, as `phlo-hooks relay` does; short ones, to be killed anywhere in them."""
    runtime: Runtime = runtime_of(defs)
    while True:
        tick(instance, runtime, "", budget=random.uniform(0.2, 2.0))


WORK: dict[str, Callable[[dg.DagsterInstance, dg.Definitions], None]] = {"run": run_jobs, "relay": relay}


def work(kind: str, home: str, port: int, log: str, ready: Connection) -> None:
    """Do this kind of work on the instance of a folder, until somebody kills the process."""
    with Path(log).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    random.seed()
    # What a process has written outlives it, in the disk or not; only the machine must not die.
    with no_fsync(), dg.DagsterInstance.from_config(home) as instance:
        defs = hooked(port)
        ready.send(kind)
        WORK[kind](instance, defs)


def expected_rows(instance: dg.DagsterInstance, run_id: str) -> Iterator[golden.Row]:
    """The events of one run that is over, as Dagster's own log says it."""
    log = events_of(instance, run_id)
    types = {event.event_type for event in log}
    started = {event.step_key for event in log if event.event_type is T.STEP_START}
    made = {event.step_key for event in log if event.event_type is T.ASSET_MATERIALIZATION}
    planned = {event.step_key for event in log if event.event_type is T.ASSET_MATERIALIZATION_PLANNED}
    # A worker may be killed when it has said that the run succeeded, before the run's state says so: then
    # Dagster's log has both ends.
    for recorded, event_type in RUN_EVENTS.items():
        if recorded in types:
            yield golden.Row(event_type)
    for step in sorted(filter(None, planned)):
        yield from _asset_rows(step, started=step in started, made=step in made)
    if CHECK in started:
        kind = "quality.result" if T.ASSET_CHECK_EVALUATION in types else "quality.error"
        yield golden.Row(kind, CHECK, 1, "first", "sound")


def _asset_rows(step: str, *, started: bool, made: bool) -> Iterator[golden.Row]:
    kind = "transform" if step in INPUTS else "ingestion"
    if started:
        yield golden.Row(f"{kind}.start", step, 1, step)
    yield golden.Row(f"{kind}.end", step, 1, step)
    if made and step in INPUTS:
        yield golden.Row("lineage.edges", step, 1, step)


def expected_ids(instance: dg.DagsterInstance) -> set[str]:
    """The ids of all events that there are to tell."""
    run_ids = [run.run_id for run in instance.get_runs()]
    return {golden.expected_id(run_id, row) for run_id in run_ids for row in expected_rows(instance, run_id)}
