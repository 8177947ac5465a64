"""What is known of something that is wrong, from its first event until it is over."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel, Field

from phlo_hooks.capabilities.alerting.facts import Facts, Recovery
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.events import SEVERITIES

# An incident is one document: it lists so many things, and counts the rest.
MAX_CAUSES = 100
MAX_PLACES = 1_000
MAX_ALSO = 20


class State(str, Enum):
    """WATCHED: not often enough yet to be told. OPEN: wrong. RESOLVED: right again. EXPIRED: unheard of."""

    WATCHED = "watched"
    OPEN = "open"
    RESOLVED = "resolved"
    EXPIRED = "expired"


class Cause(BaseModel):
    """One of the things that are wrong: same subject, same error class.

    Args:
        count: how many events.
        places: where it is wrong still: partitions, and "" for none.
        more_places: whether there are more than are listed.
        facts: of its last event, as `Facts.written` gives them.
    """

    subject: str
    count: int = 0
    first: datetime
    last: datetime
    places: list[str] = Field(default_factory=list)
    more_places: bool = False
    facts: dict[str, Any] = Field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it is right again, everywhere."""
        return not self.places

    @property
    def about(self) -> Facts:
        """The facts of its last event."""
        return Facts.read(self.facts)

    def happened(self, facts: Facts) -> None:
        """Once more."""
        self.count += 1
        self.last = max(self.last, facts.when)
        self.facts = facts.written()
        if not facts.is_problem:
            # Nothing is wrong that could be right again.
            return
        new = [place for place in facts.places if place not in self.places]
        self.more_places |= len(self.places) + len(new) > MAX_PLACES
        self.places = [*self.places, *new][:MAX_PLACES]

    def mended(self, recovery: Recovery) -> bool:
        """It is right again in one place; whether that is news. What happened before it broke is none."""
        own = recovery.subject == self.subject and self.facts.get("signal") in recovery.signals
        step = recovery.step if self.facts.get("signal") == "run.failure" else None
        place = recovery.place if own else step
        if place is None or place not in self.places or recovery.when < self.last:
            return False
        self.places.remove(place)
        return True


class Waiting(BaseModel):
    """A message that is to be sent."""

    kind: Kind
    due: datetime
    always: bool = Field(default=False, description="also when nothing has happened since the last one")
    muted: bool = Field(default=False, description="it waits for the end of a mute")


class Told(BaseModel):
    """What one recipient knows of an incident.

    Args:
        sent: how many messages reached it.
        counts: of each cause, as of the last message.
        also: how many of the incident's `also`.
        thread: what the channel attaches further messages to.
        opening: whether it was told that something is wrong, and not yet that it is over.
    """

    made: int = 0
    sent: int = 0
    sent_at: datetime | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    thread: str | None = None
    opening: bool = False
    waiting: dict[str, Waiting] = Field(default_factory=dict)

    def waits_by(self, when: datetime, *kinds: Kind, since: datetime | None = None) -> bool:
        """Whether a message of these kinds, or of any, will be sent by then, and is not due since longer."""
        return any(
            each.due <= when and (not kinds or each.kind in kinds) and (since is None or each.due >= since)
            for each in self.waiting.values()
        )


class Incident(BaseModel):
    """What is known of something that is wrong.

    Args:
        key: what tells it apart from others of its rule: the subject, or the group.
        streak: problems in a row, without a recovery in between.
        causes: by fingerprint; a notice or digest has what it tells of as causes, too.
        more_causes: how many events belong to causes that are not listed.
        also: what else follows from it, such as the failure of its run.
        changes: when it went from right to wrong and back, lately.
        flapping: since when it does so too often.
        ended: what ended its group: facts of a run's or backfill's end.
    """

    id: str
    rule: str
    key: str
    kind: str = "problem"
    state: State = State.WATCHED
    first: datetime
    last: datetime
    resolved_at: datetime | None = None
    count: int = 0
    streak: int = 0
    causes: dict[str, Cause] = Field(default_factory=dict)
    more_causes: int = 0
    also: list[str] = Field(default_factory=list)
    told: dict[str, Told] = Field(default_factory=dict)
    changes: list[datetime] = Field(default_factory=list)
    flapping: datetime | None = None
    ended: dict[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether all of it is right again."""
        return all(cause.ok for cause in self.causes.values())

    @property
    def severity(self) -> str:
        """The worst of what is wrong; of all, when nothing is any more."""
        causes = [cause for cause in self.causes.values() if not cause.ok] or list(self.causes.values())
        found = [cause.facts.get("severity", "INFO") for cause in causes]
        return max(found, key=SEVERITIES.index, default="INFO")

    @property
    def latest(self) -> Facts:
        """The facts of what happened last."""
        return max(self.causes.values(), key=lambda cause: cause.last).about

    @property
    def counts(self) -> dict[str, int]:
        """How many events each cause had; under "" those of causes that are not listed."""
        return {"": self.more_causes, **{name: cause.count for name, cause in self.causes.items()}}

    def happened(self, fingerprint: str, facts: Facts) -> bool:
        """One more event; whether its cause is listed."""
        self.count += 1
        self.streak += facts.is_problem
        self.first, self.last = min(self.first, facts.when), max(self.last, facts.when)
        cause = self.causes.get(fingerprint)
        if cause is None:
            if len(self.causes) >= MAX_CAUSES:
                self.more_causes += 1
                return False
            cause = Cause(subject=facts.subject, first=facts.when, last=facts.when)
            self.causes[fingerprint] = cause
        cause.happened(facts)
        return True

    def mended(self, recovery: Recovery) -> bool:
        """What a recovery ends of it; whether that is anything."""
        ended = [cause.mended(recovery) for cause in self.causes.values()]
        if any(ended):
            self.streak = 0
        return any(ended)

    def forgotten(self, since: datetime) -> bool:
        """Whether nothing happened since then, nothing was told, and nothing will be.

        A message that has been due for as long will never be sent: its channel is gone, or it was discarded.
        """
        told = self.told.values()
        moments = [self.last, *(each.sent_at for each in told if each.sent_at)]
        moments += [each.due for teller in told for each in teller.waiting.values()]
        return max(moments) < since

    def teller(self, recipient: str) -> Told:
        """What a recipient knows."""
        return self.told.setdefault(recipient, Told())

    def written(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def read(cls, value: dict[str, Any]) -> Incident:
        """What `written` gave."""
        return cls.model_validate(value)
