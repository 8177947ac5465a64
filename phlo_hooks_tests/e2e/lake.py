"""The definitions that these tests run: one of each thing that can happen to an asset.

Subprocesses, the multiprocess executor and `dagster dev` load this file too.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg

from phlo_hooks import with_hooks
from phlo_hooks.capabilities import FileResource
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.producers import tail
from phlo_hooks.producers.sensor import tick

LINEAGE = dg.TableColumnLineage(
    {"customer": [dg.TableColumnDep(asset_key="raw/orders", column_name="customer_id")]}
)


@dg.asset(key_prefix="raw", owners=["team:data"], kinds={"python"})
def orders() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 12})


@dg.asset(deps=[orders])
def customers() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/column_lineage": LINEAGE})


@dg.asset(deps=[orders], retry_policy=dg.RetryPolicy(max_retries=1))
def flaky(context: dg.AssetExecutionContext) -> None:
    if context.retry_number == 0:
        raise ValueError("the first time")


@dg.asset(deps=[orders])
def bad() -> None:
    raise ValueError("no such column: amount")


@dg.asset(deps=[bad])
def child() -> None:
    """Never begins."""


@dg.multi_asset(specs=[dg.AssetSpec("kept", deps=[orders]), dg.AssetSpec("left_out", skippable=True)])
def some_of_two() -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult("kept")


@dg.asset_check(asset=orders)
def has_rows() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"rows": 12})


@dg.asset_check(asset=orders)
def has_no_gaps() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset_check(asset=orders)
def breaks() -> dg.AssetCheckResult:
    raise RuntimeError("division by zero")


@dg.op
def look(context: dg.OpExecutionContext) -> None:
    context.log_event(dg.AssetObservation("raw/orders", metadata={"lag": 3}))


@dg.job
def observe() -> None:
    look()


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2024-01", "2024-02"]))
def monthly() -> None:
    """One of two partitions."""


ASSETS = [orders, customers, flaky, bad, child, some_of_two, monthly]
CHECKS = [has_rows, has_no_gaps, breaks]


def plain(executor: Any = None, resources: dict[str, Any] | None = None) -> dg.Definitions:
    """The definitions as a team has them before it knows of us."""
    nightly = dg.define_asset_job("nightly", dg.AssetSelection.all() - dg.AssetSelection.assets("monthly"))
    month = dg.define_asset_job("month", dg.AssetSelection.assets("monthly"))
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=CHECKS,
        jobs=[nightly, month, observe],
        executor=executor or dg.in_process_executor,
        resources=resources or {},
    )


def hooked(**options: Any) -> dg.Definitions:
    """The same on the bus."""
    return with_hooks(plain(), plugins=False, **options)


def nightly_in_processes() -> dg.JobDefinition:
    """What each process of the multiprocess executor loads for itself."""
    defs = with_hooks(plain(dg.multiprocess_executor), plugins=False)
    return defs.resolve_job_def("nightly")


def ten(executor: Any = None) -> dg.Definitions:
    """A first asset; three that follow, one of which fails; two after each of these."""

    def asset(name: str, deps: Sequence[str], fails: bool = False) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=deps)
        def made() -> None:
            if fails:
                raise ValueError("no such column: amount")

        return made

    middle = ["left", "bad", "right"]
    assets = [
        asset("root", []),
        *(asset(name, ["root"], fails=name == "bad") for name in middle),
        *(asset(f"{name}_{n}", [name]) for name in middle for n in (1, 2)),
    ]
    job = dg.define_asset_job("all_ten", dg.AssetSelection.all())
    return dg.Definitions(assets=assets, jobs=[job], executor=executor or dg.multiprocess_executor)


def ten_in_processes() -> dg.JobDefinition:
    """As `nightly_in_processes`."""
    return with_hooks(ten(), plugins=False).resolve_job_def("all_ten")


def ten_without_step_hook() -> dg.JobDefinition:
    """The same, of which only the tail can tell."""
    return with_hooks(ten(), plugins=False, step_hooks=False).resolve_job_def("all_ten")


# Children of a server that has loaded everything already: a step is a fork, not seconds of imports.
FORKED = {
    "execution": {
        "config": {
            "max_concurrent": 2,
            "start_method": {"forkserver": {"preload_modules": ["phlo_hooks_tests.e2e.lake"]}},
        }
    }
}

# What a process that is about to be killed writes, to say that it is ready.
READY = "PHLO_HOOKS_TEST_READY"


def interrupted() -> dg.Definitions:
    """Three assets, of which the second never comes to its end."""

    @dg.asset
    def before() -> None: ...

    @dg.asset(deps=[before])
    def halfway() -> None:
        Path(os.environ[READY]).touch()
        time.sleep(600)

    @dg.asset(deps=[halfway])
    def after() -> None: ...

    @dg.asset_check(asset=halfway)
    def never_checked() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    plain = dg.Definitions(
        assets=[before, halfway, after], asset_checks=[never_checked], executor=dg.in_process_executor
    )
    return with_hooks(plain, plugins=False)


def run_interrupted(run_id: str) -> None:
    """Run them in this process, on the instance of DAGSTER_HOME, until somebody kills it."""
    job = interrupted().resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(instance=instance, run_id=run_id)


def dying() -> dg.Definitions:
    """A step and a check whose processes kill themselves."""

    @dg.asset
    def dies() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @dg.asset(deps=[dies])
    def after() -> None: ...

    @dg.asset
    def lives() -> None: ...

    @dg.asset_check(asset=lives)
    def dies_checking() -> dg.AssetCheckResult:
        os.kill(os.getpid(), signal.SIGKILL)
        return dg.AssetCheckResult(passed=True)

    plain = dg.Definitions(
        assets=[dies, after, lives],
        asset_checks=[dies_checking],
        jobs=[dg.define_asset_job("deadly", dg.AssetSelection.all())],
        executor=dg.multiprocess_executor,
    )
    return with_hooks(plain, plugins=False)


def dying_in_processes() -> dg.JobDefinition:
    """As `nightly_in_processes`."""
    return dying().resolve_job_def("deadly")


@dg.asset
def tiny() -> None:
    """As small as a run can be."""


def small(store: str, lines: str) -> dg.Definitions:
    """One asset, told to a file by the tail alone, from the beginning."""
    plain = dg.Definitions(
        assets=[tiny], executor=dg.in_process_executor, resources={"file": FileResource(path=lines)}
    )
    since = datetime(2020, 1, 1, tzinfo=timezone.utc)
    return with_hooks(plain, store=store, step_hooks=False, plugins=False, since=since)


def tick_slowly(store: str, lines: str) -> None:
    """A tick on the instance of DAGSTER_HOME, in many small transactions: there is time to kill it."""
    record = Recorder.record

    def slow(self: Recorder, *args: Any) -> frozenset[str]:
        time.sleep(0.02)
        return record(self, *args)

    Recorder.record = slow
    tail._FLUSH_EVENTS = 8
    with dg.DagsterInstance.get() as instance:
        tick(instance, small(store, lines).resources["hooks"].runtime, "", budget=600)
