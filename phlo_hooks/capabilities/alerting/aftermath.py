"""What follows once a message was sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from phlo_hooks.capabilities.alerting.compose import untold_of
from phlo_hooks.capabilities.alerting.incident import Incident, State, Told
from phlo_hooks.capabilities.alerting.ledger import Ledger
from phlo_hooks.capabilities.alerting.message import Kind, Message
from phlo_hooks.capabilities.alerting.quiet import next_time
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.telling import TELLING

# What leaves people in the belief that something is wrong.
OPENING = (Kind.FIRING, Kind.REMINDER, Kind.ESCALATION, Kind.FLAPPING)


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
            close_if_told(self._incident, self._ledger, self._rule)
        elif self._incident.state is State.OPEN:
            self._go_on(message)
        elif message.kind in OPENING and self._rule.recovery:
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


def close_if_told(incident: Incident, ledger: Ledger, rule: Rule | None) -> None:
    """A notice or digest is over when everybody has it; one with a window waits for the next of its kind."""
    waits = any(told.waiting for told in incident.told.values())
    lasting = incident.kind == "notice" and rule is not None and rule.window
    if incident.kind != "problem" and not waits and not lasting and incident.state is not State.RESOLVED:
        ledger.close(incident)
