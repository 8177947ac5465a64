"""Sends what is due to one channel, unless it is of no use any more, and notes that it was sent."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from phlo_hooks.capabilities.alerting import flapping
from phlo_hooks.capabilities.alerting.aftermath import OPENING, Aftermath, close_if_told
from phlo_hooks.capabilities.alerting.compose import Composer
from phlo_hooks.capabilities.alerting.incident import Incident, State, Told, Waiting
from phlo_hooks.capabilities.alerting.ledger import NOTICE, Ledger, Mute
from phlo_hooks.capabilities.alerting.message import Kind, Message
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.timeliness import WINDOW, now_called, too_early, useless
from phlo_hooks.errors import RetryLater, StoreError
from phlo_hooks.events import AlertEvent
from phlo_hooks.state import Host

logger = logging.getLogger("phlo_hooks.alerting")

# Each round of a collision lets one writer through.
_MAX_TRIES = 30
_PAUSE = 0.02
# What was sent, and could not be noted: it is noted when the message comes again, and not sent again.
_unnoted: dict[str, Callable[[], None]] = {}
_MAX_UNNOTED, _NOTE_AGAIN = 1_000, 5.0
# What is told of something that was told before.
_ONCE_MORE = (Kind.REMINDER, Kind.ESCALATION, Kind.FLAPPING)


@dataclass(frozen=True)
class Sender:
    """The hook of one channel.

    Args:
        plan: the rules.
        host: where the incidents are kept.
    """

    plan: Plan
    host: Host

    def __call__(self, event: AlertEvent) -> None:
        """Send a message, or find that it is of no use.

        Raises:
            DeliveryError: as of `Channel.send`; also when it was sent and that could not be noted.
        """
        if event.event_id in _unnoted:
            self._note_sent(event, _unnoted.pop(event.event_id))
            return
        recipient = Recipient(event.channel, event.target)
        ledger = Ledger(self.host.state, self.host.clock())
        incident = _incident_of(event, ledger)
        waiting = _waiting(ledger, incident, event, str(recipient)) if incident else None
        if incident is None or waiting is None:
            # Sent before; or nobody knows any more what it was about.
            return
        # Renamed, maybe: what it has decided to tell, and nobody else will, is told.
        rule = self.plan.rule(event.rule) or Rule(name=event.rule, on=["*"], to=[event.channel])
        if self.plan.rule(event.rule) is None and waiting.kind in _ONCE_MORE:
            self._drop(event, recipient, f"there is no rule {event.rule!r} any more")
        elif waiting.kind is Kind.FLAPPING and waiting.always:
            self._look_again(event, recipient, rule)
        else:
            self._send_in_time(event, recipient, rule, ledger, incident)

    def _send_in_time(
        self, event: AlertEvent, recipient: Recipient, rule: Rule, ledger: Ledger, incident: Incident
    ) -> None:
        told = incident.teller(str(recipient))
        waiting = told.waiting[event.event_id]
        reason = useless(incident, told, event.event_id)
        later = too_early(rule, ledger, incident, told, event.event_id)
        if reason:
            self._drop(event, recipient, reason)
        elif later is not None:
            self._postpone(event, recipient, waiting, later)
        else:
            self._send(event, recipient, rule, incident, now_called(waiting.kind, incident))

    def _send(
        self, event: AlertEvent, recipient: Recipient, rule: Rule, incident: Incident, kind: Kind
    ) -> None:
        told = incident.teller(str(recipient))
        url, now = self.plan.webserver_url, self.host.clock()
        composer = Composer(rule, url, event.event_id, now, self.host.location)
        message = composer.message(incident, told, kind)
        channel = self.plan.channels[event.channel].ready()
        thread = channel.send(message, target=event.target, thread=told.thread)
        self._sent(event, recipient, rule, incident, message, thread)

    def _look_again(self, event: AlertEvent, recipient: Recipient, rule: Rule) -> None:
        """Whether what was flapping has come to rest; if so, how, else look again later."""
        found: list[Incident] = []

        def change(ledger: Ledger, incident: Incident, told: Told) -> None:
            found[:] = [incident]
            again = flapping.rests(incident, rule, ledger.now) if incident.flapping else None
            if again is not None:
                told.waiting.pop(event.event_id, None)
                _note(ledger, event, "dropped", "it flaps still")
                ledger.notice(incident, recipient, Kind.FLAPPING, again, always=True)
                return
            incident.flapping = None
            if incident.ok and incident.state is State.OPEN:
                ledger.close(incident)

        self._change(event, recipient, change)
        for incident in found:
            if incident.flapping is None:
                kind = Kind.RESOLVED if incident.ok else Kind.REMINDER
                self._send(event, recipient, rule, incident, kind)

    def _postpone(self, event: AlertEvent, recipient: Recipient, was: Waiting, later: Mute) -> None:
        def change(ledger: Ledger, incident: Incident, told: Told) -> None:
            if told.waiting.pop(event.event_id, None) is None and not _was_given_up(ledger, event):
                return
            _note(ledger, event, "dropped", f"another one takes its place: {later}")
            muted = was.muted or later.why != WINDOW
            ledger.notice(incident, recipient, was.kind, later.until, always=was.always, muted=muted)

        self._change(event, recipient, change)

    def _drop(self, event: AlertEvent, recipient: Recipient, reason: str) -> None:
        def change(ledger: Ledger, incident: Incident, told: Told) -> None:
            told.waiting.pop(event.event_id, None)
            _note(ledger, event, "dropped", reason)
            close_if_told(incident, ledger, self.plan.rule(incident.rule))

        self._change(event, recipient, change)

    def _sent(
        self,
        event: AlertEvent,
        recipient: Recipient,
        rule: Rule,
        was: Incident,
        message: Message,
        thread: str | None,
    ) -> None:
        def change(ledger: Ledger, incident: Incident, told: Told) -> None:
            told.waiting.pop(event.event_id, None)
            told.sent, told.sent_at = told.sent + 1, ledger.now
            told.counts = was.counts
            told.thread = told.thread or thread
            told.opening = message.kind in OPENING
            _note(ledger, event, "sent", message.title)
            Aftermath(rule, ledger, incident, recipient, told).see(message)

        self._note_sent(event, lambda: self._change(event, recipient, change))

    def _note_sent(self, event: AlertEvent, note: Callable[[], None]) -> None:
        """Note that a message was sent; while that cannot be done, its delivery is not over."""
        try:
            note()
        except StoreError as exc:
            while len(_unnoted) >= _MAX_UNNOTED:
                _unnoted.pop(next(iter(_unnoted)))
            _unnoted[event.event_id] = note
            logger.warning("alert %s was sent, which cannot be noted yet: %s", event.event_id, exc)
            raise RetryLater(f"it was sent, which cannot be noted yet: {exc}", after=_NOTE_AGAIN) from exc

    def _change(
        self, event: AlertEvent, recipient: Recipient, change: Callable[[Ledger, Incident, Told], None]
    ) -> None:
        for number in range(_MAX_TRIES):
            time.sleep(random.uniform(0, _PAUSE * number))
            ledger = Ledger(self.host.state, self.host.clock())
            incident = _incident_of(event, ledger)
            if incident is None:
                return
            change(ledger, ledger.touch(incident), incident.teller(str(recipient)))
            if ledger.commit():
                return
        raise StoreError(f"incident {event.incident_id} is written by too many at once: try again")


def _incident_of(event: AlertEvent, ledger: Ledger) -> Incident | None:
    return ledger.find(event.incident_id, event.details["slot"])


def _waiting(ledger: Ledger, incident: Incident, event: AlertEvent, recipient: str) -> Waiting | None:
    """What waits to be sent; None where it was sent, or dropped."""
    told = incident.told.get(recipient)
    if told is not None and event.event_id not in told.waiting and _was_given_up(ledger, event):
        # Somebody has it tried again.
        kind = Kind(event.event_type.removeprefix("alert."))
        told.waiting[event.event_id] = Waiting(kind=kind, due=ledger.now)
    return told.waiting.get(event.event_id) if told else None


def _was_given_up(ledger: Ledger, event: AlertEvent) -> bool:
    return bool((ledger.get(NOTICE + event.event_id) or {}).get("state") == "failed")


def _note(ledger: Ledger, event: AlertEvent, state: str, reason: str) -> None:
    """What became of a message, for those who ask."""
    known = ledger.get(NOTICE + event.event_id) or {}
    ledger.put(
        NOTICE + event.event_id,
        {**known, "state": state, "reason": reason, "at": ledger.now.isoformat()},
    )
