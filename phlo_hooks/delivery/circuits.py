"""The circuit breakers of a code location's hooks, kept in the store for all relays to share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from phlo_hooks.delivery.circuit import Circuit, CircuitState
from phlo_hooks.delivery.news import circuit_changed
from phlo_hooks.delivery.records import StateWrite, Told
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.switches import NAMESPACE, circuit_key
from phlo_hooks.events import HookCorrelation, HookStatusEvent

logger = logging.getLogger("phlo_hooks.relay")

# Each round of a collision lets one relay through.
_MAX_TRIES = 20

Change = Callable[[Circuit], Circuit]
Tell = Callable[[HookStatusEvent], Told]


class Circuits:
    """The circuit breakers of a code location's hooks.

    Args:
        store: keeps them.
        scope: the code location.
        tell: gives what is to be recorded of a change, in the same transaction as the change.
    """

    def __init__(self, store: HookStore, scope: str, tell: Tell) -> None:
        self._store = store
        self._scope = scope
        self._tell = tell

    def all(self) -> dict[str, Circuit]:
        """Each circuit that was ever anything but closed, by its key."""
        return {entry.key: Circuit.read(entry.value) for entry in self._store.list_state(NAMESPACE)}

    def change(
        self, hook: str, change: Change, *, about: HookCorrelation | None = None
    ) -> tuple[Circuit, Circuit]:
        """Apply `change` to what the store has now; return what was there and what is.

        Args:
            hook: `plugin.hook_name`.
            change: gives the new circuit; may be called several times, when relays collide.
            about: where the delivery belongs that led to it.
        """
        key = circuit_key(hook, self._scope)
        for _ in range(_MAX_TRIES):
            entry = self._store.get_state(NAMESPACE, key)
            old = Circuit() if entry is None else Circuit.read(entry.value)
            new = change(old)
            write = StateWrite(NAMESPACE, key, new.written())
            told = self._news(hook, old, new, about)
            if new == old:
                return old, new
            if self._store.swap(write, entry.version if entry else 0, told):
                _log(hook, old, new)
                return old, new
        logger.warning("hook %s: its circuit breaker is changed by too many relays at once", hook)
        return old, old

    def _news(self, hook: str, old: Circuit, new: Circuit, about: HookCorrelation | None) -> Iterable[Told]:
        if new.state is old.state:
            return ()
        return [self._tell(circuit_changed(hook, old, new, about))]


def _log(hook: str, old: Circuit, new: Circuit) -> None:
    if new.state is not old.state:
        level = logging.ERROR if new.state is CircuitState.DISABLED else logging.WARNING
        what = (hook, old.state.value, new.state.value, new.reason)
        logger.log(level, "hook %s: circuit %s -> %s: %s", *what)
