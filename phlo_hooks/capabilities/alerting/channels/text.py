"""A message as plain text: what mail without HTML, the console and every fallback show."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phlo_hooks.capabilities.alerting.channels.cutting import one_line
from phlo_hooks.capabilities.alerting.channels.looks import footer, headline, part_lines
from phlo_hooks.capabilities.alerting.channels.room import Room, fitting
from phlo_hooks.capabilities.alerting.message import Message


def plain_text(
    message: Message,
    limit: int,
    *,
    room: Room | None = None,
    with_title: bool = True,
    written: Callable[[str], str] = str,
    measure: Callable[[str], int] = len,
) -> str:
    """As much of a message as `limit` allows: title, first line of the error and links, if any at all.

    Where there is not even room for those, as in a short message to a telephone, it is one line.

    Args:
        message: of any size.
        limit: of what `measure` says.
        room: how much of each piece there may be at most.
        with_title: begin with it.
        written: escapes the text for its receiver.
        measure: how long an escaped text is.
    """

    def render(cut_to_size: Message) -> str:
        return written("\n\n".join(_paragraphs(cut_to_size, with_title=with_title)))

    text = fitting(message, render, lambda text: measure(text) <= limit, room)
    if measure(text) <= limit:
        return text
    return written(one_line(headline(message), limit, lambda line: measure(written(line))))


def _paragraphs(message: Message, *, with_title: bool) -> Iterator[str]:
    if with_title:
        yield headline(message)
    if message.text:
        yield message.text
    if message.facts:
        yield "\n".join(f"{fact.label}: {fact.value}" for fact in message.facts)
    lines = part_lines(message)
    if lines:
        yield "\n".join(f"- {line}" for line in lines)
    yield from _failure(message)
    if message.links:
        yield "\n".join(f"{link.text}: {link.url}" for link in message.links)
    yield footer(message)


def _failure(message: Message) -> Iterator[str]:
    if message.error:
        yield message.error
    if message.advice:
        yield f"What to do: {message.advice}"
    if message.stack:
        yield message.stack
