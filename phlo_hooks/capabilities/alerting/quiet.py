"""When not to disturb: quiet hours, and digests instead of single messages."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from phlo_hooks.capabilities.alerting.strict import StrictConfig
from phlo_hooks.errors import ConfigurationError, MissingExtraError
from phlo_hooks.events import SEVERITIES

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class QuietHours(StrictConfig):
    """A part of each day, or of some days, in which messages wait for its end."""

    start: str = Field(description="Such as 22:00, by the clock of the time zone.")
    end: str = Field(description="Such as 07:00; before start, it is that of the next day.")
    timezone: str = Field(description="An IANA name, such as Europe/Berlin.")
    days: list[str] = Field(default=list(DAYS), description="Days on which it begins: mon … sun.")
    except_severity: str = Field(
        default="CRITICAL", description="From this severity on a message is sent all the same."
    )

    def check(self, owner: str) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: names `owner`, the value and the next step.
        """
        for text in (self.start, self.end):
            _time(text, owner)
        zone(self.timezone, owner)
        unknown = [day for day in self.days if day not in DAYS]
        if unknown or not self.days:
            raise ConfigurationError(
                f"{owner}: quiet_hours days {self.days!r}: use some of {', '.join(DAYS)}"
            )
        if self.except_severity not in SEVERITIES:
            raise ConfigurationError(
                f"{owner}: quiet_hours except_severity {self.except_severity!r}: use one of {SEVERITIES}"
            )
        if _time(self.start, owner) == _time(self.end, owner):
            raise ConfigurationError(
                f"{owner}: quiet_hours start and end are both {self.start}: never or always?"
            )

    def ends(self, now: datetime, severity: str) -> datetime | None:
        """When the quiet time that `now` is in ends; None for a time, or a severity, that is not quiet."""
        if SEVERITIES.index(severity) >= SEVERITIES.index(self.except_severity):
            return None
        local = now.astimezone(ZoneInfo(self.timezone))
        for back in (0, 1):
            begin, end = self._of_day(local - timedelta(days=back))
            if begin is not None and begin <= now < end:
                return end
        return None

    def _of_day(self, day: datetime) -> tuple[datetime | None, datetime]:
        start, end = _time(self.start), _time(self.end)
        begin = _at(day, start)
        over = _at(day if end > start else day + timedelta(days=1), end)
        return (begin if DAYS[day.weekday()] in self.days else None), over


def _at(day: datetime, at: time) -> datetime:
    # By the wall clock: on the day of the change a night is an hour longer or shorter.
    return datetime.combine(day.date(), at, tzinfo=day.tzinfo)


def _time(text: str, owner: str = "") -> time:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"{owner}: quiet_hours {text!r} is not a time of day: write 22:00")
    return time(int(found[1]), int(found[2]))


def zone(name: str, owner: str = "") -> ZoneInfo:
    """The time zone of this IANA name.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(
            f"{owner}: no time zone {name!r}: use an IANA name such as Europe/Berlin, or pip install tzdata"
        ) from None


def next_time(cron: str, timezone: str, after: datetime) -> datetime:
    """The next time of a cron schedule.

    Args:
        cron: five fields, as of crontab(5).
        timezone: by whose clock.
        after: aware.

    Raises:
        ConfigurationError: it is no schedule.
        MissingExtraError: `pip install 'phlo-hooks[alerting]'`.
    """
    try:
        from cronsim import CronSim, CronSimError
    except ImportError:
        raise MissingExtraError("cronsim", "alerting") from None
    try:
        times = CronSim(cron, after.astimezone(ZoneInfo(timezone)))
        # In the hour that comes twice it may give the one that has been.
        return next(found for each in times if (found := each.astimezone(after.tzinfo)) > after)
    except (CronSimError, StopIteration):
        raise ConfigurationError(
            f"{cron!r} is not a cron schedule: write 0 9 * * * for nine each day"
        ) from None
