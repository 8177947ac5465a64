"""A code location as a server loads it: what is in the file that WATCHED_TROUBLE names fails to evaluate."""

import os
from datetime import timedelta
from pathlib import Path

import dagster as dg


def trouble(name: str) -> None:
    """Fail if the file says so."""
    file = Path(os.environ["WATCHED_TROUBLE"])
    if file.exists() and name in file.read_text().split():
        raise ConnectionError("no route to the bucket")


LETTERS = dg.StaticPartitionsDefinition(["a", "b", "c"])


@dg.asset(partitions_def=LETTERS, group_name="letters", owners=["team:post"])
def letters(context: dg.AssetExecutionContext) -> None:
    """Its partition b is no good."""
    if context.partition_key == "b":
        raise ValueError("no b today")


@dg.asset(partitions_def=LETTERS, deps=[letters])
def answers() -> None: ...


# The shortest that Dagster takes.
FRESH_FOR = timedelta(minutes=1)


@dg.asset(
    group_name="sales",
    owners=["team:sales"],
    kinds={"duckdb"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESH_FOR),
)
def orders() -> None: ...


@dg.sensor(job_name="one", default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=1)
def files() -> dg.SkipReason:
    trouble("files")
    return dg.SkipReason("nothing new")


@dg.schedule(job_name="one", cron_schedule="* * * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def nightly() -> dg.SkipReason:
    trouble("nightly")
    return dg.SkipReason("a holiday")


defs = dg.Definitions(
    assets=[letters, answers, orders],
    jobs=[
        dg.define_asset_job("one", [orders]),
        dg.define_asset_job("brief", [orders], tags={"phlo/long_running": "90m"}),
        dg.define_asset_job("parted", [letters]),
    ],
    schedules=[nightly],
    sensors=[files],
    executor=dg.in_process_executor,
)
