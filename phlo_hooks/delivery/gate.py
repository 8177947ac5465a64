"""Whether a hook may be called now: asks its circuit breaker, and tells it what came of the calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial

from phlo_hooks.circuit import CircuitBreaker
from phlo_hooks.delivery.circuit import Circuit, CircuitState
from phlo_hooks.delivery.circuits import Change, Circuits, Tell
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.switches import circuit_key
from phlo_hooks.delivery.verdict import asked
from phlo_hooks.delivery.worker import Finished
from phlo_hooks.errors import EndpointGoneError, PermanentError, RetryLater
from phlo_hooks.registration import RegisteredHook

# For so many seconds a relay goes by what it read: another one's discovery may come that much later.
_FRESH = 0.5


class Gate:
    """The circuit breakers of the hooks of one relay.

    Args:
        store: keeps them, and knows what is due.
        hooks: by qualified name.
        scopes: the code locations; the circuits are those of the first.
        clock: the time, aware.
        tell: gives what is to be recorded of a change.
    """

    def __init__(
        self,
        store: HookStore,
        hooks: Mapping[str, RegisteredHook],
        scopes: Collection[str],
        *,
        clock: Callable[[], datetime],
        tell: Tell,
    ) -> None:
        self._store, self._hooks, self._scopes, self._clock = store, hooks, tuple(scopes), clock
        self._scope = next(iter(self._scopes), "")
        self._circuits = Circuits(store, self._scope, tell)
        self._seen: dict[str, Circuit] = {}
        self._read_at = float("-inf")

    def admitted(self, hook: RegisteredHook, most: int) -> tuple[int, str | None]:
        """How many deliveries may be claimed now, and why none."""
        circuit = self._of(hook)
        if circuit.waits(self._now()):
            return 0, _why(circuit)
        return (1 if circuit.needs_probe else most), None

    def reserve(self, hook: RegisteredHook, lease: float) -> bool:
        """Whether what was claimed may be delivered; of an open circuit, a single delivery, by one relay."""
        if not self._of(hook).needs_probe:
            return True
        now = self._now()

        def probe(circuit: Circuit) -> Circuit:
            free = circuit.needs_probe and not circuit.waits(now)
            return circuit.probing(now, now + lease) if free else circuit

        old, new = self._circuits.change(hook.qualified_name, probe)
        self._seen[hook.qualified_name] = new
        return new != old

    def unprobe(self, hook: str) -> None:
        """The probe that was reserved is not made after all: anybody may make it."""
        if not self.probing(hook):
            return
        now = self._now()
        _, new = self._circuits.change(hook, lambda circuit: circuit.unprobed(now))
        self._seen[hook] = new

    def held(self, hook: RegisteredHook) -> bool:
        """Whether what waits for a hook here is to be given back: somebody has stopped it meanwhile."""
        circuit = self._of(hook)
        return circuit.waits(self._now()) and circuit.state is not CircuitState.HALF_OPEN

    def probing(self, hook: str) -> bool:
        """Whether what is under way is a probe."""
        return self._seen.get(hook, Circuit()).state is CircuitState.HALF_OPEN

    def note(self, ended: Iterable[tuple[Finished, str]]) -> set[str]:
        """Tell the circuits what came of calls; return the hooks that are to be left alone now."""
        stopped = set()
        for finished, text in ended:
            hook = finished.claims[0].hook
            change = self._change(finished, text)
            if change is None or change(self._seen.get(hook, Circuit())) == self._seen.get(hook, Circuit()):
                continue
            _, new = self._circuits.change(hook, change, about=finished.claims[0].event.correlation)
            self._seen[hook] = new
            if new.needs_probe or new.waits(self._now()):
                stopped.add(hook)
        return stopped

    def _change(self, finished: Finished, text: str) -> Change | None:
        """What the end of a call does to the circuit; None for nothing."""
        policy = self._hooks[finished.claims[0].hook].registration.circuit
        error, now, reason = finished.error, self._now(), text.partition("\n")[0]
        if error is None:
            return lambda circuit: circuit.succeeded(now)
        if isinstance(error, EndpointGoneError):
            return lambda circuit: (
                circuit if circuit.state is CircuitState.DISABLED else circuit.disabled(now, reason)
            )
        if isinstance(error, RetryLater):
            until = now + asked(error)
            if error.pause:
                return lambda circuit: circuit.paused(now, until, reason)
        if isinstance(error, (RetryLater, PermanentError)) or policy is None:
            # A probe that was refused for good has found somebody in.
            return lambda circuit: circuit.succeeded(now) if circuit.needs_probe else circuit
        return partial(_failed, policy=policy, now=now, reason=reason)

    def _of(self, hook: RegisteredHook) -> Circuit:
        """The circuit that counts: not what a breaker left behind that the hook has no more."""
        circuit = self._look(hook.qualified_name)
        return Circuit() if hook.registration.circuit is None and circuit.needs_probe else circuit

    def _look(self, hook: str) -> Circuit:
        if time.monotonic() - self._read_at > _FRESH:
            kept = self._circuits.all()
            keys = {name: circuit_key(name, self._scope) for name in self._hooks}
            self._seen = {name: kept[key] for name, key in keys.items() if key in kept}
            self._read_at = time.monotonic()
        return self._seen.get(hook, Circuit())

    def _now(self) -> float:
        return self._clock().timestamp()


def _failed(circuit: Circuit, *, policy: CircuitBreaker, now: float, reason: str) -> Circuit:
    return circuit.failed(policy, now, reason)


def _why(circuit: Circuit) -> str:
    until = circuit.until and datetime.fromtimestamp(circuit.until, timezone.utc)
    then = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "until it is enabled again"
    return f"not called {then}, circuit {circuit.state.value}: {circuit.reason}"
