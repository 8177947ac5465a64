"""A message as an Adaptive Card, in the envelope that Teams takes.

Sources: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
(the envelope, 28 KB), https://adaptivecards.io/explorer/ (the elements).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from phlo_hooks.capabilities.alerting.channels.looks import footer, headline, part_lines
from phlo_hooks.capabilities.alerting.channels.room import Room, fitting, trimmed
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.message import Kind, Message

# 28 KB are documented; 413 was seen from 20.8 KB on, because what is counted is a later form of the message.
MAX_BODY = 20_000
# Bytes of a card whose text is all there is; a proxy or flow that refused the larger one may take this.
MAX_TEXT = 6000
_ROOM = Room(text=3000, error=3000, stack=10_000, advice=1000, facts=20, fact=500, parts=40, links=6)
_STYLES = {"CRITICAL": "attention", "ERROR": "attention", "WARN": "warning", "INFO": "accent"}
# What makes emphasis and links; nothing that stands in most addresses, which Teams turns into links itself.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|])")
_INDENT = re.compile(r"(?m)^ +")

Element = dict[str, Any]


def card(message: Message) -> bytes:
    """A message as the body of a request: an envelope around a card, within 28 KB."""
    return fitting(message, lambda part: _envelope(_card(part)), lambda body: len(body) <= MAX_BODY, _ROOM)


def text_card(message: Message) -> bytes:
    """The same as a card of version 1.0 with nothing in it but text and links."""
    text = plain_text(message, MAX_TEXT, written=_escape_markdown, measure=_bytes)
    block = {"type": "TextBlock", "text": text, "wrap": True}
    links = _actions(trimmed(message, Room(links=3, fact=100)))
    return _envelope({"type": "AdaptiveCard", "version": "1.0", "body": [block], **links})


def _envelope(content: Element) -> bytes:
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode()


def _card(message: Message) -> Element:
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": headline(message),
        "msteams": {"width": "Full"},
        "body": list(_body(message)),
    }


def _actions(message: Message) -> Element:
    actions = [{"type": "Action.OpenUrl", "title": link.text, "url": link.url} for link in message.links]
    return {"actions": actions} if actions else {}


def _body(message: Message) -> Iterator[Element]:
    style = "good" if message.kind is Kind.RESOLVED else _STYLES.get(message.severity, "default")
    yield _text(headline(message), weight="bolder", size="large", color=style)
    if message.text:
        yield _text(message.text)
    if message.facts:
        yield _paragraph([run for fact in message.facts for run in _fact_runs(fact.label, fact.value)])
    lines = part_lines(message)
    if lines:
        yield _text("\n".join(f"• {line}" for line in lines))
    if message.error:
        yield _text(_indented(message.error), fontType="monospace")
    if message.advice:
        yield _paragraph([_run("What to do: ", weight="bolder"), _run(message.advice)])
    # Above the stack: buttons of the card itself stand below a hundred lines of it.
    if message.links:
        yield {"type": "ActionSet", **_actions(message)}
    if message.stack:
        yield _text(_indented(message.stack), fontType="monospace", size="small")
    yield _text(footer(message), size="small", isSubtle=True)


def _fact_runs(label: str, value: str) -> list[Element]:
    return [_run(f"{label}: ", weight="bolder"), _run(f"{value}\n")]


def _text(text: str, **style: Any) -> Element:
    return _paragraph([_run(text, **style)])


def _paragraph(runs: list[Element]) -> Element:
    # Not a TextBlock: that one takes Markdown, in which an error could hold a link to anywhere.
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **style: Any) -> Element:
    return {"type": "TextRun", "text": text, **style}


def _indented(code: str) -> str:
    # Teams shows a space at the start of a line only if it is one that does not break.
    return _INDENT.sub(lambda found: "\u00a0" * len(found[0]), code)


def _bytes(text: str) -> int:
    return len(text.encode())


def _escape_markdown(text: str) -> str:
    # Two line feeds: one alone is a space in Markdown.
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", "\n\n")
