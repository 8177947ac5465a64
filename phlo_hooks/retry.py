"""How often a delivery is tried, how long after each failure, and for how long in all."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from phlo_hooks.errors import ConfigurationError


@dataclass(frozen=True)
class RetryPolicy:
    """How often a delivery is tried, and how long after each failure.

    Args:
        schedule: seconds (or `timedelta`) from each failure to the next attempt; one attempt more than it
            has entries. The default bridges a night and a day: 5 s for a hiccup, then up to a day for an
            outage that begins on a Friday evening.
        jitter: `full` waits a random part of that time, so that what failed together is not tried
            together; `none` waits all of it.
        max_age: seconds (or `timedelta`) after which an event is of no use to the hook: it goes to the dead
            letters without a further call. None for never.

    Raises:
        ConfigurationError: a time is negative, or the jitter unknown.
    """

    schedule: tuple[float | timedelta, ...] = (5, 30, 120, 600, 3600, 21_600, 86_400)
    jitter: Literal["full", "none"] = "full"
    max_age: float | timedelta | None = None

    def __post_init__(self) -> None:
        times = tuple(seconds(time) for time in self.schedule)
        if not all(math.isfinite(time) and time >= 0 for time in times):
            raise ConfigurationError(f"retry schedule {self.schedule!r}: use seconds, from 0 up")
        if self.jitter not in ("full", "none"):
            raise ConfigurationError(f"retry jitter {self.jitter!r} is unknown; use 'full' or 'none'")
        if self.max_age is not None and not seconds(self.max_age) > 0:
            raise ConfigurationError(f"retry max_age {self.max_age!r}: use seconds above 0, or None for ever")
        object.__setattr__(self, "schedule", times)

    @property
    def max_attempts(self) -> int:
        """How often a hook is called for one event."""
        return len(self.schedule) + 1

    @property
    def horizon(self) -> timedelta:
        """How long a delivery is tried at most."""
        return timedelta(seconds=sum(map(seconds, self.schedule)))

    def delay(self, attempt: int, rng: random.Random | None = None) -> float:
        """Seconds to wait after a failed attempt.

        Args:
            attempt: 1 for the first.
            rng: where the jitter comes from.
        """
        if not self.schedule:
            return 0.0
        longest = seconds(self.schedule[min(attempt, len(self.schedule)) - 1])
        return (rng or random).uniform(0, longest) if self.jitter == "full" else longest

    def too_old(self, age: timedelta) -> bool:
        """Whether an event of this age is of no use any more."""
        return self.max_age is not None and age.total_seconds() > seconds(self.max_age)


def seconds(duration: float | timedelta) -> float:
    """A duration in seconds."""
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
