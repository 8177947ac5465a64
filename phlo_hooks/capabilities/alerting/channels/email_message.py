"""A message as mail: text, and the same as HTML.

Sources: RFC 5322 (Message-ID, In-Reply-To, References), RFC 3834 (Auto-Submitted), RFC 2047 (the subject).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape

from phlo_hooks.capabilities.alerting.channels.cutting import one_line
from phlo_hooks.capabilities.alerting.channels.looks import colour, footer, headline, part_lines
from phlo_hooks.capabilities.alerting.channels.room import Room, fitting
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.message import Message

MAX_SUBJECT = 200
# Gmail hides what comes after 102 KB.
MAX_HTML = 90_000
_ROOM = Room(title=400, text=10_000, error=15_000, stack=40_000, advice=4000, facts=40, fact=1000, parts=100)
# Of our own making: a Message-ID depends on the id of the message, and on nothing else.
_NAMESPACE = uuid.UUID("7d1c5a52-6f0e-5f6b-8a5e-0d6a0c9e4b11")

_PAGE = """\
<!DOCTYPE html>
<html>
<body style="font-family: sans-serif; font-size: 14px; color: #222222">
<div dir="auto" style="border-left: 6px solid {colour}; padding: 2px 12px">
<h2 style="font-size: 18px; margin: 8px 0">{title}</h2>
{body}
</div>
</body>
</html>
"""
_LABEL = "color: #666666; padding: 2px 14px 2px 0; vertical-align: top"
_PRE = (
    '<pre dir="auto" style="white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; '
    'padding: 8px; font-size: {size}px">{text}</pre>'
)


def mail(
    message: Message, *, sender: str, to: Sequence[str], thread: str | None, now: datetime
) -> EmailMessage:
    """A message as mail from `sender` to all of `to`, as an answer to the first of its incident.

    Args:
        message: of any size.
        sender: with or without a name.
        to: addresses.
        thread: the Message-ID of the first message of the incident.
        now: aware.
    """
    found = EmailMessage(policy=SMTP)
    found["Subject"] = one_line(headline(message), MAX_SUBJECT)
    found["From"] = sender
    found["To"] = ", ".join(to)
    found["Date"] = format_datetime(now)
    found["Message-ID"] = message_id_of(message, sender)
    if thread:
        found["In-Reply-To"] = thread
        found["References"] = thread
    found["Auto-Submitted"] = "auto-generated"
    # As RFC 3834, for Exchange: no "I am on holiday" in answer to an alert.
    found["X-Auto-Response-Suppress"] = "All"
    # Lines of mail end at 998 bytes, and not every server takes 8 bits.
    found.set_content(plain_text(message, MAX_HTML, room=_ROOM), cte="quoted-printable")
    found.add_alternative(html(message), subtype="html", cte="quoted-printable")
    return found


def message_id_of(message: Message, sender: str) -> str:
    """The Message-ID, the same on every attempt: servers drop a mail that they have."""
    name = uuid.uuid5(_NAMESPACE, ascii(message.message_id))
    return f"<{name}@{parseaddr(sender)[1].rpartition('@')[2] or 'localhost'}>"


def html(message: Message) -> str:
    """As a page of HTML in which nothing of the message is markup."""
    return fitting(message, _page, lambda page: len(page.encode()) <= MAX_HTML, _ROOM)


def _page(message: Message) -> str:
    return _PAGE.format(
        colour=colour(message), title=escape(headline(message)), body="\n".join(_paragraphs(message))
    )


def _paragraphs(message: Message) -> Iterator[str]:
    if message.text:
        yield _paragraph(escape(message.text))
    if message.facts:
        rows = "\n".join(_row(fact.label, fact.value) for fact in message.facts)
        yield f'<table cellpadding="2" cellspacing="0">\n{rows}\n</table>'
    lines = part_lines(message)
    if lines:
        yield "<ul>\n" + "\n".join(f'<li dir="auto">{escape(line)}</li>' for line in lines) + "\n</ul>"
    if message.error:
        yield _PRE.format(size=13, text=escape(message.error))
    if message.advice:
        yield _paragraph(f"<b>What to do:</b> {escape(message.advice)}")
    if message.links:
        yield "<p>" + " · ".join(_link(link.text, link.url) for link in message.links) + "</p>"
    if message.stack:
        yield _PRE.format(size=12, text=escape(message.stack))
    yield f'<p style="color: #666666; font-size: 12px">{escape(footer(message))}</p>'


def _paragraph(markup: str) -> str:
    return f'<p dir="auto" style="white-space: pre-line">{markup}</p>'


def _row(label: str, value: str) -> str:
    return f'<tr><td style="{_LABEL}">{escape(label)}</td><td dir="auto">{escape(value)}</td></tr>'


def _link(text: str, url: str) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>'
