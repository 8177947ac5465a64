"""A message in Slack's Block Kit, and as text where Slack does not take the blocks.

Source of the limits: https://docs.slack.dev/reference/block-kit/blocks and, for the sum of all blocks, the
answer `msg_blocks_too_long`, which comes from about 13,200 characters of JSON on, undocumented
(https://github.com/slackapi/bolt-js/issues/2509).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from phlo_hooks.capabilities.alerting.channels.cutting import cut, one_line
from phlo_hooks.capabilities.alerting.channels.looks import footer, gist, headline, part_lines
from phlo_hooks.capabilities.alerting.channels.room import fitting
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.message import Fact, Link, Message

MAX_SECTION = 3000
MAX_HEADER = 150
# Of JSON in ASCII, where a letter with an accent takes six characters: the worst that Slack can count.
MAX_BLOCKS_JSON = 13_000
# Slack cuts a longer text into several messages, and at 40,000 characters it cuts it off.
MAX_TEXT = 3900
# With its marks, well below what a section takes.
_IN_SECTION = MAX_SECTION - 50

Block = dict[str, Any]


def blocks(message: Message) -> list[Block]:
    """A message as blocks within every limit, whatever is in it."""
    return fitting(message, lambda part: list(_blocks(part)), _all_fit)


def fallback(message: Message) -> str:
    """A message as text that Slack always takes."""
    return plain_text(message, MAX_TEXT, written=escape)


def notification(message: Message) -> str:
    """What a telephone shows of a message with blocks."""
    said = gist(message)[:MAX_HEADER]
    return escape(one_line(f"{headline(message)}: {said}" if said else headline(message), 2 * MAX_HEADER))


def escape(text: str) -> str:
    """`text` in which nothing is a link, a mention or a command.

    Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _length(text: str) -> int:
    return len(escape(text))


def _all_fit(rendered: list[Block]) -> bool:
    return len(json.dumps(rendered)) <= MAX_BLOCKS_JSON


def _blocks(message: Message) -> Iterator[Block]:
    title = escape(one_line(headline(message), MAX_HEADER, _length))
    yield {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}}
    if message.text:
        yield _section(_fit(message.text))
    if message.facts:
        yield {"type": "section", "fields": [_field(fact) for fact in message.facts]}
    lines = part_lines(message)
    if lines:
        yield _section(_fit("\n".join(f"• {line}" for line in lines)))
    if message.error:
        yield _section(_code(message.error))
    yield from _rest(message)


def _rest(message: Message) -> Iterator[Block]:
    if message.advice:
        yield _section(f"*What to do:* {_fit(message.advice)}")
    if message.stack:
        yield _section(_code(message.stack))
    links = _links(message.links)
    if links:
        yield _section(links)
    yield {"type": "context", "elements": [_markdown(escape(footer(message)))]}


def _section(text: str) -> Block:
    return {"type": "section", "text": _markdown(text)}


def _markdown(text: str) -> Block:
    # Verbatim: Slack makes no links and mentions of what merely looks like some.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _field(fact: Fact) -> Block:
    return _markdown(f"*{escape(fact.label)}*\n{escape(fact.value) or '-'}")


def _fit(text: str) -> str:
    return escape(cut(text, _IN_SECTION, _length))


def _code(text: str) -> str:
    # A space of no width between backticks: three of them would end the block.
    safe = text.replace("``", "`\u200b`")
    return f"```\n{_fit(safe)}\n```"


def _links(links: tuple[Link, ...]) -> str:
    line = ""
    for link in links:
        longer = f"{line} · {_link(link)}" if line else _link(link)
        line = longer if len(longer) <= _IN_SECTION else line
    return line


def _link(link: Link) -> str:
    url = link.url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace("&", "&amp;")
    return f"<{url}|{escape(link.text.replace('|', '/'))}>"
