"""How each hook is doing. The cost grows with what is open, dead or recent, not with what was delivered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from phlo_hooks.delivery import admin_statements as admin
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.switches import CLOSED, HookCircuit

# Long enough for a rate of a few events an hour to show, short enough to be about now.
WINDOW = 300.0
# A backlog of this age, in seconds, means that somebody waits.
MAX_AGE = 900.0
# Among so many deliveries, every hook that is in use has one.
_RECENT = 1000


@dataclass(frozen=True)
class HookHealth:
    """How one hook is doing.

    Args:
        hook: `plugin.hook_name`.
        circuit: whether it is being called.
        pending: deliveries that were not tried yet, or are to be replayed.
        retrying: deliveries that failed and will be tried again.
        in_flight: deliveries that are being made right now.
        dead: deliveries that were given up.
        oldest_age: seconds for which the oldest of what is open has been waiting; None if nothing is.
        delivered_per_second: over the window.
        dead_per_second: how fast deliveries are being given up, over the window.
        last_error: the newest one of what is open or dead.
    """

    hook: str
    circuit: HookCircuit = field(default_factory=HookCircuit)
    pending: int = 0
    retrying: int = 0
    in_flight: int = 0
    dead: int = 0
    oldest_age: float | None = None
    delivered_per_second: float = 0.0
    dead_per_second: float = 0.0
    last_error: str | None = None

    def problems(self, max_age: float = MAX_AGE) -> tuple[str, ...]:
        """What somebody should look at; nothing for a hook in good health.

        Args:
            max_age: seconds that a delivery may wait.
        """
        found = []
        if self.circuit.state != CLOSED:
            found.append(f"circuit {self.circuit.state.replace('_', ' ')}")
        if self.dead:
            found.append(f"{self.dead} dead")
        if self.oldest_age is not None and self.oldest_age > max_age:
            found.append(f"oldest waits for {self.oldest_age:.0f} s")
        return tuple(found)


class Health:
    """The watching end of the store."""

    _database: Database
    clock: Callable[[], datetime]
    circuits: Callable[[], dict[str, HookCircuit]]

    def health(self, hooks: Collection[str] | None = None, *, window: float = WINDOW) -> list[HookHealth]:
        """How each hook is doing, by name.

        Args:
            hooks: only these, and each of them, also when there is nothing to say. Without: all that have
                something open, dead or recent, or that are not being called.
            window: seconds over which rates are taken.
        """
        now = self.clock()
        figures = self._database.read(lambda c: _Figures(c, now, window))
        circuits = self.circuits()
        names = figures.hooks | set(circuits) if hooks is None else set(hooks)
        return [figures.of(hook, circuits.get(hook, HookCircuit())) for hook in sorted(names)]


class _Figures:
    """What the tables say, all in one transaction."""

    def __init__(self, connection: Connection, now: datetime, window: float) -> None:
        self._now, self._window = now, window
        since = {"time": now - timedelta(seconds=window)}
        self._open = _by_hook(connection, admin.OPEN_BY_HOOK, {"now": now})
        self._dead = _by_hook(connection, admin.DEAD_BY_HOOK, {})
        settled = connection.execute(admin.SETTLED_SINCE, since)
        self._settled = {(row.hook, row.state): row.number for row in settled}
        recent: set[str] = set(connection.execute(admin.RECENT_HOOKS, {"most": _RECENT}).scalars())
        self.hooks = recent | self._open.keys() | self._dead.keys() | {hook for hook, _ in self._settled}
        ids = [row.newest_error for row in (*self._open.values(), *self._dead.values()) if row.newest_error]
        errors = connection.execute(admin.LAST_ERRORS, {"ids": ids}) if ids else ()
        self._errors = {row.id: row.last_error for row in errors}

    def of(self, hook: str, circuit: HookCircuit) -> HookHealth:
        """One hook's."""
        waits, dead = self._open.get(hook), self._dead.get(hook)
        return HookHealth(
            hook=hook,
            circuit=circuit,
            **(self._backlog(waits) if waits is not None else {}),
            dead=0 if dead is None else dead.dead,
            delivered_per_second=self._settled.get((hook, "delivered"), 0) / self._window,
            dead_per_second=self._settled.get((hook, "dead"), 0) / self._window,
            last_error=self._last_error(waits, dead),
        )

    def _backlog(self, row: Row[Any]) -> dict[str, Any]:
        in_flight, retrying = int(row.in_flight), int(row.retrying)
        return {
            "pending": row.open - in_flight - retrying,
            "retrying": retrying,
            "in_flight": in_flight,
            "oldest_age": max(0.0, (self._now - row.oldest).total_seconds()),
        }

    def _last_error(self, waits: Row[Any] | None, dead: Row[Any] | None) -> str | None:
        """What keeps something waiting tells more than what is over."""
        ids = [row.newest_error for row in (waits, dead) if row is not None and row.newest_error]
        return self._errors.get(ids[0]) if ids else None


def _by_hook(connection: Connection, query: Any, where: Mapping[str, Any]) -> dict[str, Row[Any]]:
    return {row.hook: row for row in connection.execute(query, where)}
