"""Deliver in the run's own process, beside its steps: for who has neither daemon nor relay, or no time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.util import Finalize

from phlo_hooks.delivery.relay import Relay
from phlo_hooks.errors import StoreError

logger = logging.getLogger("phlo_hooks.in_run")

# What is left at the end may hold up the process for so long, in seconds; the rest is a relay's.
FLUSH = 5.0
_PASS = 60.0
_FIRST = 1000
_TICK = 0.1

# Is given the question whether to stop.
MakeRelay = Callable[[Callable[[], bool]], Relay]


class InRunRelay:
    """A thread that delivers what the steps of a run recorded, as soon as they have.

    It ends with the run, or with its process where that is a child: a step of the multiprocess executor has
    one of its own.

    Args:
        make_relay: makes the relay, in the thread.
        flush: seconds that the rest may take at the end.
    """

    def __init__(self, make_relay: MakeRelay, *, flush: float = FLUSH) -> None:
        self._make_relay = make_relay
        self._flush = flush
        self._news = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """There is something to deliver."""
        self._news.set()
        if self._thread is None and not self._ended.is_set():
            self._thread = threading.Thread(target=self._run, name="phlo-hooks in-run relay", daemon=True)
            self._thread.start()
            # When a child of multiprocessing ends, it asks its finalizers, not `atexit`; and it does so while
            # handlers can still use threads of their own, which they cannot once the main thread has ended.
            if parent_process() is not None:
                Finalize(self, self.end, exitpriority=_FIRST)

    def end(self) -> None:
        """The run has ended: deliver the rest, for at most about `flush` seconds, and stop."""
        self._ended.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            relay = self._make_relay(self._ended.is_set)
            while not self._ended.is_set():
                if self._news.wait(_TICK):
                    self._news.clear()
                    relay.run(budget=_PASS)
            self._make_relay(lambda: False).run(budget=self._flush)
        except StoreError as exc:
            logger.warning("%s; a relay will deliver what this run has recorded", exc)
        except Exception:
            # A run is never harmed, nor its log flooded: whoever relays next has the rest.
            logger.exception("delivery in the run has ended; a relay will deliver the rest")
