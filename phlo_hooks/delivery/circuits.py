"""The circuit of each hook as it stands, and the switch that operators have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from phlo_hooks.delivery.records import StateEntry
from phlo_hooks.errors import StoreError

NAMESPACE = "circuit"
CLOSED, OPEN, HALF_OPEN, DISABLED = STATES = ("closed", "open", "half_open", "disabled")
# Each try meets one relay that was faster; that many do not write at once.
_MAX_TRIES = 50


@dataclass(frozen=True)
class CircuitState:
    """Whether a hook is being called.

    Args:
        state: one of `closed`, `open`, `half_open`, `disabled`.
        failures: in a row.
        until: nothing is sent before.
        reason: why it is not closed.
        changed_at: since when.
    """

    state: str = CLOSED
    failures: int = 0
    until: datetime | None = None
    reason: str | None = None
    changed_at: datetime | None = None


class Circuits:
    """The circuits' end of the store."""

    clock: Callable[[], datetime]
    get_state: Callable[[str, str], StateEntry | None]
    list_state: Callable[..., list[StateEntry]]
    compare_and_set: Callable[..., bool]

    def circuit(self, hook: str) -> CircuitState:
        """Whether a hook is being called."""
        entry = self.get_state(NAMESPACE, hook)
        return CircuitState() if entry is None else circuit_state(entry.value)

    def circuits(self) -> dict[str, CircuitState]:
        """The circuit of every hook that ever had trouble, or was switched."""
        return {entry.key: circuit_state(entry.value) for entry in self.list_state(NAMESPACE)}

    def disable(self, hook: str, reason: str) -> bool:
        """Have a hook not called any more; its deliveries wait. False if it was disabled already."""
        return self._switch(hook, DISABLED, reason)

    def enable(self, hook: str) -> bool:
        """Have a hook called again, at once. False if nothing kept it from being called."""
        return self._switch(hook, CLOSED, None)

    def _switch(self, hook: str, state: str, reason: str | None) -> bool:
        for _ in range(_MAX_TRIES):
            entry = self.get_state(NAMESPACE, hook)
            if _says(entry, state, reason):
                return False
            value = _value(state, reason, self.clock())
            if self.compare_and_set(NAMESPACE, hook, entry and entry.version, value):
                return True
        raise StoreError(f"the circuit of hook {hook!r} changes all the time: try again")


def circuit_state(value: dict[str, Any]) -> CircuitState:
    """What is kept of a circuit, as a value."""
    return CircuitState(
        state=value.get("state", CLOSED),
        failures=value.get("failures", 0),
        until=_time(value.get("until")),
        reason=value.get("reason"),
        changed_at=_time(value.get("changed_at")),
    )


def _says(entry: StateEntry | None, state: str, reason: str | None) -> bool:
    found = CircuitState() if entry is None else circuit_state(entry.value)
    return (found.state, found.reason) == (state, reason)


def _value(state: str, reason: str | None, now: datetime) -> dict[str, Any]:
    fresh = {"failures": 0, "openings": 0, "until": None}
    return {"state": state, **fresh, "reason": reason, "changed_at": now.timestamp()}


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
