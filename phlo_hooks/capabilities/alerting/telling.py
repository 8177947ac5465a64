"""Whether one recipient is told of one more event: now, later, or with a message that is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.incident import Incident
from phlo_hooks.capabilities.alerting.ledger import Ledger
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.capabilities.alerting.quiet import next_time
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.verdict import Outcome

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
        if told.waits_by(self.ledger.now, *TELLING):
            return Step(Outcome.JOINED, "a message that is on its way tells of it, too")
        if not self.fingerprint or self.fingerprint in told.counts:
            return self._again(recipient)
        if self.rule.group_by != "subject" and self._kind is Kind.FIRING:
            return self._grouped(recipient)
        return self._now(recipient, self._kind)

    @property
    def _kind(self) -> Kind:
        return Kind.FIRING if self.facts.is_problem else Kind.NOTICE

    def _digest(self, recipient: Recipient) -> Step:
        if self.incident.teller(str(recipient)).waiting:
            return Step(Outcome.DIGEST, "with the digest")
        due = next_time(self.rule.digest or "", self.rule.timezone, self.ledger.now)
        notice = self.ledger.notice(self.incident, recipient, Kind.DIGEST, due)
        return Step(Outcome.DIGEST, f"with the digest of {due:%Y-%m-%d %H:%M} UTC", notice)

    def _grouped(self, recipient: Recipient) -> Step:
        due = self._awake(self.ledger.now + self.rule.patience)
        if self.incident.teller(str(recipient)).waits_by(due, *TELLING):
            return Step(Outcome.GROUPED, "with the others of its group")
        notice = self.ledger.notice(self.incident, recipient, self._kind, due)
        return Step(Outcome.GROUPED, f"its group waits until {due:%Y-%m-%d %H:%M:%S} UTC", notice)

    def _again(self, recipient: Recipient) -> Step:
        """The recipient knows of this cause, or is about to."""
        told = self.incident.teller(str(recipient))
        window = self.rule.window_after(told.sent)
        if told.sent_at is None:
            if told.waiting:
                return Step(Outcome.SUPPRESSED, "a message about it waits to be sent")
            return self._now(recipient, self._kind)
        over = told.sent_at + window
        if self.ledger.now >= over:
            return self._now(recipient, Kind.REMINDER)
        due = self._awake(over)
        if not told.waits_by(due, *TELLING):
            self.ledger.notice(self.incident, recipient, Kind.REMINDER, due)
        return Step(Outcome.SUPPRESSED, f"told of this cause within the last {window}; it is counted")

    def _now(self, recipient: Recipient, kind: Kind) -> Step:
        due = self._awake(self.ledger.now)
        if due == self.ledger.now:
            return Step(
                Outcome.NOTIFIED, f"to {recipient}", self.ledger.notice(self.incident, recipient, kind)
            )
        if self.incident.teller(str(recipient)).waits_by(due, *TELLING):
            return Step(Outcome.JOINED, "the message at the end of the quiet hours tells of it, too")
        notice = self.ledger.notice(self.incident, recipient, kind, due)
        return Step(Outcome.DELAYED, f"quiet hours until {due:%Y-%m-%d %H:%M} UTC", notice)

    def _awake(self, due: datetime) -> datetime:
        return self.rule.awake(due, self.facts.severity)
