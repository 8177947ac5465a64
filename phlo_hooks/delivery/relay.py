"""The relay: hands due deliveries to their hooks, and records what became of them."""

from __future__ import annotations

import logging
import math
import os
import random
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from queue import SimpleQueue
from weakref import WeakKeyDictionary

from phlo_hooks.delivery import worker
from phlo_hooks.delivery.circuits import Tell
from phlo_hooks.delivery.gate import Gate
from phlo_hooks.delivery.judge import Judge
from phlo_hooks.delivery.records import Claim, Entry, Settlement, Told
from phlo_hooks.delivery.relay_run import RelayRun
from phlo_hooks.delivery.report import RelayReport
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.worker import Finished, Group, Worker
from phlo_hooks.errors import ConfigurationError, DeliveryError, StoreError
from phlo_hooks.events import HookStatusEvent
from phlo_hooks.registration import RegisteredHook
from phlo_hooks.retry import seconds

__all__ = ["Relay", "RelayReport"]

logger = logging.getLogger("phlo_hooks.relay")

# A call that is about to end had better be waited for: else its hook is called again.
GRACE = 5.0
# Threads that one hook may leave hanging in this process before it is called no more.
MAX_HANGING = 3

# Those threads, by store and hook: a relay may be built anew for each tick of a sensor, the threads stay.
_hanging: WeakKeyDictionary[HookStore, dict[str, list[threading.Thread]]] = WeakKeyDictionary()

# Of a traceback, the innermost calls, without our own.
_FRAMES = 3
_OWN_FILES = frozenset({__file__, worker.__file__})


