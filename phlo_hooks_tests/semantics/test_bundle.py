"""Ranges of dates that are put together."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from phlo_hooks.assets import TimeWindow
from phlo_hooks.semantics import DateRange
from phlo_hooks.semantics.bundle import widened


def test_the_hour_that_comes_twice() -> None:
    """Both hours of a night in autumn are in it, in whatever order they come."""
    first = datetime(2025, 10, 26, 0, tzinfo=timezone.utc)
    hours = [
        DateRange.of(TimeWindow(first + timedelta(hours=n), first + timedelta(hours=n + 1), "Europe/Berlin"))
        for n in range(2)
    ]
    for one, other in (hours, hours[::-1]):
        both = widened(one, other)
        assert both is not None
        assert both.end.timestamp() - both.start.timestamp() == 2 * 60 * 60
