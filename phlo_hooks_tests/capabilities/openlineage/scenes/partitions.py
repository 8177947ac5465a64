"""Partitions of every kind, and the hours that each stands for."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import asset, definitions

BERLIN = "Europe/Berlin"


@dataclass(frozen=True)
class Window:
    """A partition in time, and when it begins and ends.

    Args:
        definition: of all of them.
        key: of this one.
        start: RFC 3339, in the partition's own zone.
        end: likewise; what comes at this time is in the next one.
    """

    definition: dg.TimeWindowPartitionsDefinition
    key: str
    start: str
    end: str


# In Berlin, the 29th of March 2026 has 23 hours and the 25th of October has 25; in New York, March has 743.
WINDOWS: dict[str, Window] = {
    "daily": Window(
        dg.DailyPartitionsDefinition("2026-01-01", timezone=BERLIN),
        "2026-03-29",
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
    ),
    "daily in autumn": Window(
        dg.DailyPartitionsDefinition("2026-01-01", end_offset=365, timezone=BERLIN),
        "2026-10-25",
        "2026-10-25T00:00:00+02:00",
        "2026-10-26T00:00:00+01:00",
    ),
    "daily from six": Window(
        dg.DailyPartitionsDefinition("2026-01-01", hour_offset=6),
        "2026-01-31",
        "2026-01-31T06:00:00+00:00",
        "2026-02-01T06:00:00+00:00",
    ),
    "hourly": Window(
        dg.HourlyPartitionsDefinition("2026-03-28-00:00", timezone=BERLIN),
        "2026-03-29-01:00",
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T03:00:00+02:00",
    ),
    "weekly": Window(
        dg.WeeklyPartitionsDefinition("2026-01-04", timezone=BERLIN),
        "2026-03-29",
        "2026-03-29T00:00:00+01:00",
        "2026-04-05T00:00:00+02:00",
    ),
    "monthly": Window(
        dg.MonthlyPartitionsDefinition("2026-01-01", timezone="America/New_York"),
        "2026-03-01",
        "2026-03-01T00:00:00-05:00",
        "2026-04-01T00:00:00-04:00",
    ),
}
REGIONS = dg.StaticPartitionsDefinition(["de", "fr", "a b/c%"])
TENANTS = dg.DynamicPartitionsDefinition(name="tenants")
DATES = dg.DailyPartitionsDefinition("2026-01-01", timezone=BERLIN)
DATE_AND_REGION = dg.MultiPartitionsDefinition({"date": DATES, "region": REGIONS})
MULTI_KEY = dg.MultiPartitionKey({"date": "2026-01-31", "region": "fr"})
RANGE = ("2026-01-01", "2026-01-31")
# What Dagster writes on the one run of a backfill over a range.
RANGE_TAGS = {
    "dagster/asset_partition_range_start": RANGE[0],
    "dagster/asset_partition_range_end": RANGE[1],
    "dagster/backfill": "backfill-1",
}


def time_partitioned(name: str) -> dg.Definitions:
    """`orders`, and `report` from it, partitioned as `WINDOWS[name]` says; run them with its key."""
    by = WINDOWS[name].definition
    return definitions(asset("orders", partitions_def=by), asset("report", ["orders"], partitions_def=by))


def static() -> dg.Definitions:
    """By region: partitions that stand for no time. The key `a b/c%` is one that needs quoting."""
    return definitions(
        asset("orders", partitions_def=REGIONS), asset("report", ["orders"], partitions_def=REGIONS)
    )


def multi() -> dg.Definitions:
    """By date and region, and `by_date` by date alone; run `orders` with `MULTI_KEY` in the job `only_orders`."""
    by_date = asset("by_date", ["orders"], partitions_def=DATES)
    job = dg.define_asset_job("only_orders", selection="orders")
    return definitions(asset("orders", partitions_def=DATE_AND_REGION), by_date, jobs=[job])


def dynamic() -> dg.Definitions:
    """By tenant; first add one: `instance.add_dynamic_partitions(TENANTS.name, ["acme"])`."""
    return definitions(
        asset("orders", partitions_def=TENANTS), asset("report", ["orders"], partitions_def=TENANTS)
    )


def range_in_one_run() -> dg.Definitions:
    """A month of days in a single run: run it with the tags `RANGE_TAGS`, and without a partition key."""
    policy = dg.BackfillPolicy.single_run()
    return definitions(
        asset("orders", partitions_def=DATES, backfill_policy=policy),
        asset("report", ["orders"], partitions_def=DATES, backfill_policy=policy),
    )


def mapped() -> dg.Definitions:
    """`weekly` reads seven days of `orders`, and `total` all there are; the jobs `only_weekly`, `only_total`."""
    return definitions(
        asset("orders", partitions_def=DATES),
        asset("weekly", ["orders"], partitions_def=WINDOWS["weekly"].definition),
        asset("total", ["orders"]),
        jobs=[
            dg.define_asset_job("only_weekly", selection="weekly"),
            dg.define_asset_job("only_total", selection="total"),
        ],
    )
