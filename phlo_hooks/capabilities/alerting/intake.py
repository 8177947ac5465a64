"""What an event does to the incidents, and which messages follow from it; all of it by way of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from phlo_hooks.capabilities.alerting import causes, flapping
from phlo_hooks.capabilities.alerting.conditions import Conditions, Match
from phlo_hooks.capabilities.alerting.endings import Endings
from phlo_hooks.capabilities.alerting.facts import Facts, facts_of, recoveries_of
from phlo_hooks.capabilities.alerting.incident import Incident, State
from phlo_hooks.capabilities.alerting.ledger import (
    ENDED,
    FORGOTTEN,
    HELD,
    VALUE,
    Ledger,
    Mute,
    alert_id,
)
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.quiet import next_time
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.telling import TELLING, Telling
from phlo_hooks.capabilities.alerting.verdict import Outcome, Verdict
from phlo_hooks.events import AlertEvent, HookEvent

_RUN_ENDS = ("run.success", "run.failure", "run.canceled")
# A metric's last value is of use for longer than an incident is.
_VALUE_KEPT = timedelta(days=90)
_HELD_AT_MOST = timedelta(hours=6)
# What the tail derives of a run may come after its end, by as much as the tail is behind.
_END_KEPT = timedelta(days=1)


class Intake:
    """Takes events in, one after the other.

    Args:
        plan: the rules.
        ledger: what is known, and takes what follows.
    """

    def __init__(self, plan: Plan, ledger: Ledger) -> None:
        self._plan, self._ledger, self._now = plan, ledger, ledger.now
        self._endings = Endings(plan, ledger)

    def take(self, event: HookEvent) -> None:
        """What an event does under every rule; nothing, if it was taken before, or is one of our own."""
        if event.event_type in AlertEvent.event_types or self._ledger.decided(event):
            return
        for verdict in self._verdicts(event):
            self._ledger.decide(event.event_id, verdict)

    def tidy(self) -> None:
        """Give up incidents that nobody has heard of for a long time."""
        for incident in self._ledger.forgotten():
            if incident.forgotten(self._now - FORGOTTEN):
                self._ledger.close(incident, State.EXPIRED)
        for key, held in self._ledger.list(HELD):
            # The run does not end, or nobody says so.
            if self._now - datetime.fromisoformat(held["at"]) >= _HELD_AT_MOST:
                self._let_go(key, held)

    def _verdicts(self, event: HookEvent) -> Iterator[Verdict]:
        self._endings.lost(event)
        if event.event_type in _RUN_ENDS and event.run_id:
            # First: what was held says more of the cause than the run does.
            self._release(event)
        yield from self._endings.recover(recoveries_of(event))
        taken = ""
        for conditions in self._plan.conditions:
            match = self._match(conditions, event)
            if match.facts is None:
                continue
            name = conditions.rule.name
            if taken and self._plan.first_match:
                yield Verdict(name, Outcome.EARLIER_RULE, f"rule {taken!r} took it")
                continue
            taken = taken or name
            yield self._hold(conditions.rule, match.facts, event) or self._enter(conditions.rule, match.facts)
        yield from self._end(event)

    def _match(self, conditions: Conditions, event: HookEvent) -> Match:
        """Whether a rule asks for the event; a metric is compared with its last value, and becomes that."""
        value = conditions.value_of(event)
        if value is None:
            return conditions.match(event)
        key = VALUE + alert_id(conditions.rule.name, event.correlation.asset_key)
        last = self._ledger.get(key)
        if last is not None and event.timestamp < datetime.fromisoformat(last["at"]):
            # Late, or once more: it follows on nothing, and ends nothing.
            return conditions.match(event)
        before, good = (last["value"], last["good"]) if last else (None, None)
        match = conditions.match(event, before)
        # What it fell from, as long as it has not come back to that: to stay low is no recovery.
        good = (good if good is not None else before) if match.facts else good
        if match.facts is None and (back := conditions.recovery(event, good)) is not None:
            good = None
            # Within this rule's limit; another rule may have a narrower one.
            for verdict in self._endings.recover([back], conditions.rule.name):
                self._ledger.decide(event.event_id, verdict)
        kept = {"value": value, "good": good, "at": event.timestamp.isoformat()}
        self._ledger.put(key, kept, _VALUE_KEPT)
        return match

    def _hold(self, rule: Rule, facts: Facts, event: HookEvent) -> Verdict | None:
        """What is to be tried again is not told yet, unless the rule wants every attempt."""
        if rule.attempts == "first" and facts.is_problem and facts.is_retry:
            return Verdict(rule.name, Outcome.LATER_ATTEMPT, "a later attempt; the rule wants the first")
        if rule.attempts != "last" or not facts.is_problem:
            return None
        if facts.will_retry:
            return Verdict(
                rule.name, Outcome.RETRYING, "Dagster tries it again; the rule wants the last attempt"
            )
        if facts.signal != "asset.failure" or not facts.run_may_retry or facts.run_id is None:
            return None
        ended = self._ledger.get(f"{ENDED}run {facts.run_id}")
        if ended is not None:
            again = Verdict(rule.name, Outcome.RETRYING, "its run is launched again")
            return again if ended["again"] else None
        key = f"{HELD}{facts.run_id}/{alert_id(rule.name, event.event_id)}"
        held = {"rule": rule.name, "facts": facts.written(), "at": self._now.isoformat()}
        self._ledger.put(key, held)
        self._ledger.look_again(facts, self._now + _HELD_AT_MOST)
        return Verdict(rule.name, Outcome.HELD, "its run may be launched again: decided when that has ended")

    def _end(self, event: HookEvent) -> Iterator[Verdict]:
        """Groups that have waited for the end of a run or backfill."""
        if event.event_type in _RUN_ENDS and event.run_id:
            yield from self._endings.close_group(f"run {event.run_id}", event)
        if event.event_type == "backfill.end":
            key = f"backfill {facts_of(event).backfill_id}"
            self._ledger.put(ENDED + key, {"again": False}, _END_KEPT)
            yield from self._endings.close_group(key, event)

    def _release(self, event: HookEvent) -> None:
        """Decide what was held until the end of its run."""
        again = bool(getattr(event, "will_retry", None))
        if event.event_type != "run.success":
            self._ledger.put(f"{ENDED}run {event.run_id}", {"again": again}, _END_KEPT)
        for key, held in self._ledger.list(f"{HELD}{event.run_id}/"):
            self._let_go(key, held, "its run is launched again" if again else "")

    def _let_go(self, key: str, held: Mapping[str, Any], retried: str = "") -> None:
        self._ledger.drop(key)
        rule, facts = self._plan.rule(held["rule"]), Facts.read(held["facts"])
        if rule is None:
            gone = Verdict(held["rule"], Outcome.UNMATCHED, "the rule is gone")
            self._ledger.decide(facts.event_id, gone)
            return
        dropped = Verdict(rule.name, Outcome.RETRYING, retried)
        self._ledger.decide(facts.event_id, dropped if retried else self._enter(rule, facts))

    def _enter(self, rule: Rule, facts: Facts) -> Verdict:
        """Count an event for its incident, and see whether anybody is to be told."""
        recipients = self._plan.recipients(rule, facts)
        told_by = causes.earlier(self._ledger, rule, facts, recipients)
        if told_by is not None:
            reason = f"incident {told_by.id} tells of the same cause to the same people"
            return Verdict(rule.name, Outcome.SAME_CAUSE, reason, told_by.id)
        incident = self._incident(rule, facts)
        fingerprint = causes.fingerprint(rule, facts)
        listed = incident.happened(fingerprint, facts)
        self._ledger.touch(incident)
        verdict = self._tell(rule, facts, incident, fingerprint if listed else "", recipients)
        causes.claim(self._ledger, rule, facts, recipients, incident, verdict.outcome)
        return verdict

    def _tell(
        self,
        rule: Rule,
        facts: Facts,
        incident: Incident,
        fingerprint: str,
        recipients: tuple[Recipient, ...],
    ) -> Verdict:
        def verdict(outcome: Outcome, reason: str, *notices: str) -> Verdict:
            return Verdict(rule.name, outcome, reason, incident.id, notices)

        if not recipients:
            return verdict(Outcome.UNHEARD, "it is about the only channel that it would go to")
        if facts.is_problem and incident.state is State.WATCHED and incident.streak < rule.after:
            return verdict(Outcome.BELOW, f"{incident.streak} of {rule.after} in a row")
        incident.state = State.OPEN
        mute = self._ledger.muted(rule, facts)
        if mute is not None:
            return verdict(Outcome.MUTED, str(mute), *self._mute(rule, facts, incident, recipients, mute))
        if flapping.broke(self._ledger, rule, incident):
            fresh = [each for each in recipients if not flapping.knows(incident.teller(str(each)))]
            due = rule.awake(self._now, facts.severity)
            notices = [self._ledger.notice(incident, each, Kind.FLAPPING, due) for each in fresh]
            # Of one more cause they hear all the same, once they know that it flaps.
            recipients = tuple(
                each
                for each in recipients
                if fingerprint and flapping.is_new_to(incident.teller(str(each)), fingerprint)
            )
            if notices or not recipients:
                return verdict(Outcome.FLAPPING, "it goes wrong and right too often", *notices)
        telling = Telling(self._ledger, rule, facts, incident, fingerprint)
        steps = [telling.to(each) for each in recipients]
        notices = [step.notice for step in steps if step.notice]
        if notices and rule.escalate_after and not rule.digest:
            notices += self._escalate(rule, facts, incident)
        most = min(steps, key=lambda step: step.rank)
        return verdict(most.outcome, most.reason, *notices)

    def _escalate(self, rule: Rule, facts: Facts, incident: Incident) -> list[str]:
        # From when people know of it, which they need not before the end of their quiet hours.
        known = rule.awake(self._now, facts.severity)
        due = rule.awake(known + (rule.span("escalate_after") or timedelta()), facts.severity)
        if any(each.waits_by(due, Kind.ESCALATION) for each in incident.told.values()):
            return []
        recipients = self._plan.escalation(rule, facts)
        return [self._ledger.notice(incident, each, Kind.ESCALATION, due) for each in recipients]

    def _incident(self, rule: Rule, facts: Facts) -> Incident:
        key, kind = incident_key(rule, facts)
        known = self._ledger.incident(rule.name, key)
        if known is not None:
            if facts.is_problem and known.kind == "notice":
                # A group that began with good news.
                known.kind = kind
            flapping.went_wrong(known, rule, self._now)
            return known
        incident = self._ledger.begin(rule.name, key, facts, kind)
        flapping.begun(self._ledger, incident, rule)
        return incident

    def _mute(
        self,
        rule: Rule,
        facts: Facts,
        incident: Incident,
        recipients: tuple[Recipient, ...],
        mute: Mute,
    ) -> list[str]:
        """Have what is wrong told when the mute ends, if it still is by then; good news is not."""
        if incident.kind == "notice":
            self._ledger.close(incident)
            return []
        due = rule.awake(mute.until, facts.severity)
        if rule.digest:
            due = next_time(rule.digest, rule.timezone, mute.until)
        kind = Kind.DIGEST if rule.digest else Kind.FIRING
        return [
            self._ledger.notice(incident, each, kind, due, muted=True)
            for each in recipients
            if not incident.teller(str(each)).waits_by(due, *TELLING)
        ]


def incident_key(rule: Rule, facts: Facts) -> tuple[str, str]:
    """What an event's incident is called within its rule, and whether it is a problem, notice or digest."""
    if rule.digest:
        return "digest", "digest"
    groups = {
        "run": facts.run_id,
        "backfill": facts.backfill_id,
        "asset": facts.asset_key,
        "group": facts.group,
        "owner": ", ".join(facts.owners),
        "job": facts.job_name,
    }
    group = groups.get(rule.group_by)
    if group:
        return f"{rule.group_by} {group}", "problem" if facts.is_problem else "notice"
    if facts.is_problem:
        return facts.subject, "problem"
    # Each is a thing of its own, unless the rule asks for a window.
    return (f"{facts.signal} {facts.subject}" if rule.window else f"event {facts.event_id}"), "notice"
