"""Deliver what waits for one hook, in this process, and show how far it is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from phlo_hooks.cli.openlineage.setups import Setup
from phlo_hooks.cli.output import first_line
from phlo_hooks.cli.stopping import until_told
from phlo_hooks.delivery.health import HookHealth
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.report import RelayReport
from phlo_hooks.delivery.store import HookStore

# Seconds between two looks at how far it is.
_ROUND = 1.0
# A backend that takes nothing for so long is left to the relay that waits for it anyway.
PATIENCE = 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Args:
        sent: by this process.
        elsewhere: what a relay beside it has settled meanwhile.
        left: deliveries that wait.
        dead: deliveries that were given up.
        reason: why not all were sent.
    """

    sent: int = 0
    elsewhere: int = 0
    left: int = 0
    dead: int = 0
    reason: str = ""

    def __str__(self) -> str:
        elsewhere = f"{self.elsewhere} by another relay" if self.elsewhere else ""
        left = f"{self.left} left" if self.left else ""
        said = ", ".join(filter(None, (f"{self.sent} sent", elsewhere, left, self._dead())))
        return f"{said}: {self.reason}" if self.reason else said

    def document(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)

    def _dead(self) -> str:
        return f"{self.dead} given up (phlo-hooks dead-letters list)" if self.dead else ""


def send(setup: Setup, store: HookStore, instance: dg.DagsterInstance) -> Outcome:
    """Deliver until nothing waits, the backend is down for too long, or Ctrl-C."""
    with until_told() as stop:
        relay = setup.location.runtime.relay(
            instance, setup.location.name, only=setup.hook, stopping=stop.is_set
        )
        return _Sending(setup, store, relay, stop).go()


class _Sending:
    """One hook's deliveries on their way."""

    def __init__(self, setup: Setup, store: HookStore, relay: Relay, stop: threading.Event) -> None:
        self._setup, self._store, self._relay, self._stop = setup, store, relay, stop
        self._sent, self._dead = 0, 0
        self._total = self._left = self._waiting()
        self._moved = time.monotonic()

    def go(self) -> Outcome:
        """Until there is nothing to wait for."""
        with self._progress() as show:
            while self._left and not self._stop.is_set() and not self._is_hopeless():
                self._note(self._relay.run(budget=_ROUND))
                show(self._total - self._left)
                if not self._relay.any_due():
                    self._stop.wait(_ROUND / 4)
        return self._outcome()

    def _note(self, report: RelayReport) -> None:
        self._sent += report.delivered
        self._dead += report.dead
        left = self._waiting()
        if left < self._left:
            self._moved = time.monotonic()
        # What a run that goes on has queued meanwhile is waited for, too.
        self._total += max(0, left - self._left)
        self._left = left

    def _waiting(self) -> int:
        return self._store.pending_count(hooks=[self._setup.hook], scopes=self._relay.scopes)

    def _is_hopeless(self) -> bool:
        """Whether to wait here is of no use: somebody has switched the hook off, or nobody is there."""
        return self._health().circuit.state == "disabled" or time.monotonic() - self._moved > PATIENCE

    def _outcome(self) -> Outcome:
        elsewhere = max(0, self._total - self._left - self._sent - self._dead)
        return Outcome(self._sent, elsewhere, self._left, self._dead, self._reason() if self._left else "")

    def _reason(self) -> str:
        health = self._health()
        error = first_line(health.last_error)
        if health.circuit.state != "closed":
            why = f"the circuit is {health.circuit.state.replace('_', ' ')}"
            return ", ".join(filter(None, (why, error or health.circuit.reason)))
        return f"the relay goes on; {error}" if error else "the relay goes on"

    def _health(self) -> HookHealth:
        return self._store.health([self._setup.hook])[0]

    @contextmanager
    def _progress(self) -> Iterator[Callable[[int], None]]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(file=sys.stderr)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(self._setup.name, total=self._total)
            yield lambda done: progress.update(task, completed=done, total=self._total)
