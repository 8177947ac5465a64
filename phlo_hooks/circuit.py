"""When a hook that keeps failing is left alone, and how it comes back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.retry import seconds


@dataclass(frozen=True)
class CircuitBreaker:
    """When a hook that keeps failing is left alone, and how it comes back.

    Closed, all deliveries are made. After `failures` in a row it opens: none is made for `cooldown`. Then
    it is half open: one delivery is tried. If that works it closes, else it opens again, for twice as
    long, up to `max_cooldown`. All relays share it. An event that waits is not counted as tried.

    Args:
        failures: how many in a row open it.
        cooldown: seconds (or `timedelta`) that it stays open at first. The default lets a receiver restart.
        max_cooldown: seconds (or `timedelta`) that it stays open at most, and so the longest time
            between a receiver's recovery and the first delivery.
        max_consecutive_failures: how many in a row disable the hook; None for never.
        reenable: what ends that: `command` (`phlo-hooks hooks enable NAME`), or `probe`, as above.

    Raises:
        ConfigurationError: a number that cannot work.
    """

    failures: int = 5
    cooldown: float | timedelta = 30.0
    max_cooldown: float | timedelta = 600.0
    max_consecutive_failures: int | None = None
    reenable: Literal["command", "probe"] = "command"

    def __post_init__(self) -> None:
        for name in ("failures", "max_consecutive_failures"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and value >= 1):
                raise ConfigurationError(f"circuit breaker {name} {value!r}: use a whole number from 1 up")
        for name in ("cooldown", "max_cooldown"):
            value = seconds(getattr(self, name))
            if not (math.isfinite(value) and value > 0):
                raise ConfigurationError(f"circuit breaker {name} {value!r}: use seconds above 0")
        if self.reenable not in ("command", "probe"):
            raise ConfigurationError(
                f"circuit breaker reenable {self.reenable!r} is unknown; use 'command' or 'probe'"
            )

    def rest(self, openings: int) -> float:
        """Seconds to leave the hook alone when it opens for the `openings`-th time in a row."""
        # The exponent is bounded because a float is not.
        return min(seconds(self.cooldown) * 2.0 ** min(openings - 1, 60), seconds(self.max_cooldown))
