"""A code location with one thing for each signal; what is bad today stands in the file WATCHED_TROUBLE names.

No `from __future__ import annotations` here: Dagster looks at the annotation of a context.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from phlo_hooks import CircuitBreaker, HookFilter, HookRegistration, RetryPolicy, emit, with_hooks
from phlo_hooks.capabilities.alerting import AlertingResource, HttpChannel, Rule, Threshold
from phlo_hooks.capabilities.alerting.signals import SIGNALS
from phlo_hooks.events import DriftEvent, ErrorInfo, HookEvent, ProfilingEvent, SemanticEvent
from phlo_hooks.resources import HookBusResource

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
# Where the channel posts to.
RECEIVER = "ALERTS_TO"
WEBSERVER = "https://dagster.example.com"
WARN_AFTER, FAIL_AFTER = timedelta(hours=1), timedelta(hours=2)
OWN: dict[str, Any] = {"group_name": "sales", "owners": ["team:sales"], "kinds": {"duckdb"}}


def is_bad(name: str) -> bool:
    """What the file says."""
    file = Path(os.environ["WATCHED_TROUBLE"])
    return file.exists() and name in file.read_text().split()


def fail_if_bad(name: str, message: str = "no route to the bucket") -> None:
    if is_bad(name):
        raise ConnectionError(message)


# -- assets ----------------------------------------------------------------------------------------


@dg.asset(key_prefix="raw", **OWN)
def customers() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 200})


@dg.asset(key_prefix="raw", **OWN)
def orders() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 5 if is_bad("orders") else 200})


@dg.asset(key_prefix="marts", retry_policy=dg.RetryPolicy(max_retries=1), **OWN)
def revenue() -> None:
    fail_if_bad("revenue")


@dg.asset(key_prefix="marts", deps=[revenue], **OWN)
def report() -> None: ...


@dg.asset(key_prefix="marts", **OWN)
def stock(context: dg.AssetExecutionContext) -> None:
    """In the place of a semantic layer, it says how that was refreshed."""
    bad = is_bad("stock")
    error = ErrorInfo(message="no cube 'orders'") if bad else None
    kind = "semantic.refresh_failed" if bad else "semantic.refreshed"
    emit(context, SemanticEvent(event_type=kind, layer="cube", model_names=("orders",), error=error))


@dg.asset(key_prefix="marts", **OWN)
def shops() -> None: ...


@dg.asset_check(asset=stock, description="Every amount is above zero.")
def amounts_are_positive() -> dg.AssetCheckResult:
    wrong = 3 if is_bad("stock") else 0
    return dg.AssetCheckResult(passed=not wrong, severity=ERROR, metadata={"wrong_rows": wrong})


@dg.asset_check(asset=shops, description="Every shop has an address.")
def addresses() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not is_bad("shops"), severity=WARN, description="2 shops without an address"
    )


@dg.asset_check(asset=stock)
def is_complete() -> dg.AssetCheckResult:
    if is_bad("stock"):
        raise KeyError("warehouse")
    return dg.AssetCheckResult(passed=True)


@dg.asset(
    key_prefix="marts",
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FAIL_AFTER, warn_window=WARN_AFTER),
    **OWN,
)
def daily() -> None: ...


def with_columns(name: str, before: dict[str, str], after: dict[str, str]) -> dg.AssetsDefinition:
    """A table whose columns are others when something is bad."""

    @dg.asset(name=name, key_prefix="raw", **OWN)
    def table() -> dg.MaterializeResult:
        columns = [dg.TableColumn(*each) for each in (after if is_bad("columns") else before).items()]
        return dg.MaterializeResult(metadata={"dagster/column_schema": dg.TableSchema(columns)})

    return table


TABLES = [
    with_columns("added", {"id": "INT"}, {"id": "INT", "email": "TEXT"}),
    with_columns("removed", {"id": "INT", "email": "TEXT"}, {"id": "INT"}),
    with_columns("retyped", {"id": "INT"}, {"id": "BIGINT"}),
]


@dg.asset(key_prefix="marts", **OWN)
def profiled(context: dg.AssetExecutionContext) -> None:
    """Nothing in this release watches for drift, or profiles: its own code says what it found."""
    key = context.asset_key.to_user_string()
    drift = DriftEvent(
        event_type="drift.detected",
        asset_key=key,
        metric="null_rate",
        baseline=0.01,
        current=0.2,
        change=19.0,
    )
    error = ErrorInfo(message="out of memory", error_class="MemoryError")
    emit(context, drift)
    emit(context, ProfilingEvent(event_type="profiling.failed", asset_key=key, error=error))


@dg.asset(key_prefix="marts", **OWN)
def endless() -> None:
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    time.sleep(600)


LETTERS = dg.StaticPartitionsDefinition(["a", "b", "c"])


@dg.asset(partitions_def=LETTERS, **OWN)
def letters(context: dg.AssetExecutionContext) -> None:
    if context.partition_key == "b":
        raise ValueError("no b today")


@dg.asset(partitions_def=LETTERS, **OWN)
def answers() -> None: ...


# -- jobs, schedules, sensors ----------------------------------------------------------------------


def job_of_ops(name: str) -> dg.JobDefinition:
    """A job of one op."""

    @dg.op(name=f"{name}_load")
    def load() -> None:
        fail_if_bad(name)

    @dg.job(name=name)
    def job() -> None:
        load()

    return job


OF_OPS = [job_of_ops(name) for name in ("hourly", "nightly", "weekly", "monthly", "posted", "dropped")]
OF_ASSETS = {
    "customers": [customers],
    "orders": [orders],
    "revenue": [revenue, report],
    "stock": [stock],
    "shops": [shops],
    "daily": [daily],
    "tables": TABLES,
    "profiled": [profiled],
    "parted": [letters],
}


@dg.sensor(job_name="hourly", default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=1)
def files() -> dg.SkipReason:
    fail_if_bad("files")
    return dg.SkipReason("nothing new")


@dg.schedule(job_name="hourly", cron_schedule="* * * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def at_night() -> dg.SkipReason:
    fail_if_bad("at_night")
    return dg.SkipReason("a holiday")


# -- hooks -----------------------------------------------------------------------------------------


def receiver(name: str) -> Callable[[HookEvent], None]:
    """Another hook on the bus, of a receiver that may be down."""

    def post(event: HookEvent) -> None:
        fail_if_bad(name, "the receiver answered 503")

    return post


def other_hook(name: str, job: str, **options: Any) -> HookRegistration:
    """It is told of the end of one job's runs."""
    wanted = HookFilter(event_types={"run.success"}, jobs={job})
    return HookRegistration(name, receiver(name), filters=wanted, **options)


