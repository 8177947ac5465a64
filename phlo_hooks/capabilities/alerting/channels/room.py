"""How much of a message there is room for, and the largest rendering of it that a receiver takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from phlo_hooks.capabilities.alerting.channels.cutting import clean, cut, one_line
from phlo_hooks.capabilities.alerting.message import Fact, Link, Message, Part

Rendering = TypeVar("Rendering")

_HALVINGS = 10
# Longer addresses are cut by browsers and mail readers: such a link leads nowhere.
_MAX_URL = 2000


@dataclass(frozen=True)
class Room:
    """Characters that the pieces of a message may take, and how many there may be of each."""

    title: int = 140
    text: int = 1500
    error: int = 1500
    stack: int = 2500
    advice: int = 600
    facts: int = 10
    fact: int = 300
    parts: int = 20
    part: int = 300
    links: int = 8


def fitting(
    message: Message,
    render: Callable[[Message], Rendering],
    fits: Callable[[Rendering], bool],
    room: Room | None = None,
) -> Rendering:
    """The rendering of as much of a message as fits; of what does not even then, the smallest one.

    The stack gives way first, then the parts, the facts, the text and the error, and at the very end links
    and the end of the title. The start of both stays.

    Args:
        message: of any size, with any characters.
        render: turns a message that was cut into what is sent.
        fits: whether the receiver takes that.
        room: to begin with.
    """
    rendering = None
    # Once: a stack may have megabytes, and there are a few dozen rooms.
    whole = cleaned(message)
    for narrow in _narrower(room or Room()):
        rendering = render(trimmed(whole, narrow))
        if fits(rendering):
            break
    assert rendering is not None  # noqa: S101  # there is always a first room
    return rendering


def cleaned(message: Message) -> Message:
    """A message without what no receiver takes in its long texts."""
    return replace(
        message,
        text=clean(message.text).strip(),
        error=clean(message.error).strip(),
        # Its first line is as far to the right as those of other calls.
        stack=clean(message.stack).strip("\n").rstrip(),
        advice=clean(message.advice).strip(),
    )


def trimmed(message: Message, room: Room) -> Message:
    """A cleaned message, no larger than there is room for."""
    return replace(
        message,
        title=one_line(message.title, room.title) or message.kind.value,
        text=cut(message.text, room.text),
        rule=one_line(message.rule, room.title),
        facts=tuple(_fact(fact, room) for fact in message.facts[: room.facts]),
        error=cut(message.error, room.error),
        stack=cut(message.stack, room.stack),
        parts=tuple(_part(part, room) for part in message.parts[: room.parts]),
        more_parts=message.more_parts + max(0, len(message.parts) - room.parts),
        advice=cut(message.advice, room.advice),
        links=tuple(_links(message.links, room)),
    )


def _fact(fact: Fact, room: Room) -> Fact:
    return Fact(one_line(fact.label, room.fact), one_line(fact.value, room.fact))


def _part(part: Part, room: Room) -> Part:
    return replace(part, what=one_line(part.what, room.part), detail=one_line(part.detail, room.part))


def _links(links: tuple[Link, ...], room: Room) -> Iterator[Link]:
    """Those that lead somewhere: a script in a link would run where it is read."""
    for link in links[: room.links]:
        url = clean(link.url).strip()
        if (
            url.startswith(("http://", "https://"))
            and len(url) <= _MAX_URL
            and not any(map(str.isspace, url))
        ):
            yield Link(one_line(link.text, room.fact) or url, url)


def _narrower(room: Room) -> Iterator[Room]:
    yield room
    for name in ("stack", "parts", "facts"):
        # The last step leaves none of it.
        while getattr(room, name):
            room = replace(room, **{name: getattr(room, name) // 2 if getattr(room, name) > 1 else 0})
            yield room
    for _ in range(_HALVINGS):
        room = _halved(room)
        yield room
    for name, least in (("links", 1), ("title", 16)):
        while getattr(room, name) > least:
            room = replace(room, **{name: max(getattr(room, name) // 2, least)})
            yield room


def _halved(room: Room) -> Room:
    """With less of what is left; at least a few words of each."""
    return replace(
        room,
        text=room.text // 2,
        error=max(room.error // 2, 40),
        advice=room.advice // 2,
        fact=max(room.fact // 2, 16),
    )
