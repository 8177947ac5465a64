"""A thread that calls one hook. It can be left behind when the hook does not come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import NamedTuple

from phlo_hooks.delivery.records import Claim

# What one call of a hook is for: one delivery, or a batch of them.
Group = tuple[Claim, ...]


class Finished(NamedTuple):
    """The end of a call; `called` is false where there was none."""

    claims: Group
    error: BaseException | None = None
    called: bool = True


class Worker:
    """Calls a hook for each group of claims that it is given, one after the other.

    After a failure it waits to be told to go on: whether the hook is to be left alone is not for it to say.
    What comes later in the same lane is not called then: it has to wait for the earlier one.

    Args:
        name: of the thread.
        call: calls the hook; an exception is a failure.
        fresh: whether enough of the claims' lease is left to call the hook.
        finished: takes what came of each group.
        too_late: is told of what came of a group after the worker was abandoned, in its own thread; and
            whether its failure was recorded by then.
    """

    def __init__(
        self,
        name: str,
        *,
        call: Callable[[Group], object],
        fresh: Callable[[Group], bool],
        finished: SimpleQueue[Finished],
        too_late: Callable[[Finished, bool], None],
    ) -> None:
        self._call, self._fresh, self._finished, self._too_late = call, fresh, finished, too_late
        self._inbox: SimpleQueue[Group | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._current: tuple[Group, float] | None = None
        self._abandoned = False
        self._expired = False
        self._stuck: set[str | None] = set()
        self._may_go = threading.Event()
        self._may_go.set()
        # A daemon: a hook that never returns must not keep the process from ending.
        self.thread = threading.Thread(target=self._run, name=f"phlo-hooks {name}", daemon=True)
        self.thread.start()

    def give(self, groups: Iterable[Group]) -> None:
        """Have these called, in this order; only once what was given before is through."""
        self._stuck = set()
        for group in groups:
            self._inbox.put(group)

    def go_on(self) -> None:
        """Go on after a failure."""
        self._may_go.set()

    def take_back(self) -> list[Claim]:
        """The claims whose call has not begun."""
        claims: list[Claim] = []
        while True:
            try:
                group = self._inbox.get_nowait()
            except Empty:
                return claims
            claims.extend(group or ())

    @property
    def busy_since(self) -> float | None:
        """When the current call began, by the monotonic clock; None between calls."""
        current = self._current
        return current and current[1]

    def abandon(self, *, expired: bool) -> Group:
        """Leave the thread to itself, to end after its call; return the claims that it is calling for.

        Args:
            expired: the call has taken longer than it may, and is recorded as failed.
        """
        with self._lock:
            self._abandoned = True
            self._expired = expired
            current = self._current
        self._may_go.set()
        self._inbox.put(None)
        return current[0] if current else ()

    def _run(self) -> None:
        while (group := self._inbox.get()) is not None:
            self._report(self._make(group))
            self._may_go.wait()

    def _begin(self, group: Group) -> bool:
        with self._lock:
            if self._abandoned or not self._fresh(group):
                return False
            self._current = (group, time.monotonic())
            return True

    def _make(self, group: Group) -> Finished:
        lanes = {claim.lane for claim in group} - {None}
        if lanes & self._stuck or not self._begin(group):
            self._stuck |= lanes
            return Finished(group, called=False)
        try:
            self._call(group)
        except BaseException as exc:  # a handler's sys.exit() ends its call, not this thread
            self._stuck |= lanes
            self._may_go.clear()
            return Finished(group, exc)
        return Finished(group)

    def _report(self, finished: Finished) -> None:
        with self._lock:
            self._current = None
            if not self._abandoned:
                self._finished.put(finished)
                return
            self._may_go.set()
        self._too_late(finished, self._expired)
