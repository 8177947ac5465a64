"""What the memory of a resource says of events, incidents and messages. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from phlo_hooks.capabilities.alerting.compose import untold_of
from phlo_hooks.capabilities.alerting.conditions import Conditions
from phlo_hooks.capabilities.alerting.incident import Incident, Waiting
from phlo_hooks.capabilities.alerting.ledger import CLOSED, MUTE, NOTICE, OPEN, _decision
from phlo_hooks.capabilities.alerting.plan import Plan
from phlo_hooks.capabilities.alerting.verdict import Verdict
from phlo_hooks.events import HookEvent
from phlo_hooks.state import StateStore


@dataclass(frozen=True)
class Finding:
    """What one rule made of an event.

    Args:
        rule: its name.
        verdict: what was decided then; None when nothing was, or it was forgotten.
        refusal: why the rule, as it is now, does not ask for the event; empty if it does.
    """

    rule: str
    verdict: Verdict | None = None
    refusal: str = ""


@dataclass(frozen=True)
class Notice:
    """What became of one message.

    Args:
        id: the event id of the message, and of its delivery.
        state: waiting, sent, dropped or failed.
        reason: the title of what was sent; of the others, why.
        at: when that was noted, ISO 8601.
        due: when one that waits is to be sent.
    """

    id: str
    recipient: str
    state: str
    reason: str = ""
    at: str | None = None
    due: datetime | None = None


class Account:
    """What is remembered, in one place or in several that know of the same rules.

    Args:
        memories: where incidents are kept.
    """

    def __init__(self, memories: Iterable[StateStore]) -> None:
        self._memories = tuple(memories)

    def decisions(self, event_id: str) -> dict[str, Verdict]:
        """What was decided of an event, by the name of the rule."""
        found = self._get(_decision(event_id)) or {}
        return {name: Verdict.read(name, value) for name, value in found.get("rules", {}).items()}

    def findings(self, plan: Plan, event: HookEvent) -> tuple[Finding, ...]:
        """What every rule made of an event, those that are there no more at the end."""
        kept = self.decisions(event.event_id)
        gone = [Finding(name, verdict) for name, verdict in kept.items() if plan.rule(name) is None]
        return (*(self._finding(each, event, kept) for each in plan.conditions), *gone)

    def _finding(self, asked: Conditions, event: HookEvent, kept: Mapping[str, Verdict]) -> Finding:
        verdict, name = kept.get(asked.rule.name), asked.rule.name
        return Finding(name, verdict, "" if verdict else asked.match(event).reason)

    def incidents(self, *, closed: bool = False) -> list[Incident]:
        """Those that are open, and the others if asked, by the time they began."""
        prefixes = (OPEN, CLOSED) if closed else (OPEN,)
        entries = (entry for state in self._memories for prefix in prefixes for entry in state.list(prefix))
        found = {incident.id: incident for incident in (Incident.read(entry.value) for entry in entries)}
        return sorted(found.values(), key=lambda incident: incident.first)

    def incident(self, incident_id: str) -> Incident | None:
        """An incident by its id, open or not."""
        value = self._get(OPEN + incident_id) or self._get(CLOSED + incident_id)
        return None if value is None else Incident.read(value)

    def notice(self, notice_id: str) -> Notice | None:
        """What became of a message; None when nothing is known of it, or not any more."""
        known = self._get(NOTICE + notice_id)
        if known is None:
            return None
        waiting = self._waiting(known, notice_id)
        return Notice(
            notice_id,
            known["recipient"],
            known["state"],
            known.get("reason", ""),
            known.get("at"),
            waiting.due if waiting else None,
        )

    def notices(self, incident: Incident) -> Iterator[Notice]:
        """All messages about an incident of which something is known."""
        for state in self._memories:
            for entry in state.list(NOTICE):
                if entry.value.get("incident_id") == incident.id:
                    found = self.notice(entry.key.removeprefix(NOTICE))
                    if found is not None:
                        yield found

    def mutes(self) -> list[dict[str, Any]]:
        """What is muted: target, until, reason."""
        found = {entry.key: entry.value for state in self._memories for entry in state.list(MUTE)}
        return sorted(found.values(), key=lambda value: str(value["target"]))

    def _waiting(self, known: Mapping[str, Any], notice_id: str) -> Waiting | None:
        incident = self.incident(known["incident_id"])
        told = incident.told.get(known["recipient"]) if incident else None
        return told.waiting.get(notice_id) if told else None

    def _get(self, key: str) -> Any:
        entries = (state.get(key) for state in self._memories)
        return next((entry.value for entry in entries if entry is not None), None)


def untold(incident: Incident) -> int:
    """How many events the recipient that knows least of an incident was not told of."""
    told = (sum(untold_of(incident, each).values()) for each in incident.told.values())
    return max(told, default=incident.count)
