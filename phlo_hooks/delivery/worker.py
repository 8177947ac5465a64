"""A thread that calls one hook. It can be left behind when the hook does not come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import NamedTuple

from phlo_hooks.delivery.records import Claim


class Finished(NamedTuple):
    """The end of a call; `called` is false where there was none, because the lease was nearly over."""

    claim: Claim
    error: BaseException | None = None
    called: bool = True


class Worker:
    """Calls a hook for each claim that it is given, one after the other.

    Args:
        name: of the thread.
        call: calls the hook; an exception is a failure.
        fresh: whether enough of a claim's lease is left to call the hook.
        finished: takes what came of each claim.
        too_late: is told of what came of a claim after the worker was abandoned, in its own thread.
    """

    def __init__(
        self,
        name: str,
        *,
        call: Callable[[Claim], object],
        fresh: Callable[[Claim], bool],
        finished: SimpleQueue[Finished],
        too_late: Callable[[Finished], None],
    ) -> None:
        self._call, self._fresh, self._finished, self._too_late = call, fresh, finished, too_late
        self._inbox: SimpleQueue[Claim | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._current: tuple[Claim, float] | None = None
        self._abandoned = False
        # A daemon: a hook that never returns must not keep the process from ending.
        self.thread = threading.Thread(target=self._run, name=f"phlo-hooks {name}", daemon=True)
        self.thread.start()

    def give(self, claims: Iterable[Claim]) -> None:
        """Have these called, in this order."""
        for claim in claims:
            self._inbox.put(claim)

    def take_back(self) -> list[Claim]:
        """The claims whose call has not begun."""
        claims: list[Claim] = []
        while True:
            try:
                claim = self._inbox.get_nowait()
            except Empty:
                return claims
            if claim is not None:
                claims.append(claim)

    @property
    def busy_since(self) -> float | None:
        """When the current call began, by the monotonic clock; None between calls."""
        current = self._current
        return current and current[1]

    def abandon(self) -> Claim | None:
        """Leave the thread to itself, to end after its call; return the claim that it is calling for."""
        with self._lock:
            self._abandoned = True
            current = self._current
        self._inbox.put(None)
        return current and current[0]

    def _run(self) -> None:
        while (claim := self._inbox.get()) is not None:
            self._report(self._make(claim))

    def _begin(self, claim: Claim) -> bool:
        with self._lock:
            if self._abandoned or not self._fresh(claim):
                return False
            self._current = (claim, time.monotonic())
            return True

    def _make(self, claim: Claim) -> Finished:
        if not self._begin(claim):
            return Finished(claim, called=False)
        try:
            self._call(claim)
        except BaseException as exc:  # a handler's sys.exit() ends its call, not this thread
            return Finished(claim, exc)
        return Finished(claim)

    def _report(self, finished: Finished) -> None:
        with self._lock:
            self._current = None
            if not self._abandoned:
                self._finished.put(finished)
                return
        self._too_late(finished)
