"""Asset checks beyond dbt's tests. One of them truly fails on this data, and is a warning."""

from __future__ import annotations

import dagster as dg

from phlo_hooks.demo.sql import one_row
from phlo_hooks.demo.warehouse import Warehouse

DAYS_AND_AIRPORTS = """
SELECT count(DISTINCT (month, day)), count(DISTINCT origin), count(*) FROM raw.flights
"""
FLIGHTS_WITHOUT_PLANE = """
SELECT count(*), count(*) FILTER (tailnum IS NULL), count(DISTINCT tailnum)
FROM raw.flights ANTI JOIN raw.planes USING (tailnum)
"""
FLIGHTS_IN_MART_AND_STAGING = """
SELECT (SELECT sum(flights)::BIGINT FROM marts.carrier_delays), (SELECT count(*) FROM staging.flights)
"""
PUBLISHED_MONTHS_THAT_DIFFER = """
SELECT count(DISTINCT month) FROM (
  (FROM carrier_delays EXCEPT ALL FROM warehouse.marts.carrier_delays)
  UNION ALL
  (FROM warehouse.marts.carrier_delays SEMI JOIN carrier_delays USING (month)
   EXCEPT ALL FROM carrier_delays)
)
"""


@dg.asset_check(asset=["raw", "flights"], blocking=True)
def whole_year_loaded(warehouse: Warehouse) -> dg.AssetCheckResult:
    """Flights of 365 days and three airports are there; without them nothing downstream is built."""
    with warehouse.connect() as connection:
        days, airports, rows = one_row(connection, DAYS_AND_AIRPORTS)
    return dg.AssetCheckResult(
        passed=(days, airports) == (365, 3),
        metadata={"days": days, "airports": airports, "flights": rows},
    )


@dg.asset_check(
    asset=["raw", "flights"],
    additional_deps=[["raw", "planes"]],
)
def tail_numbers_known(warehouse: Warehouse) -> dg.AssetCheckResult:
    """Every flight's plane is in the registry. One flight in six has a plane that is not."""
    with warehouse.connect() as connection:
        missing, without_number, tail_numbers = one_row(connection, FLIGHTS_WITHOUT_PLANE)
    return dg.AssetCheckResult(
        passed=missing == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{missing:,} flights have a plane that raw/planes does not know.",
        metadata={
            "flights_without_plane": missing,
            "flights_without_tail_number": without_number,
            "unknown_tail_numbers": tail_numbers,
        },
    )


@dg.asset_check(asset=["marts", "carrier_delays"], additional_deps=[["staging", "flights"]])
def flights_accounted_for(warehouse: Warehouse) -> dg.AssetCheckResult:
    """The mart counts each flight once: no join lost or doubled one."""
    with warehouse.connect() as connection:
        mart, staging = one_row(connection, FLIGHTS_IN_MART_AND_STAGING)
    return dg.AssetCheckResult(
        passed=mart == staging, metadata={"flights_in_mart": mart, "flights_in_staging": staging}
    )


@dg.asset_check(asset=["published", "carrier_delays"], additional_deps=[["marts", "carrier_delays"]])
def published_equals_mart(warehouse: Warehouse) -> dg.AssetCheckResult:
    """Every month that is published has the mart's rows, no more and no fewer."""
    with warehouse.connect_published() as connection:
        (differing,) = one_row(connection, PUBLISHED_MONTHS_THAT_DIFFER)
    return dg.AssetCheckResult(passed=differing == 0, metadata={"months_that_differ": differing})


def build_checks() -> list[dg.AssetChecksDefinition]:
    """All of them."""
    return [whole_year_loaded, tail_numbers_known, flights_accounted_for, published_equals_mart]