SOON = RetryPolicy(schedule=(0,) * 9, jitter="none")
OTHERS = [
    # Left alone for a second, then tried.
    other_hook("crm", "posted", retry=SOON, circuit=CircuitBreaker(failures=2, cooldown=1)),
    # Left alone until somebody enables it.
    other_hook("lake", "posted", retry=SOON, circuit=CircuitBreaker(max_consecutive_failures=3)),
    other_hook("mail", "dropped", retry=RetryPolicy(schedule=(0,)), circuit=None),
]


def rules() -> list[Rule]:
    """One for each signal, called as it is: a message tells by its rule which signal it is for."""
    metric = Rule(name="metric", on=["metric"], threshold=Threshold(name="dagster/row_count", below=100))
    return [*(Rule(name=signal.name, on=[signal.name]) for signal in SIGNALS), metric]


ALERTING = AlertingResource(
    rules=rules(), default_to=["http"], webhook=[HttpChannel(url_env=RECEIVER)], webserver_url=WEBSERVER
)

defs = with_hooks(
    dg.Definitions(
        assets=[
            customers,
            orders,
            revenue,
            report,
            stock,
            shops,
            daily,
            *TABLES,
            profiled,
            endless,
            letters,
            answers,
        ],
        asset_checks=[amounts_are_positive, addresses, is_complete],
        jobs=[
            *OF_OPS,
            *(dg.define_asset_job(name, selection) for name, selection in OF_ASSETS.items()),
            dg.define_asset_job("endless_job", [endless], tags={"phlo/long_running": "1s"}),
        ],
        schedules=[at_night],
        sensors=[files],
        executor=dg.in_process_executor,
        resources={"alerting": ALERTING, "hooks": HookBusResource(stuck_queued_after="0.001s")},
    ),
    hooks=OTHERS,
    plugins=False,
    # The test's own process delivers.
    sensors=False,
)
