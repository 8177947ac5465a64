"""Ranges of partitions as Cube compares them: local times, both ends included."""

from datetime import datetime, timedelta, timezone

import pytest

from phlo_hooks.capabilities.cube.ranges import local_range, widest
from phlo_hooks.semantics import DateRange
from phlo_hooks_tests.capabilities.cube.shop import days

# A range by its first and last midnight, in a time zone; Cube's time zone; what Cube is told.
DAYS = {
    "a day": (("2026-03-02", "2026-03-03", "UTC"), "UTC", "2026-03-02T00:00:00.000", "2026-03-02T23:59:59.999"),
    "a leap year": (("2024-01-01", "2025-01-01", "UTC"), "UTC", "2024-01-01T00:00:00.000", "2024-12-31T23:59:59.999"),
    "23 hours": (("2026-03-29", "2026-03-30", "Europe/Berlin"), "Europe/Berlin", "2026-03-29T00:00:00.000", "2026-03-29T23:59:59.999"),
    "25 hours": (("2026-10-25", "2026-10-26", "Europe/Berlin"), "Europe/Berlin", "2026-10-25T00:00:00.000", "2026-10-25T23:59:59.999"),
    "23 hours, in UTC": (("2026-03-29", "2026-03-30", "Europe/Berlin"), "UTC", "2026-03-28T23:00:00.000", "2026-03-29T21:59:59.999"),
    "25 hours, in UTC": (("2026-10-25", "2026-10-26", "Europe/Berlin"), "UTC", "2026-10-24T22:00:00.000", "2026-10-25T22:59:59.999"),
    "UTC, in Tokyo": (("2026-03-02", "2026-03-03", "UTC"), "Asia/Tokyo", "2026-03-02T09:00:00.000", "2026-03-03T08:59:59.999"),
    "over the change": (("2026-03-01", "2026-04-01", "Europe/Berlin"), "Europe/Berlin", "2026-03-01T00:00:00.000", "2026-03-31T23:59:59.999"),
}  # fmt: skip


@pytest.mark.parametrize(("window", "zone", "start", "end"), DAYS.values(), ids=DAYS)
def test_days(window, zone, start, end):
    assert local_range(days(*window), zone) == (start, end)


# An hour of UTC on 25 October in Berlin, where 02:00 to 03:00 comes twice.
HOURS = {
    "before": (23, 60, "01:00:00.000", "01:59:59.999"),
    "the first": (24, 60, "02:00:00.000", "02:59:59.999"),
    "the second": (25, 60, "02:00:00.000", "02:59:59.999"),
    "both": (24, 120, "02:00:00.000", "02:59:59.999"),
    "after": (26, 60, "03:00:00.000", "03:59:59.999"),
    "from the middle of the first": (24.5, 40, "00:00:00.000", "23:59:59.999"),
}


@pytest.mark.parametrize(("hour", "minutes", "start", "end"), HOURS.values(), ids=HOURS)
def test_the_hour_that_comes_twice(hour, minutes, start, end):
    first = datetime(2026, 10, 24, tzinfo=timezone.utc) + timedelta(hours=hour)
    window = DateRange(first, first + timedelta(minutes=minutes), "Europe/Berlin")
    assert local_range(window, "Europe/Berlin") == (f"2026-10-25T{start}", f"2026-10-25T{end}")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_every_instant_of_a_year_is_built(zone):
    """Each hour is in the range of its own day, in whatever zone Cube has."""
    window = days("2026-03-28", "2026-03-31", "Europe/Berlin")
    start, end = local_range(window, zone)
    at = window.start.astimezone(timezone.utc)
    while at < window.end:
        from zoneinfo import ZoneInfo

        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="milliseconds")
        assert start <= local <= end
        at += timedelta(minutes=15)


def test_the_widest():
    one, other = days("2026-03-01", "2026-03-02"), days("2026-03-05", "2026-03-06")
    assert widest([one, other]) == days("2026-03-01", "2026-03-06")
    assert widest([one, None]) is None
    assert widest([]) is None
