"""What rules would have made of events: the same code, with a clock of its own, and nothing is sent."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from phlo_hooks.capabilities.alerting.evaluator import Evaluator
from phlo_hooks.capabilities.alerting.ledger import LOOK_AGAIN
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.sending import Sender
from phlo_hooks.errors import RetryLater
from phlo_hooks.events import AlertEvent, HookEvent
from phlo_hooks.memory import MemoryState
from phlo_hooks.state import Host

# A real relay looks this often; events of one such span are one batch.
_BATCH = timedelta(seconds=10)
_MAX_BATCH = 100


@dataclass(frozen=True)
class Sent:
    """A message that would have been sent."""

    at: datetime
    recipient: str
    message: Message


@dataclass(order=True)
class _Due:
    at: datetime
    number: int
    event: AlertEvent = field(compare=False)


class Simulation:
    """Rules, with a clock that events and messages set.

    Args:
        plan: the rules; its channels are not used.
        fails: whether sending a message fails, for trials; it is tried again after a minute.
    """

    def __init__(self, plan: Plan, *, fails: Callable[[Sent], bool] = lambda sent: False) -> None:
        self.sent: list[Sent] = []
        self.now = datetime(1970, 1, 1, tzinfo=timezone.utc)
        self.state = MemoryState(clock=lambda: self.now, emit=self._queue)
        self._fails = fails
        self._due: list[_Due] = []
        self._number = 0
        host = Host(self.state, "", lambda selection: frozenset(), lambda: self.now)
        listening: Any = {name: _Listener(name, self._hear) for name in plan.channels}
        self.plan = replace(plan, channels=listening)
        self._evaluate, self._send = Evaluator(self.plan, host), Sender(self.plan, host)

    def play(self, events: Iterable[HookEvent]) -> Sequence[Sent]:
        """Take events in, by their timestamps, and send what is due in between; return all messages."""
        batch: list[HookEvent] = []
        heard = self.plan.event_types
        asked = (event for event in events if event.event_type in heard)
        for event in sorted(asked, key=lambda event: event.timestamp):
            if batch and (event.timestamp - batch[0].timestamp > _BATCH or len(batch) >= _MAX_BATCH):
                self._take(batch)
                batch = []
            batch.append(event)
        if batch:
            self._take(batch)
        return self.sent

    def until(self, moment: datetime) -> Sequence[Sent]:
        """Send what is due by then; return all messages so far."""
        while self._due and self._due[0].at <= moment:
            due = heapq.heappop(self._due)
            self.now = max(self.now, due.at)
            try:
                self._give(due.event)
            except RetryLater as exc:
                self._push(self.now + timedelta(seconds=exc.after), due.event)
        self.now = max(self.now, moment)
        return self.sent

    def _give(self, event: AlertEvent) -> None:
        if event.event_type == LOOK_AGAIN:
            self._evaluate([event])
        else:
            self._send(event)

    def _take(self, batch: list[HookEvent]) -> None:
        self.until(batch[-1].timestamp)
        self._evaluate(batch)
        self.until(self.now)

    def _queue(self, event: HookEvent) -> None:
        if isinstance(event, AlertEvent):
            self._push(event.due or self.now, event)

    def _push(self, at: datetime, event: AlertEvent) -> None:
        self._number += 1
        heapq.heappush(self._due, _Due(at, self._number, event))

    def _hear(self, recipient: Recipient, message: Message) -> None:
        sent = Sent(self.now, str(recipient), message)
        if self._fails(sent):
            raise RetryLater("a trial", after=60)
        self.sent.append(sent)


class _Listener:
    """A channel that only listens."""

    def __init__(self, name: str, hear: Callable[[Recipient, Message], None]) -> None:
        self._name, self._hear = name, hear

    def ready(self) -> _Listener:
        """It needs nothing."""
        return self

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> None:
        """Hand the message over."""
        self._hear(Recipient(self._name, target), message)
