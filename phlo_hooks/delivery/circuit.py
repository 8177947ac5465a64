"""The state of a hook's circuit breaker, and how each outcome changes it. Pure functions of values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from phlo_hooks.circuit import CircuitBreaker


class CircuitState(str, Enum):
    """CLOSED: delivering. OPEN: left alone. HALF_OPEN: one delivery is tried. DISABLED: until enabled."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    DISABLED = "disabled"


_STATES = frozenset(state.value for state in CircuitState)


@dataclass(frozen=True)
class Circuit:
    """Where a hook's circuit breaker stands.

    Args:
        state: see there.
        failures: how many in a row, by now.
        openings: how often it opened since it was last closed.
        until: seconds since 1970 before which nothing is sent; for HALF_OPEN, before which nobody
            else tries; None for no limit, and for DISABLED for ever.
        reason: of the last change.
        changed_at: seconds since 1970.
        changes: how often the state has changed.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    openings: int = 0
    until: float | None = None
    reason: str | None = None
    changed_at: float | None = None
    changes: int = 0

    @classmethod
    def read(cls, value: dict[str, Any]) -> Circuit:
        """As `written`; what a newer release added is left out."""
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        state = known.get("state", "closed")
        # What a newer release calls otherwise is not closed.
        known["state"] = CircuitState(state) if state in _STATES else CircuitState.OPEN
        return cls(**known)

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def waits(self, now: float) -> bool:
        """Whether nothing may be sent at this time."""
        if self.state is CircuitState.DISABLED:
            return True
        return self.until is not None and now < self.until

    @property
    def needs_probe(self) -> bool:
        """Whether, once it waits no more, a single delivery is to be tried first."""
        return self.state in (CircuitState.OPEN, CircuitState.HALF_OPEN)

    def probing(self, now: float, until: float) -> Circuit:
        """One delivery is being tried, by a relay that is taken for dead at `until`."""
        return replace(self._changed(CircuitState.HALF_OPEN, now, self.reason), until=until)

    def unprobed(self, now: float) -> Circuit:
        """The delivery that was to be tried is not."""
        if self.state is not CircuitState.HALF_OPEN:
            return self
        return replace(self._changed(CircuitState.OPEN, now, self.reason), until=now)

    def succeeded(self, now: float) -> Circuit:
        """A delivery was made."""
        if self.state is CircuitState.CLOSED or self.state is CircuitState.DISABLED:
            return replace(self, failures=0) if self.failures else self
        return self.closed(now, "a delivery was made")

    def failed(self, policy: CircuitBreaker, now: float, reason: str) -> Circuit:
        """A delivery failed."""
        counted = replace(self, failures=self.failures + 1)
        most = policy.max_consecutive_failures
        if self.state is CircuitState.DISABLED:
            return counted
        if most is not None and counted.failures >= most and policy.reenable == "command":
            return counted.disabled(now, f"{counted.failures} failures in a row: {reason}")
        limit = policy.failures if most is None else min(most, policy.failures)
        if self.state is CircuitState.OPEN or (not self.needs_probe and counted.failures < limit):
            return counted
        return counted.opened(policy, now, reason)

    def opened(self, policy: CircuitBreaker, now: float, reason: str) -> Circuit:
        """Nothing is sent for a while, longer each time."""
        # A pause that the receiver asked for is kept.
        asked = self.until or 0.0 if self.state is CircuitState.CLOSED else 0.0
        until = max(now + policy.rest(self.openings + 1), asked)
        opened = self._changed(CircuitState.OPEN, now, reason)
        return replace(opened, openings=self.openings + 1, until=until)

    def paused(self, now: float, until: float, reason: str) -> Circuit:
        """The receiver asked for a pause, which is no failure."""
        if self.state is CircuitState.DISABLED:
            return self
        # Of a circuit that is half open, `until` is the probe's lease.
        before = 0.0 if self.state is CircuitState.HALF_OPEN else self.until or 0.0
        state = CircuitState.OPEN if self.needs_probe else self.state
        return replace(self._changed(state, now, reason), until=max(until, before))

    def disabled(self, now: float, reason: str) -> Circuit:
        """Nothing is sent until `closed`."""
        return replace(self._changed(CircuitState.DISABLED, now, reason), until=None)

    def closed(self, now: float, reason: str) -> Circuit:
        """All deliveries are made again."""
        return replace(self._changed(CircuitState.CLOSED, now, reason), failures=0, openings=0, until=None)

    def _changed(self, state: CircuitState, now: float, reason: str | None) -> Circuit:
        if state is self.state:
            return replace(self, reason=reason)
        return replace(self, state=state, reason=reason, changed_at=now, changes=self.changes + 1)
