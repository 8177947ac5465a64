"""What a rule made of an event, and why: what `phlo-hooks alerts explain` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Outcome(str, Enum):
    """What became of an event under one rule.

    NOTIFIED: a message is on its way. JOINED: one that was on its way already tells of it, too.
    SUPPRESSED: it is counted, and told with the next message. GROUPED and DIGEST: it waits for the others.
    DELAYED: it waits for the end of quiet hours. HELD: for the end of its run, which may be retried.
    RETRYING: Dagster tries again. LATER_ATTEMPT: the rule wants the first. BELOW: not often enough in a row.
    SAME_CAUSE: something else told of it. MUTED, FLAPPING: as they say. RECOVERED: it ended an incident.
    CLOSED: it ended a group. UNHEARD: nobody is left to tell. UNMATCHED: the rule does not ask for it.
    EARLIER_RULE: an earlier one took it.
    """

    NOTIFIED = "notified"
    JOINED = "joined"
    SUPPRESSED = "suppressed"
    GROUPED = "grouped"
    DIGEST = "digest"
    DELAYED = "delayed"
    HELD = "held"
    RETRYING = "retrying"
    LATER_ATTEMPT = "later_attempt"
    BELOW = "below"
    SAME_CAUSE = "same_cause"
    MUTED = "muted"
    FLAPPING = "flapping"
    RECOVERED = "recovered"
    CLOSED = "closed"
    UNHEARD = "unheard"
    UNMATCHED = "unmatched"
    EARLIER_RULE = "earlier_rule"


@dataclass(frozen=True)
class Verdict:
    """What became of an event under one rule.

    Args:
        rule: its name.
        outcome: what became of it.
        reason: why, in words.
        incident_id: the incident that it counts for.
        notices: the event ids of the messages that it brought about.
    """

    rule: str
    outcome: Outcome
    reason: str
    incident_id: str | None = None
    notices: tuple[str, ...] = ()

    def written(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "outcome": self.outcome.value,
            "reason": self.reason,
            "incident_id": self.incident_id,
            "notices": list(self.notices),
        }

    @classmethod
    def read(cls, rule: str, value: Mapping[str, Any]) -> Verdict:
        """What `written` gave."""
        notices = tuple(value.get("notices", ()))
        return cls(rule, Outcome(value["outcome"]), value["reason"], value.get("incident_id"), notices)
