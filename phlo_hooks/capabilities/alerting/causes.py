"""What tells one cause from another, and what is only another sign of the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.incident import MAX_ALSO, Incident, State
from phlo_hooks.capabilities.alerting.ledger import RUN, Ledger, alert_id, slot_of
from phlo_hooks.capabilities.alerting.routes import Recipient
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.verdict import Outcome

_CLAIMING = ("run.failure", "asset.failure", "check.failed", "check.error")
# Nobody is told of it, or nobody knows when: no reason for another rule to be silent.
_UNTOLD = (Outcome.BELOW, Outcome.MUTED, Outcome.UNHEARD, Outcome.DIGEST)
# Signs of one run's trouble that are remembered; beyond, a message more is better than one less.
_MAX_CLAIMS = 200


def fingerprint(rule: Rule, facts: Facts) -> str:
    """What two events with the same cause have in common."""
    values = {
        "error_class": facts.error_class,
        "check_name": facts.check_name,
        "partition_key": facts.partition_key,
        "step_key": facts.step_key,
        "error": facts.first_line,
    }
    return alert_id(facts.subject, facts.signal, *(values[name] for name in rule.distinguish))[:13]


def claim(
    ledger: Ledger,
    rule: Rule,
    facts: Facts,
    recipients: Iterable[Recipient],
    incident: Incident,
    what: Outcome,
) -> None:
    """Note who is told of a run's trouble, so that its other signs are not told to them as well."""
    if facts.run_id is None or facts.signal not in _CLAIMING:
        return
    quiet = rule.awake(ledger.now, facts.severity)
    key = RUN + facts.run_id
    claims: list[dict[str, Any]] = list(ledger.get(key) or ())
    own = {
        "signal": facts.signal,
        "rule": rule.name,
        "step": facts.step_key,
        "steps": list(facts.steps),
        "asset": facts.asset_key,
        "error": facts.first_line,
        "to": sorted(map(str, recipients)),
        "incident": incident.id,
        "slot": slot_of(incident),
        "severity": facts.severity,
        "told": what not in _UNTOLD,
        "escalates": rule.escalate_to,
        "quiet": quiet.isoformat() if quiet > ledger.now else None,
    }
    if own not in claims and len(claims) < _MAX_CLAIMS:
        ledger.put(key, [*claims, own])


def earlier(ledger: Ledger, rule: Rule, facts: Facts, recipients: Iterable[Recipient]) -> Incident | None:
    """The incident that tells of the same cause to the same people; None where nobody does."""
    if facts.run_id is None or facts.signal not in _CLAIMING:
        return None
    to, awake = {str(each) for each in recipients}, rule.awake(ledger.now, facts.severity)
    claims = [
        each
        for each in ledger.get(RUN + facts.run_id) or ()
        if to and to <= set(each["to"]) and (each["rule"] == rule.name or _does_for(each, rule, awake))
    ]
    found = next((each for each in _same_cause(facts, claims)), None)
    incident = ledger.find(found["incident"], found["slot"]) if found else None
    if incident is None or incident.state in (State.RESOLVED, State.EXPIRED):
        # It is over, and its run has failed all the same.
        return None
    if facts.title not in incident.also:
        incident.also = [*incident.also, facts.title][:MAX_ALSO]
        ledger.touch(incident)
    return incident


def _does_for(claim: dict[str, Any], rule: Rule, when: datetime) -> bool:
    """Whether another rule tells of it no later than this one would, and to those it would escalate it to."""
    soon = claim["quiet"] is None or datetime.fromisoformat(claim["quiet"]) <= when
    return bool(claim["told"] and soon and set(rule.escalate_to) <= set(claim["escalates"]))


def _same_cause(facts: Facts, claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if facts.signal == "run.failure":
        return _of_steps(facts, claims)
    own = [each for each in claims if each["signal"] == "run.failure" and facts.step_key in each["steps"]]
    if facts.signal == "check.failed":
        # Several tests may fail in one step, and each is a thing of its own.
        return own if _is_alone(facts, claims) else []
    if facts.signal == "check.error":
        return own + [
            each for each in claims if each["asset"] == facts.asset_key and each["signal"] == "asset.failure"
        ]
    return own + [each for each in claims if _shares_step(facts, each)]


def _of_steps(facts: Facts, claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A run has failed because of its steps: nothing new, if each of them was told."""
    told = [each for each in claims if each["step"] in facts.steps and not _is_warning(each)]
    return told if facts.steps and {each["step"] for each in told} == set(facts.steps) else []


def _shares_step(facts: Facts, claim: dict[str, Any]) -> bool:
    """An asset that failed with the same error in the same step, or because of its own check."""
    if claim["signal"] == "asset.failure":
        # Another partition of the same asset counts for the same incident anyway.
        other = claim["asset"] != facts.asset_key
        return bool(other and claim["step"] == facts.step_key and claim["error"] == facts.first_line)
    return bool(
        claim["signal"] == "check.failed" and claim["asset"] == facts.asset_key and not _is_warning(claim)
    )


def _is_warning(claim: dict[str, Any]) -> bool:
    """A check that only warns fails neither its asset nor its run."""
    return bool(claim["signal"] == "check.failed" and claim["severity"] in ("INFO", "WARN"))


def _is_alone(facts: Facts, claims: list[dict[str, Any]]) -> bool:
    return not any(each["signal"].startswith("check.") and each["step"] == facts.step_key for each in claims)
