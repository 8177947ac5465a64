"""Sends what is due to one channel, unless it is of no use any more, and notes that it was sent."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from phlo_hooks.capabilities.alerting import flapping
from phlo_hooks.capabilities.alerting.compose import Composer, untold_of
from phlo_hooks.capabilities.alerting.incident import Incident, State, Told, Waiting
from phlo_hooks.capabilities.alerting.ledger import NOTICE, Ledger, Mute
from phlo_hooks.capabilities.alerting.message import Kind, Message
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.quiet import next_time
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.telling import TELLING
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
_WINDOW = "people were told within its window"
# What is told of something that was told before.
_ONCE_MORE = (Kind.REMINDER, Kind.ESCALATION, Kind.FLAPPING)
_OPENING = (Kind.FIRING, Kind.REMINDER, Kind.ESCALATION, Kind.FLAPPING)


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
        incident, rule = _incident_of(event, ledger), self.plan.rule(event.rule)
        told = incident.told.get(str(recipient)) if incident else None
        if told is not None and event.event_id not in told.waiting and _was_given_up(ledger, event):
            # Somebody has it tried again.
            told.waiting[event.event_id] = Waiting(
                kind=Kind(event.event_type.removeprefix("alert.")), due=ledger.now
            )
        if incident is None or told is None or event.event_id not in told.waiting:
            # Sent before; or nobody knows any more what it was about.
            return
        waiting = told.waiting[event.event_id]
        if rule is None:
            if waiting.kind in _ONCE_MORE:
                self._drop(event, recipient, f"there is no rule {event.rule!r} any more")
                return
            # Renamed, maybe: what it has decided to tell, and nobody else will, is told.
            rule = Rule(name=event.rule, on=["*"], to=[event.channel])
        if waiting.kind is Kind.FLAPPING and waiting.always:
            self._look_again(event, recipient, rule)
            return
        reason = useless(incident, told, event.event_id)
        if reason:
            self._drop(event, recipient, reason)
            return
        later = too_early(rule, ledger, incident, told, event.event_id)
        if later is not None:
            self._postpone(event, recipient, waiting, later)
            return
        self._send(event, recipient, rule, incident, now_called(waiting.kind, incident))

    def _send(
        self, event: AlertEvent, recipient: Recipient, rule: Rule, incident: Incident, kind: Kind
    ) -> None:
        told = incident.teller(str(recipient))
        url, now = self.plan.webserver_url, self.host.clock()
        composer = Composer(rule, url, event.event_id, now, self.host.location)
        message = composer.message(incident, told, kind)
        channel = self.plan.channels[event.channel]
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
            muted = was.muted or later.why != _WINDOW
            ledger.notice(incident, recipient, was.kind, later.until, always=was.always, muted=muted)

        self._change(event, recipient, change)

    def _drop(self, event: AlertEvent, recipient: Recipient, reason: str) -> None:
        def change(ledger: Ledger, incident: Incident, told: Told) -> None:
            told.waiting.pop(event.event_id, None)
            _note(ledger, event, "dropped", reason)
            _close_if_told(incident, ledger, self.plan.rule(incident.rule))

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
            told.opening = message.kind in _OPENING
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


def too_early(rule: Rule, ledger: Ledger, incident: Incident, told: Told, notice: str) -> Mute | None:
    """Until when a message has to wait, and why; None if it is to be sent now."""
    waiting, severity = told.waiting[notice], incident.severity
    mute = _mute(rule, ledger, incident, told) if waiting.kind is not Kind.RESOLVED else None
    if mute is not None:
        return mute._replace(until=rule.awake(mute.until, severity))
    if waiting.kind is Kind.REMINDER and not waiting.always and told.sent_at is not None:
        # Another cause was told meanwhile, and with it a new window began.
        over = rule.awake(told.sent_at + rule.window_after(told.sent), severity)
        return Mute(over, _WINDOW) if over > ledger.now else None
    return None


def useless(incident: Incident, told: Told, notice: str) -> str:
    """Why a message need not be sent any more; empty if it is to be."""
    waiting = told.waiting[notice]
    if waiting.muted and _is_over(incident):
        return "it came right while it was muted"
    if waiting.kind in (Kind.REMINDER, Kind.ESCALATION) and _is_over(incident):
        return "it is right again"
    if waiting.kind is Kind.RESOLVED:
        return "" if told.opening else "nobody was told that it was wrong"
    lasting = waiting.always and not incident.ok
    if waiting.kind in TELLING and not lasting and not untold_of(incident, told):
        return "all of it was told"
    return ""


def _mute(rule: Rule, ledger: Ledger, incident: Incident, told: Told) -> Mute | None:
    """Until when all that the recipient was not told yet is muted; None if some of it is not."""
    new = [incident.causes[name].about for name in untold_of(incident, told) if name]
    mutes = [ledger.muted(rule, facts) for facts in new or [incident.latest]]
    found = [mute for mute in mutes if mute is not None]
    return min(found) if len(found) == len(mutes) else None


def _is_over(incident: Incident) -> bool:
    return incident.kind == "problem" and incident.state in (State.RESOLVED, State.EXPIRED)


def now_called(kind: Kind, incident: Incident) -> Kind:
    """What a message is by the time it is sent: what it was to tell of may be over."""
    if kind is Kind.NOTICE and incident.kind == "problem" and not incident.ok:
        # Something of its group is wrong, which the message tells of, too.
        return Kind.FIRING
    return Kind.RESOLVED if kind is Kind.FIRING and _is_over(incident) else kind


class Aftermath:
    """What follows once a message was sent.

    Args:
        rule: whose it was.
        ledger: takes what follows.
        incident: as it stands now.
        recipient: who has it.
        told: what they know.
    """

    def __init__(
        self, rule: Rule, ledger: Ledger, incident: Incident, recipient: Recipient, told: Told
    ) -> None:
        self._rule, self._ledger, self._incident = rule, ledger, incident
        self._recipient, self._told = recipient, told

    def see(self, message: Message) -> None:
        """Tell of what happened while it was sent, and have the next reminder wait."""
        if self._incident.kind != "problem" or self._rule.digest:
            if self._incident.state is State.OPEN:
                self._catch_up(Kind.NOTICE)
            _close_if_told(self._incident, self._ledger, self._rule)
        elif self._incident.state is State.OPEN:
            self._go_on(message)
        elif message.kind in _OPENING and self._rule.recovery:
            # It came right while the message was being sent.
            self._notice(Kind.RESOLVED, self._ledger.now)

    def _go_on(self, message: Message) -> None:
        now = self._ledger.now
        if message.kind is Kind.FLAPPING:
            due = now + (self._rule.span("flap_within") or timedelta())
            self._notice(Kind.FLAPPING, due, always=True)
            return
        self._catch_up(Kind.FIRING)
        if (again := self._rule.span("renotify")) is not None and not self._told.waiting:
            self._notice(Kind.REMINDER, now + again, always=True)

    def _catch_up(self, kind: Kind) -> None:
        """Have told what happened while the message was sent."""
        now, untold = self._ledger.now, untold_of(self._incident, self._told)
        if untold and self._rule.digest:
            self._once(Kind.DIGEST, next_time(self._rule.digest, self._rule.timezone, now))
        elif any(name not in self._told.counts for name in untold):
            self._once(kind, now)
        elif untold:
            self._once(Kind.REMINDER, now + self._rule.window_after(self._told.sent))

    def _once(self, kind: Kind, due: datetime) -> None:
        if not self._told.waits_by(due, *TELLING):
            self._notice(kind, due)

    def _notice(self, kind: Kind, due: datetime, *, always: bool = False) -> None:
        awake = self._rule.awake(due, self._incident.severity)
        self._ledger.notice(self._incident, self._recipient, kind, awake, always=always)


def _was_given_up(ledger: Ledger, event: AlertEvent) -> bool:
    return bool((ledger.get(NOTICE + event.event_id) or {}).get("state") == "failed")


def _note(ledger: Ledger, event: AlertEvent, state: str, reason: str) -> None:
    """What became of a message, for those who ask."""
    known = ledger.get(NOTICE + event.event_id) or {}
    ledger.put(
        NOTICE + event.event_id,
        {**known, "state": state, "reason": reason, "at": ledger.now.isoformat()},
    )


def _close_if_told(incident: Incident, ledger: Ledger, rule: Rule | None) -> None:
    """A notice or digest is over when everybody has it; one with a window waits for the next of its kind."""
    waits = any(told.waiting for told in incident.told.values())
    lasting = incident.kind == "notice" and rule is not None and rule.window
    if incident.kind != "problem" and not waits and not lasting and incident.state is not State.RESOLVED:
        ledger.close(incident)
