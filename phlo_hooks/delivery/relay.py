"""The relay: hands due deliveries to their hooks, and records what became of them."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Protocol
from weakref import WeakKeyDictionary

from phlo_hooks.delivery import worker
from phlo_hooks.delivery.records import Claim, Settlement
from phlo_hooks.delivery.relay_run import RelayRun
from phlo_hooks.delivery.report import RelayReport
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.verdict import verdict
from phlo_hooks.delivery.worker import Finished, Worker
from phlo_hooks.errors import ConfigurationError, DeliveryError, StoreError
from phlo_hooks.events import HookEvent
from phlo_hooks.registration import FailurePolicy
from phlo_hooks.retry import RetryPolicy, seconds

__all__ = ["Deliverable", "Relay", "RelayReport"]

logger = logging.getLogger("phlo_hooks.relay")

# Threads that one hook may leave hanging in this process before it is called no more.
MAX_HANGING = 3

# Those threads, by store and hook: a relay may be built anew for each tick of a sensor, the threads stay.
_hanging: WeakKeyDictionary[HookStore, dict[str, list[threading.Thread]]] = WeakKeyDictionary()

# Of a traceback, the innermost calls, without our own.
_FRAMES = 3
_OWN_FILES = frozenset({__file__, worker.__file__})


class Deliverable(Protocol):
    """What the relay needs of a hook; `RegisteredHook` is one."""

    @property
    def qualified_name(self) -> str:
        """`plugin.hook_name`."""

    @property
    def failure_policy(self) -> FailurePolicy:
        """What an exception means."""

    @property
    def deliver(self) -> Callable[[HookEvent], object]:
        """Hand over one event; an exception means that it was not delivered."""


class Relay:
    """Delivers what is due, each hook in a thread of its own, so that none waits for another.

    Args:
        store: holds the deliveries.
        hooks: by qualified name; deliveries for others are left alone.
        scopes: the code locations that the hooks belong to.
        policy: when to try again.
        lease: how long one call may take; after that any relay may call the hook again.
        grace: how long a call that began just before the end of the budget is waited for.
        owner: names this relay in the store; unique.
        clock: the time, aware; the store's own by default.
        rng: where the jitter comes from.
        call: how to call a hook; `hook.deliver(event)` by default.
        redact: removes secrets from an error before it is stored or logged.

    Raises:
        ConfigurationError: `scopes` is a text, which would be taken for its letters.
    """

    def __init__(
        self,
        store: HookStore,
        hooks: Mapping[str, Deliverable],
        *,
        scopes: Collection[str],
        policy: RetryPolicy | None = None,
        lease: float | timedelta = 60.0,
        grace: float | timedelta = 5.0,
        owner: str | None = None,
        clock: Callable[[], datetime] | None = None,
        rng: random.Random | None = None,
        call: Callable[[Deliverable, HookEvent], object] | None = None,
        redact: Callable[[str], str] | None = None,
    ) -> None:
        self.store = store
        self.hooks = dict(hooks)
        if isinstance(scopes, str):
            raise ConfigurationError(f"scopes={scopes!r} is one name: use scopes=[{scopes!r}]")
        self.scopes = tuple(scopes)
        self.policy = policy or RetryPolicy()
        self.lease = seconds(lease)
        self.grace = seconds(grace)
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.clock = clock or store.clock
        self._rng = rng
        self._call = call or (lambda hook, event: hook.deliver(event))
        self._redact = redact or (lambda text: text)
        self._hanging = _hanging.setdefault(store, {})

    def run(self, budget: float | timedelta = 20.0, *, limit: int | None = None) -> RelayReport:
        """Deliver until nothing is due, or the time is up.

        A call that is still under way at the end is left to its thread: a success is recorded when it
        comes, else the delivery is due again when its lease ends. What was not called is given back.

        Args:
            budget: how long to go on beginning calls.
            limit: how many deliveries to make at most.

        Raises:
            StoreUnavailableError: the store went away; what it did not hear of is delivered again.
        """
        report = RelayReport()
        with self.store.connected():
            RelayRun(self, report, seconds(budget), limit).go()
            report.remaining = self.store.pending_count(
                hooks=list(self.hooks), scopes=self.scopes, due_at=self.clock()
            )
        return report

    def start(self, hook: str, finished: SimpleQueue[Finished]) -> Worker:
        """A thread that calls `hook`."""
        return Worker(
            hook,
            call=lambda claim: self._call(self.hooks[hook], claim.event),
            fresh=lambda claim: (claim.lease_until - self.clock()).total_seconds() > self.lease / 2,
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

    def judge(self, finished: Finished) -> Settlement:
        """What the end of a call means for its delivery."""
        claim, error, called = finished
        if not called:
            return Settlement.released(claim.delivery_id)
        if error is None:
            return Settlement.delivered(claim.delivery_id)
        return verdict(
            self.policy,
            claim,
            error,
            self._redact(_describe(error)),
            failure_policy=self.hooks[claim.hook].failure_policy,
            now=self.clock(),
            rng=self._rng,
        )

    def overdue(self, claim: Claim, since: float) -> Settlement:
        """The verdict on a call that did not return: due again when its lease ends, or later."""
        text = f"the hook did not return within {time.monotonic() - since:.1f} s"
        lease = (claim.lease_until - self.clock()).total_seconds()
        after = max(lease, self.policy.delay(claim.attempts, self._rng))
        return Settlement.retrying(claim.delivery_id, text, after=after)

    def exhausted(self, claim: Claim) -> Settlement | None:
        """The verdict on a claim that was tried too often without an outcome; None for any other."""
        if claim.attempts <= self.policy.max_attempts:
            return None
        tries = claim.attempts - 1
        text = f"no outcome in {tries} attempts: the process that called the hook ended each time"
        return Settlement.dead(claim.delivery_id, text)

    def _too_late(self, finished: Finished) -> None:
        """A failure was counted when the call was given up; a success is news, and so is no call."""
        if finished.error is not None:
            return
        try:
            self.store.settle([self.judge(finished)], owner=self.owner)
        except StoreError as exc:
            logger.warning("hook %s: late outcome not recorded: %s", finished.claim.hook, exc)


def _describe(error: BaseException) -> str:
    """What a hook raised; with the way there, unless the hook itself says that this is a failure."""
    text = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, DeliveryError):
        return text.removeprefix("phlo_hooks.errors.")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename not in _OWN_FILES]
    return "\n".join((text, *traceback.format_list(frames[-_FRAMES:])))
