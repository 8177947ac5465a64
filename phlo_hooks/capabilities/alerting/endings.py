"""What ends: problems that are over, groups whose run or backfill is, messages that were given up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from phlo_hooks.capabilities.alerting import flapping
from phlo_hooks.capabilities.alerting.facts import Recovery, facts_of
from phlo_hooks.capabilities.alerting.incident import Incident
from phlo_hooks.capabilities.alerting.ledger import NOTICE, Ledger
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.telling import TELLING
from phlo_hooks.capabilities.alerting.verdict import Outcome, Verdict
from phlo_hooks.events import HookEvent


class Endings:
    """Finds what an event ends.

    Args:
        plan: the rules.
        ledger: what is known, and takes what follows.
    """

    def __init__(self, plan: Plan, ledger: Ledger) -> None:
        self._plan, self._ledger, self._now = plan, ledger, ledger.now

    def recover(self, recoveries: Iterable[Recovery], rule: str | None = None) -> Iterator[Verdict]:
        """What comes right, of every rule or of one."""
        for recovery in recoveries:
            for incident in self._ledger.mended_by(recovery):
                if incident.kind != "problem" or rule not in (None, incident.rule):
                    continue
                if incident.mended(recovery):
                    yield self._mended(self._ledger.touch(incident))

    def _mended(self, incident: Incident) -> Verdict:
        """Something of an incident is right again; perhaps all of it."""
        rule = self._plan.rule(incident.rule)
        if not incident.ok:
            return Verdict(
                incident.rule, Outcome.RECOVERED, "others of its incident are wrong still", incident.id
            )
        if rule is not None and flapping.went_right(incident, rule, self._now):
            return Verdict(incident.rule, Outcome.FLAPPING, "it goes wrong and right too often", incident.id)
        flapping.ended(self._ledger, incident)
        notices = [
            self._ledger.notice(
                incident,
                Recipient.read(name),
                Kind.RESOLVED,
                rule.awake(self._now, incident.severity) if rule else self._now,
            )
            for name, told in incident.told.items()
            if told.opening and (rule is None or rule.recovery)
        ]
        self._ledger.close(incident)
        reason = f"it is right again after {incident.count}"
        return Verdict(incident.rule, Outcome.RECOVERED, reason, incident.id, tuple(notices))

    def close_group(self, key: str, event: HookEvent) -> Iterator[Verdict]:
        """Its run or backfill has ended: nobody else will join the group."""
        for incident in self._ledger.called(key):
            incident.ended = facts_of(event).written()
            rule = self._plan.rule(incident.rule)
            # An escalation is not for the group's end.
            waiting = [
                name
                for name, told in incident.told.items()
                if any(each.kind in TELLING for each in told.waiting.values())
            ]
            notices = [
                self._ledger.notice(
                    incident, Recipient.read(name), Kind.FIRING, rule.awake(self._now, incident.severity)
                )
                for name in waiting
                if rule is not None and not incident.told[name].waits_by(self._now)
            ]
            self._ledger.touch(incident)
            yield Verdict(incident.rule, Outcome.CLOSED, f"{key} has ended", incident.id, tuple(notices))

    def lost(self, event: HookEvent) -> None:
        """A message that was given up opens no window: the next event is told again."""
        about = getattr(event, "about_event_id", None) if event.event_type == "hook.dead_letter" else None
        known = self._ledger.get(NOTICE + about) if about else None
        if known is None or known["state"] == "sent":
            return
        self._ledger.put(
            NOTICE + str(about), {**known, "state": "failed", "reason": getattr(event, "reason", "")}
        )
        incident = self._ledger.find(known["incident_id"], known["slot"])
        if incident is not None:
            incident.teller(known["recipient"]).waiting.pop(str(about), None)
            self._ledger.touch(incident)
