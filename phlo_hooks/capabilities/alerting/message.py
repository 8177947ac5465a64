"""What is told to people: one model, which every channel renders in its own way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class Kind(str, Enum):
    """Why a message is sent.

    FIRING: something is wrong. REMINDER: it still is, or happened more often meanwhile. ESCALATION: it still
    is, and now others are told. RESOLVED: it is right again. NOTICE: something happened that nobody has to
    mend, such as a success. DIGEST: what came together by a schedule. FLAPPING: it goes wrong and right in
    turn. TEST: a sample.
    """

    FIRING = "firing"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    RESOLVED = "resolved"
    NOTICE = "notice"
    DIGEST = "digest"
    FLAPPING = "flapping"
    TEST = "test"


@dataclass(frozen=True)
class Fact:
    """One labelled line, such as Asset: marts/orders."""

    label: str
    value: str


@dataclass(frozen=True)
class Link:
    """A place to look at, in the Dagster UI or elsewhere."""

    text: str
    url: str


@dataclass(frozen=True)
class Part:
    """One of several things that a message is about: an asset of a group, a cause among others.

    Args:
        what: such as `Asset marts/orders failed`.
        count: how often.
        detail: the first line of its error, or the like.
        resolved: whether it is right again.
    """

    what: str
    count: int = 1
    detail: str = ""
    resolved: bool = False


@dataclass(frozen=True)
class Message:
    """What is told to people.

    Args:
        message_id: the same on every attempt to send it.
        kind: why it is sent.
        severity: INFO, WARN, ERROR or CRITICAL.
        title: one line, without markup.
        text: what happened, a few sentences at most, without markup; may be empty.
        rule: which rule sends it.
        incident_id: the same from the first failure to the recovery: threads, and keys of pagers.
        timestamp: of what it is about, aware.
        facts: labelled lines, the most important first.
        error: the user's own error, of any length; the first line says what it is.
        stack: traceback, of any length.
        parts: what it is about, where that is more than one thing.
        more_parts: how many parts are not listed.
        suppressed: how many like it were not sent since the last message.
        advice: what to do next.
        links: where to look.
    """

    message_id: str
    kind: Kind
    severity: str
    title: str
    text: str
    rule: str
    incident_id: str
    timestamp: datetime
    facts: tuple[Fact, ...] = ()
    error: str = ""
    stack: str = ""
    parts: tuple[Part, ...] = ()
    more_parts: int = 0
    suppressed: int = 0
    advice: str = ""
    links: tuple[Link, ...] = field(default=())

    @property
    def is_good(self) -> bool:
        """Whether it is good news, or none that anybody has to act on."""
        return self.kind is Kind.RESOLVED or self.severity == "INFO"
