"""What goes wrong and right again, over and over, is told once, and then when it has come to rest."""

from __future__ import annotations

from datetime import datetime, timedelta

from phlo_hooks.capabilities.alerting.incident import Incident, Told
from phlo_hooks.capabilities.alerting.ledger import FLAPS, Ledger, alert_id
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.capabilities.alerting.rules import Rule

_KEPT = timedelta(days=1)


def begun(ledger: Ledger, incident: Incident, rule: Rule) -> None:
    """An incident begins; perhaps the last one of its kind has only just ended."""
    if not rule.flap_changes or incident.kind != "problem":
        return
    past = ledger.get(_key(incident)) or ()
    incident.changes = [datetime.fromisoformat(each) for each in past]
    went_wrong(incident, rule, ledger.now, new=True)


def went_wrong(incident: Incident, rule: Rule, now: datetime, *, new: bool = False) -> None:
    """A problem has happened: a change, if all was right before."""
    if rule.flap_changes and (new or incident.ok):
        incident.changes = [*_lately(incident, rule, now), now]


def went_right(incident: Incident, rule: Rule, now: datetime) -> bool:
    """All is right again; whether it flaps, so that its incident goes on."""
    if not rule.flap_changes:
        return False
    incident.changes = [*_lately(incident, rule, now), now]
    if not _is_watched(incident):
        incident.flapping = None
    return incident.flapping is not None


def broke(ledger: Ledger, rule: Rule, incident: Incident) -> bool:
    """Whether it flaps; from now on, if it has just changed too often."""
    if not rule.flap_changes or incident.kind != "problem":
        return False
    if not _is_watched(incident):
        incident.flapping = None
    if incident.flapping is None and len(_lately(incident, rule, ledger.now)) >= rule.flap_changes:
        incident.flapping = ledger.now
    return incident.flapping is not None


def rests(incident: Incident, rule: Rule, now: datetime) -> datetime | None:
    """None when it has come to rest; else when to look again."""
    lately = _lately(incident, rule, now)
    return lately[-1] + _within(rule) if lately else None


def ended(ledger: Ledger, incident: Incident) -> None:
    """An incident is over: the next one of its kind is to know."""
    if incident.changes:
        ledger.put(_key(incident), [each.isoformat() for each in incident.changes], _KEPT)


def _is_watched(incident: Incident) -> bool:
    """Whether somebody is to be told how it has come to rest; such a message may have been given up."""
    return any(knows(told) for told in incident.told.values())


def knows(told: Told) -> bool:
    """Whether a recipient was told that it flaps, or is about to be."""
    return any(each.kind is Kind.FLAPPING for each in told.waiting.values())


def is_new_to(told: Told, fingerprint: str) -> bool:
    """Whether a recipient that was told that it flaps does not know this cause of it."""
    waits = any(each.kind is Kind.FLAPPING and not each.always for each in told.waiting.values())
    return not waits and fingerprint not in told.counts


def _lately(incident: Incident, rule: Rule, now: datetime) -> list[datetime]:
    return [each for each in incident.changes if now - each < _within(rule)]


def _within(rule: Rule) -> timedelta:
    return rule.span("flap_within") or timedelta(hours=1)


def _key(incident: Incident) -> str:
    return FLAPS + alert_id(incident.rule, incident.key)
