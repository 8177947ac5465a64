"""What the processes do that `test_crash` kills: run jobs, and relay, for ever."""

from __future__ import annotations

import os
import random
import sys
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import dagster as dg

from phlo_hooks import HookRegistration, with_hooks
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks.retry import RetryPolicy
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.receiver import post_to

# One call may take so long; what a killed relay had leased is due after twice that.
TIMEOUT = 1.0
# Short, for the end of the test waits for it; long enough that nothing dies of a busy machine.
RETRY = RetryPolicy(schedule=(0.5,) * 30)


@dg.asset
def first() -> None: ...


@dg.asset(deps=[first])
def second() -> None: ...


@dg.asset(deps=[second])
def third() -> None: ...


@dg.asset_check(asset=first)
def sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


PLAIN = dg.Definitions(assets=[first, second, third], asset_checks=[sound], executor=dg.in_process_executor)
INPUTS = {"second": ("first",), "third": ("second",)}


def hooked(port: int) -> dg.Definitions:
    """Three assets and a check, told to the receiver at this port."""
    post = HookRegistration("post", post_to(port), timeout=TIMEOUT, retry=RETRY, circuit=None)
    return with_hooks(PLAIN, hooks=[post], plugins=False)


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
