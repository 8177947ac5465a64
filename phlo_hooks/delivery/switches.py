"""The circuit of each hook as it stands, and the switch that operators have.

A circuit belongs to a hook of a code location: its key is `plugin.hook_name`, and then, after a space, the
location, where there is one: two locations may have a hook of the same name. Relays write what they find
out themselves; see `circuits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from phlo_hooks.delivery.circuit import Circuit, CircuitState
from phlo_hooks.delivery.news import circuit_changed
from phlo_hooks.delivery.records import Entry, StateWrite, Told
from phlo_hooks.errors import StoreError
from phlo_hooks.state import StateEntry

NAMESPACE = "circuit"
CLOSED, HALF_OPEN, OPEN, DISABLED = STATES = ("closed", "half_open", "open", "disabled")
# Each try meets one relay that was faster; that many do not write at once.
_MAX_TRIES = 50


@dataclass(frozen=True)
class HookCircuit:
    """Whether a hook is being called.

    Args:
        state: one of `closed`, `half_open`, `open`, `disabled`, from the best to the worst.
        failures: in a row.
        until: nothing is sent before.
        reason: of the last change.
        changed_at: since when.
        scope: the code location whose relays it is for.
    """

    state: str = CLOSED
    failures: int = 0
    until: datetime | None = None
    reason: str | None = None
    changed_at: datetime | None = None
    scope: str = ""


class Switches:
    """The circuits' end of the store."""

    clock: Callable[[], datetime]
    get_state: Callable[[str, str], StateEntry | None]
    list_state: Callable[[str], list[StateEntry]]
    swap: Callable[[StateWrite, int, Iterable[Told]], bool]

    def circuits(self) -> dict[str, HookCircuit]:
        """The circuit of each hook that ever had trouble, or was switched; of several locations the worst."""
        found: dict[str, HookCircuit] = {}
        for entry in self.list_state(NAMESPACE):
            hook, _, scope = entry.key.partition(" ")
            circuit = _circuit(entry.value, scope)
            found[hook] = max(found.get(hook, circuit), circuit, key=lambda each: STATES.index(each.state))
        return found

    def circuit_scopes(self, hook: str) -> frozenset[str]:
        """The code locations for which the circuit of a hook is kept."""
        keys = (entry.key.partition(" ") for entry in self.list_state(NAMESPACE))
        return frozenset(scope for name, _, scope in keys if name == hook)

    def disable(self, hook: str, reason: str, *, scope: str = "") -> bool:
        """Have a hook not called any more; its deliveries wait. False if it is so already.

        Args:
            hook: `plugin.hook_name`.
            reason: is shown to who asks.
            scope: the code location whose relays are meant.
        """
        return self._switch(hook, scope, lambda circuit, now: circuit.disabled(now, reason))

    def enable(self, hook: str, *, scope: str = "") -> bool:
        """Have a hook called again, at once. False if nothing kept it from being called."""
        return self._switch(hook, scope, lambda circuit, now: circuit.closed(now, "enabled"))

    def _switch(self, hook: str, scope: str, change: Callable[[Circuit, float], Circuit]) -> bool:
        key = circuit_key(hook, scope)
        for _ in range(_MAX_TRIES):
            entry = self.get_state(NAMESPACE, key)
            old = Circuit() if entry is None else Circuit.read(entry.value)
            new = change(old, self.clock().timestamp())
            if _same(old, new):
                return False
            told = () if old.state is new.state else (Told(Entry(circuit_changed(hook, old, new))),)
            if self.swap(StateWrite(NAMESPACE, key, new.written()), entry.version if entry else 0, told):
                return True
        raise StoreError(f"the circuit of hook {hook!r} changes all the time: try again")


def circuit_key(hook: str, scope: str = "") -> str:
    """Where a hook's circuit is kept."""
    return f"{hook} {scope}".rstrip()


def _same(old: Circuit, new: Circuit) -> bool:
    """Whether a switch changes nothing; why it is not disabled does not matter."""
    if (old.state, old.until) != (new.state, new.until):
        return False
    return new.state is CircuitState.CLOSED or old.reason == new.reason


def _circuit(value: Mapping[str, Any], scope: str) -> HookCircuit:
    state = value.get("state", CLOSED)
    return HookCircuit(
        # What a newer release calls otherwise is not closed.
        state=state if state in STATES else OPEN,
        failures=value.get("failures", 0),
        until=_time(value.get("until")),
        reason=value.get("reason"),
        changed_at=_time(value.get("changed_at")),
        scope=scope,
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
