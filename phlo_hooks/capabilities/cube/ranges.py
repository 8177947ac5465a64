"""The time that partitions are about, as Cube compares it: local times of one zone, both ends included."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from phlo_hooks.semantics.bundle import widened
from phlo_hooks.semantics.provider import DateRange

LocalRange = tuple[str, str]
_FINEST = timedelta(milliseconds=1)


def local_range(window: DateRange, timezone: str) -> LocalRange:
    """What of Cube's partitions in a time zone a range touches.

    Cube cuts its partitions by the local time of the zone that it builds them for, and compares their ends
    with those of a job's `dateRange` as texts of local time (`RefreshScheduler.postBuildJobs`). A bare date
    as the end would be its midnight, and leave out the later hours of that day.

    Args:
        window: its end is not part of it.
        timezone: IANA name, of the pre-aggregation.
    """
    zone = ZoneInfo(timezone)
    # In UTC: the last instant before the end, also where a clock was put back in between.
    last = window.end.astimezone(ZoneInfo("UTC")) - _FINEST
    start, end = (at.astimezone(zone).replace(tzinfo=None) for at in (window.start, last))
    if end < start:
        # Within the hour that comes twice: the whole day has it, whichever of the two it is.
        start, end = datetime.combine(end, time.min), datetime.combine(start, time.max)
    return _text(start), _text(end)


def widest(windows: Iterable[DateRange | None]) -> DateRange | None:
    """The smallest range that holds all of them; None where one is of everything."""
    known = list(windows)
    return reduce(widened, known) if known else None


def _text(at: datetime) -> str:
    """Cube takes milliseconds, always three digits."""
    return at.isoformat(timespec="milliseconds")