class Relay:
    """Delivers what is due, each hook in threads of its own, so that none waits for another.

    Args:
        store: holds the deliveries.
        hooks: by qualified name; deliveries for others are left alone.
        scopes: the code locations that the hooks belong to; the first has the circuit breakers.
        grace: seconds (or `timedelta`) to wait for a call that began just before the end of the budget.
        concurrency: how many calls of one hook may be under way at once; those of one lane never are.
        owner: names this relay in the store; unique.
        clock: the time, aware; the store's own by default.
        rng: where the jitter comes from.
        redact: removes secrets from an error before it is stored or logged.
        tell: gives what is to be recorded of the bus's own news; by default, the event for nobody.
        stopping: asked between calls whether to end the run before its time.

    Raises:
        ConfigurationError: `scopes` is a text, which would be taken for its letters; or `concurrency` is not
            a number from 1 up.
    """

    def __init__(
        self,
        store: HookStore,
        hooks: Mapping[str, RegisteredHook],
        *,
        scopes: Collection[str],
        grace: float | timedelta = GRACE,
        concurrency: int = 1,
        owner: str | None = None,
        clock: Callable[[], datetime] | None = None,
        rng: random.Random | None = None,
        redact: Callable[[str], str] | None = None,
        tell: Tell | None = None,
        stopping: Callable[[], bool] | None = None,
    ) -> None:
        self.store = store
        self.hooks = dict(hooks)
        if isinstance(scopes, str):
            raise ConfigurationError(f"scopes={scopes!r} is one name: use scopes=[{scopes!r}]")
        if concurrency < 1:
            raise ConfigurationError(f"concurrency={concurrency!r}: use a whole number from 1 up")
        self.scopes = tuple(scopes)
        self.grace = seconds(grace)
        self.concurrency = concurrency
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.clock = clock or store.clock
        self.stopping = stopping or (lambda: False)
        self._redact = redact or (lambda text: text)
        tell = tell or _for_nobody
        self._gate = Gate(store, self.hooks, self.scopes, clock=self.clock, tell=tell)
        self._judge = Judge(self.hooks, clock=self.clock, rng=rng, tell=tell, probing=self._gate.probing)
        self._hanging = _hanging.setdefault(store, {})

    def run(self, budget: float | timedelta = 20.0, *, limit: int | None = None) -> RelayReport:
        """Deliver until nothing is due, or the time is up.

        A call that is still under way at the end is left to its thread, which records what comes of it; if
        the process ends before, the delivery is due again when its lease ends. What was not called is given
        back.

        Args:
            budget: how long to go on beginning calls.
            limit: how many deliveries to make at most.

        Raises:
            StoreUnavailableError: the store went away; what it did not hear of is delivered again.
        """
        report = RelayReport()
        with self.store.connected():
            if not self.any_due():
                return report
            RelayRun(self, report, seconds(budget), limit).go()
            report.remaining = self.store.pending_count(
                hooks=list(self.hooks), scopes=self.scopes, due_at=self.clock()
            )
        return report

    def serve(self, report: RelayReport) -> None:
        """Deliver whatever comes, until `stopping` says so; `report` is filled meanwhile.

        Raises:
            StoreUnavailableError: the store went away; what it did not hear of is delivered again.
        """
        with self.store.connected():
            RelayRun(self, report, math.inf, serving=True).go()

    def any_due(self) -> bool:
        """Whether there is anything to deliver now."""
        return self.store.any_due(list(self.hooks), self.scopes, self.clock())

    def lease(self, hook: RegisteredHook) -> float:
        """Seconds that a claim is this relay's: a call that begins before half of it is over ends in time."""
        return 2 * seconds(hook.registration.timeout)

    def start(self, hook: RegisteredHook, finished: SimpleQueue[Finished]) -> Worker:
        """A thread that calls `hook`."""
        enough = self.lease(hook) / 2
        return Worker(
            hook.qualified_name,
            call=lambda group: hook.deliver(*(claim.event for claim in group)),
            fresh=lambda group: (group[0].lease_until - self.clock()).total_seconds() > enough,
            finished=finished,
            too_late=self._too_late,
        )

    def leave(self, hook: str, worker: Worker) -> None:
        """Remember a thread that hangs."""
        self._hanging.setdefault(hook, []).append(worker.thread)

    def blocked(self, hook: str) -> str | None:
        """Why `hook` is not to be called for now: too many calls of it have not returned."""
        alive = [thread for thread in self._hanging.get(hook, ()) if thread.is_alive()]
        self._hanging[hook] = alive
        if len(alive) < MAX_HANGING:
            return None
        return f"not called: {len(alive)} calls have not returned; give its client a timeout"

    def admitted(self, hook: RegisteredHook, most: int) -> tuple[int, str | None]:
        """How many deliveries of a hook may be made now, and why not all."""
        return self._gate.admitted(hook, most)

    def reserve(self, hook: RegisteredHook) -> bool:
        """Whether what was claimed may be delivered; of an open circuit, one delivery by one relay."""
        return self._gate.reserve(hook, self.lease(hook))

    def held(self, hook: RegisteredHook) -> bool:
        """Whether a hook is to be left alone now, also with what was claimed before."""
        return self._gate.held(hook)

    def note(self, ended: Sequence[Finished]) -> set[str]:
        """Tell the circuit breakers what came of calls; return the hooks that are to be left alone now."""
        try:
            for each in ended:
                if not each.called:
                    self._gate.unprobe(each.claims[0].hook)
            return self._gate.note((each, self._text(each.error)) for each in ended if each.called)
        except StoreError as exc:
            # What became of the calls is to be recorded all the same; that the receiver is down shows again.
            logger.warning("circuit breakers not told: %s", exc)
            return set()

    def judge(self, finished: Finished) -> list[tuple[Claim, Settlement]]:
        """What the end of a call means for its deliveries."""
        return self._judge.verdicts(finished, self._text(finished.error))

    def overdue(self, group: Group, since: float) -> list[tuple[Claim, Settlement]]:
        """The verdict on a call that did not return: due again when its lease ends, or later."""
        if not group:
            return []
        text = f"the hook did not return within {time.monotonic() - since:.1f} s"
        results = [(claim, self._judge.overdue(claim, text)) for claim in group]
        self.note([Finished(group, TimeoutError(text))])
        return results

    def hopeless(self, claim: Claim) -> Settlement | None:
        """The verdict on a claim that the hook is not to be called for any more; None for any other."""
        return self._judge.hopeless(claim)

    def _text(self, error: BaseException | None) -> str:
        return "" if error is None else self._redact(_describe(error))

    def _too_late(self, finished: Finished, expired: bool) -> None:
        """Record what came of a call that nobody waits for any more, in its own thread.

        Of one that took longer than it may, the failure is recorded already, and of one whose lease has ended
        somebody else's call counts; a success is news.
        """
        over = expired or self.clock() >= finished.claims[0].lease_until
        if over and finished.error is not None:
            return
        try:
            results = [result for _, result in self.judge(finished)]
            self.note([finished])
            self.store.settle(results, owner=self.owner)
        except StoreError as exc:
            logger.warning("hook %s: late outcome not recorded: %s", finished.claims[0].hook, exc)


def _for_nobody(event: HookStatusEvent) -> Told:
    return Told(Entry(event))


def _describe(error: BaseException) -> str:
    """What a hook raised; with the way there, unless the hook itself says that this is a failure."""
    text = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, DeliveryError):
        return text.removeprefix("phlo_hooks.errors.")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename not in _OWN_FILES]
    return "\n".join((text, *traceback.format_list(frames[-_FRAMES:])))
