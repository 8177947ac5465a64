"""When a failed delivery is tried again, and when it is given up."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from phlo_hooks.delivery.records import Claim, Settlement, seconds
from phlo_hooks.errors import ConfigurationError, PermanentError, RetryLater
from phlo_hooks.registration import FailurePolicy

# A receiver that asks for more than a day is asking for a dead letter that nobody sees.
MAX_RETRY_AFTER = 86_400.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often a delivery is tried, and how long after each failure.

    Args:
        schedule: seconds (or `timedelta`) from each failure to the next attempt; one attempt more than it
            has entries. The default bridges a night and a day: 5 s for a hiccup, then up to a day for an
            outage that begins on a Friday evening.
        jitter: `full` waits a random part of that time, so that what failed together is not tried
            together; `none` waits all of it.

    Raises:
        ConfigurationError: a time is negative, or the jitter unknown.
    """

    schedule: tuple[float | timedelta, ...] = (5, 30, 120, 600, 3600, 21_600, 86_400)
    jitter: Literal["full", "none"] = "full"

    def __post_init__(self) -> None:
        times = tuple(seconds(time) for time in self.schedule)
        if not all(math.isfinite(time) and time >= 0 for time in times):
            raise ConfigurationError(f"retry schedule {self.schedule!r}: use seconds, from 0 up")
        if self.jitter not in ("full", "none"):
            raise ConfigurationError(f"retry jitter {self.jitter!r} is unknown; use 'full' or 'none'")
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

    def verdict(
        self,
        claim: Claim,
        error: BaseException,
        text: str,
        *,
        failure_policy: FailurePolicy,
        now: datetime,
        rng: random.Random | None = None,
    ) -> Settlement:
        """What a failed call means.

        A hook that ignores failures is not tried again. `PermanentError` is the end. `RetryLater` waits as
        long as it says and is no attempt, until the whole schedule's time has passed. Anything else is
        tried again by the schedule, and is dead after its last entry.
        """
        if failure_policy is FailurePolicy.IGNORE:
            return Settlement.suppressed(claim.delivery_id, text)
        if isinstance(error, PermanentError):
            return Settlement.dead(claim.delivery_id, text)
        if isinstance(error, RetryLater) and now - claim.created_at < self.horizon:
            return Settlement.retrying(claim.delivery_id, text, after=_asked(error), counted=False)
        if claim.attempts >= self.max_attempts:
            return Settlement.dead(claim.delivery_id, text)
        return Settlement.retrying(claim.delivery_id, text, after=self.delay(claim.attempts, rng))


def _asked(error: RetryLater) -> float:
    after = error.after if math.isfinite(error.after) else MAX_RETRY_AFTER
    return min(max(after, 0.0), MAX_RETRY_AFTER)
