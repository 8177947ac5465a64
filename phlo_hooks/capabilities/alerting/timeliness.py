"""Whether a message that is due is still of use, or has to wait, and what it is by then."""

from __future__ import annotations

from phlo_hooks.capabilities.alerting.compose import untold_of
from phlo_hooks.capabilities.alerting.incident import Incident, State, Told
from phlo_hooks.capabilities.alerting.ledger import Ledger, Mute
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.capabilities.alerting.rules import Rule
from phlo_hooks.capabilities.alerting.telling import TELLING

WINDOW = "people were told within its window"


def too_early(rule: Rule, ledger: Ledger, incident: Incident, told: Told, notice: str) -> Mute | None:
    """Until when a message has to wait, and why; None if it is to be sent now."""
    waiting, severity = told.waiting[notice], incident.severity
    mute = _mute(rule, ledger, incident, told) if waiting.kind is not Kind.RESOLVED else None
    if mute is not None:
        return mute._replace(until=rule.awake(mute.until, severity))
    if waiting.kind is Kind.REMINDER and not waiting.always and told.sent_at is not None:
        # Another cause was told meanwhile, and with it a new window began.
        over = rule.awake(told.sent_at + rule.window_after(told.sent), severity)
        return Mute(over, WINDOW) if over > ledger.now else None
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
