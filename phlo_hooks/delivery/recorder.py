"""The outbox of a bus: records events with their deliveries, and what became of those made at once."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence

from phlo_hooks.bus import Accepted
from phlo_hooks.delivery.records import DeliveryKey, Entry, Settlement, StateWrite, Target
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.dispatch import Delivery, Outcome
from phlo_hooks.envelope import redacted
from phlo_hooks.errors import PermanentError, StoreError
from phlo_hooks.events import HookEvent
from phlo_hooks.limits import bounded
from phlo_hooks.redaction import Redactor
from phlo_hooks.registration import RegisteredHook
from phlo_hooks.retry import RetryPolicy

logger = logging.getLogger("phlo_hooks.recorder")

# An inline hook runs inside a step: when it has not come back after this, its process is taken for dead.
INLINE_LEASE = 15 * 60.0
# After a failure a run does without the store for this long: the next steps need not wait for it, too.
OUTAGE_PAUSE = 30.0

Batch = Sequence[tuple[HookEvent, Sequence[RegisteredHook]]]


class Recorder:
    """Records what a bus emits.

    Args:
        store: where.
        scope: the code location whose hooks the deliveries are for.
        redactor: knows the values that must not be stored.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        store: HookStore,
        *,
        scope: str = "",
        redactor: Redactor | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._store = store
        self._scope = scope
        self._redactor = redactor or Redactor()
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._complained = False
        self._retry: dict[str, RetryPolicy] = {}
        self._trouble: StoreError | None = None
        self._down_until = 0.0

    def record(self, batch: Batch, state: Sequence[StateWrite] = ()) -> frozenset[str]:
        """Record events for the relay to deliver, whatever their hooks' mode; return the ids that are new.

        Raises:
            StoreUnavailableError: nothing was recorded.
        """
        entries = [self.entry(event, hooks) for event, hooks in batch]
        return self._store.record(entries, state=state)

    def entry(self, event: HookEvent, hooks: Iterable[RegisteredHook]) -> Entry:
        """What is to be recorded for the relay to deliver, without any secret."""
        return Entry(self._outgoing(event), tuple(self._queued(hook, event) for hook in hooks))

    def accept(self, batch: Batch) -> Sequence[Accepted]:
        """Record events; the inline hooks of the new ones are to be called now.

        While the store cannot be reached, inline hooks are called all the same, and the tail sensor records
        the events later from Dagster's own log. The log says so once.
        """
        entries = [Entry(self._outgoing(event), self._targets(hooks, event)) for event, hooks in batch]
        try:
            new = self._record_or_go_on(entries)
        except StoreError as exc:
            self._complain(exc)
            return [self._unrecorded(hooks, exc) for _, hooks in batch]
        return [self._accepted(event.event_id in new, hooks) for event, hooks in batch]

    def _record_or_go_on(self, entries: Sequence[Entry]) -> frozenset[str]:
        """A run waits for a store that is down once, not again in each of its steps."""
        if self._trouble is not None and self._clock() < self._down_until:
            raise self._trouble
        try:
            return self._store.record(entries)
        except StoreError as exc:
            self._trouble, self._down_until = exc, self._clock() + OUTAGE_PAUSE
            raise

    def settle(self, event: HookEvent, deliveries: Sequence[Delivery]) -> None:
        """Record what became of the hooks that were called here; a store that is down has their lease end."""
        try:
            results = [self._settlement(event, delivery) for delivery in deliveries]
            self._store.settle(results, owner=self._owner)
        except StoreError as exc:
            self._complain(exc)

    def _settlement(self, event: HookEvent, delivery: Delivery) -> Settlement:
        key = DeliveryKey(event.event_id, delivery.hook, self._scope)
        if delivery.outcome is Outcome.DELIVERED:
            return Settlement.delivered(key)
        error = self._redactor.text(f"{type(delivery.error).__name__}: {delivery.error}")
        if delivery.outcome in (Outcome.IGNORED, Outcome.RAISED):
            # What was raised has had its effect, which was to stop the step: there is nothing to try again.
            return Settlement.suppressed(key, error)
        if isinstance(delivery.error, PermanentError):
            return Settlement.dead(key, error)
        return Settlement.retrying(key, error, after=self._retry.get(delivery.hook, RetryPolicy()).delay(1))

    def _targets(self, hooks: Sequence[RegisteredHook], event: HookEvent) -> tuple[Target, ...]:
        until = self._clock() + INLINE_LEASE
        inline = [hook for hook in hooks if not hook.queued]
        self._retry.update((hook.qualified_name, hook.registration.retry) for hook in inline)
        return tuple(
            self._queued(hook, event)
            if hook.queued
            else Target(hook.qualified_name, self._scope, lease_owner=self._owner, lease_until=until)
            for hook in hooks
        )

    def _queued(self, hook: RegisteredHook, event: HookEvent) -> Target:
        return Target(hook.qualified_name, self._scope, lane=hook.lane(event), due=hook.due(event))

    def _outgoing(self, event: HookEvent) -> HookEvent:
        return bounded(redacted(event, self._redactor))

    def _accepted(self, new: bool, hooks: Sequence[RegisteredHook]) -> Accepted:
        if not new:
            return Accepted((), [Delivery(hook.qualified_name, Outcome.DUPLICATE) for hook in hooks])
        queued = [Delivery(hook.qualified_name, Outcome.QUEUED) for hook in hooks if hook.queued]
        return Accepted([hook for hook in hooks if not hook.queued], queued)

    def _unrecorded(self, hooks: Sequence[RegisteredHook], error: Exception) -> Accepted:
        lost = [Delivery(hook.qualified_name, Outcome.FAILED, error) for hook in hooks if hook.queued]
        return Accepted([hook for hook in hooks if not hook.queued], lost)

    def _complain(self, error: Exception) -> None:
        level = logging.DEBUG if self._complained else logging.WARNING
        self._complained = True
        logger.log(level, "%s; the tail sensor will record these events from Dagster's log", error)
