"""Whether one recipient is told of one more event: now, later, or with a message that is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.incident import Incident, Told
from phlo_hooks.capabilities.alerting.ledger import ENDED, Ledger
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.capabilities.alerting.quiet import next_time
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.verdict import Outcome

# A message that is due for longer may never come: its delivery was discarded, or its channel is down. Another
# one beside it does no harm: of two that tell of the same the later one is dropped.
_OVERDUE, _DIGEST_OVERDUE = timedelta(hours=1), timedelta(days=1)
# What comes after the end of its run or backfill comes all at once.
_LATECOMERS = timedelta(minutes=1)
# Messages that tell of whatever has happened by the time they are sent.
TELLING = (Kind.FIRING, Kind.REMINDER, Kind.NOTICE, Kind.DIGEST)


class Step(NamedTuple):
    """What was decided for one recipient: what, why, and the message that follows, if any."""

    outcome: Outcome
    reason: str
    notice: str | None = None

    @property
    def rank(self) -> int:
        """0 for the most that can become of an event."""
        return _RANK.index(self.outcome)


# From the most to the least; of several recipients the most counts.
_RANK = (
    Outcome.NOTIFIED,
    Outcome.DELAYED,
    Outcome.GROUPED,
    Outcome.DIGEST,
    Outcome.JOINED,
    Outcome.SUPPRESSED,
)


@dataclass(frozen=True)
class Telling:
    """One more event of an incident.

    Args:
        ledger: takes the messages.
        rule: whose incident it is.
        facts: of the event.
        incident: with the event counted.
        fingerprint: of its cause; empty for one that is not listed any more.
    """

    ledger: Ledger
    rule: Rule
    facts: Facts
    incident: Incident
    fingerprint: str

    def to(self, recipient: Recipient) -> Step:
        """Decide for one recipient, and have the message sent."""
        told = self.incident.teller(str(recipient))
        if self.rule.digest:
            return self._digest(recipient)
        if self._waits_by(told, self.ledger.now):
            return Step(Outcome.JOINED, "a message that is on its way tells of it, too")
        if not self.fingerprint or self.fingerprint in told.counts:
            return self._again(recipient)
        if self.rule.group_by != "subject" and self._kind is Kind.FIRING:
            return self._grouped(recipient)
        return self._now(recipient, self._kind)

    def _waits_by(self, told: Told, when: datetime) -> bool:
        """Whether a message that will tell of it, too, is on its way."""
        return told.waits_by(when, *TELLING, since=self.ledger.now - _OVERDUE)

    @property
    def _kind(self) -> Kind:
        return Kind.FIRING if self.facts.is_problem else Kind.NOTICE

    def _digest(self, recipient: Recipient) -> Step:
        now = self.ledger.now
        due = next_time(self.rule.digest or "", self.rule.timezone, now)
        if self.incident.teller(str(recipient)).waits_by(due, since=now - _DIGEST_OVERDUE):
            return Step(Outcome.DIGEST, "with the digest")
        notice = self.ledger.notice(self.incident, recipient, Kind.DIGEST, due)
        return Step(Outcome.DIGEST, f"with the digest of {due:%Y-%m-%d %H:%M} UTC", notice)

    def _grouped(self, recipient: Recipient) -> Step:
        over = self.ledger.get(ENDED + self.incident.key) is not None
        patience = min(self.rule.patience, _LATECOMERS) if over else self.rule.patience
        due = self._awake(self.ledger.now + patience)
        if self._waits_by(self.incident.teller(str(recipient)), due):
            return Step(Outcome.GROUPED, "with the others of its group")
        notice = self.ledger.notice(self.incident, recipient, self._kind, due)
        return Step(Outcome.GROUPED, f"its group waits until {due:%Y-%m-%d %H:%M:%S} UTC", notice)

    def _again(self, recipient: Recipient) -> Step:
        """The recipient knows of this cause, or is about to."""
        told = self.incident.teller(str(recipient))
        window = self.rule.window_after(told.sent)
        if told.sent_at is None:
            if any(each.due > self.ledger.now - _OVERDUE for each in told.waiting.values()):
                return Step(Outcome.SUPPRESSED, "a message about it waits to be sent")
            return self._now(recipient, self._kind)
        over = told.sent_at + window
        if self.ledger.now >= over:
            return self._now(recipient, Kind.REMINDER)
        due = self._awake(over)
        if not self._waits_by(told, due):
            self.ledger.notice(self.incident, recipient, Kind.REMINDER, due)
        return Step(Outcome.SUPPRESSED, f"told of this cause within the last {window}; it is counted")

    def _now(self, recipient: Recipient, kind: Kind) -> Step:
        due = self._awake(self.ledger.now)
        if due == self.ledger.now:
            return Step(
                Outcome.NOTIFIED, f"to {recipient}", self.ledger.notice(self.incident, recipient, kind)
            )
        if self._waits_by(self.incident.teller(str(recipient)), due):
            return Step(Outcome.JOINED, "the message at the end of the quiet hours tells of it, too")
        notice = self.ledger.notice(self.incident, recipient, kind, due)
        return Step(Outcome.DELAYED, f"quiet hours until {due:%Y-%m-%d %H:%M} UTC", notice)

    def _awake(self, due: datetime) -> datetime:
        return self.rule.awake(due, self.facts.severity)
