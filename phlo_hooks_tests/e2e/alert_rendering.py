"""Messages as each channel writes them, one file for a channel, and the same file again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any

from phlo_hooks.capabilities.alerting.channels.email_message import html, mail
from phlo_hooks.capabilities.alerting.channels.pagerduty_event import event
from phlo_hooks.capabilities.alerting.channels.slack_blocks import blocks, notification
from phlo_hooks.capabilities.alerting.channels.teams_card import card
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.channels.webhook import document
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks_tests.e2e.alert_inbox import WHEN

Messages = Mapping[str, Message]
_LINE = "=" * 100


def as_json(render: Callable[[Message], Any]) -> Callable[[Messages], str]:
    """All messages in one object, by name."""

    def write(messages: Messages) -> str:
        found = {name: render(message) for name, message in messages.items()}
        return json.dumps(found, indent=1, ensure_ascii=False) + "\n"

    return write


def as_text(render: Callable[[Message], str]) -> Callable[[Messages], str]:
    """One message below the other, each under its name."""

    def write(messages: Messages) -> str:
        return "".join(f"{_LINE}\n{name}\n\n{render(each).rstrip()}\n\n" for name, each in messages.items())

    return write


def as_pages(render: Callable[[Message], str]) -> Callable[[Messages], str]:
    """One page below the other, which browsers show."""

    def write(messages: Messages) -> str:
        return "".join(f"<!-- {name} -->\n{render(each)}\n" for name, each in messages.items())

    return write


def _mail(message: Message) -> EmailMessage:
    return mail(message, sender="alerts@example.com", to=["on-call@example.com"], thread=None, now=WHEN)


def _mail_text(message: Message) -> str:
    found = _mail(message)
    part = found.get_body(("plain",))
    assert part is not None
    return f"Subject: {found['Subject']}\n\n{part.get_content()}".replace("\r\n", "\n")


CHANNELS: dict[str, Callable[[Messages], str]] = {
    "slack.json": as_json(lambda message: {"text": notification(message), "blocks": blocks(message)}),
    "teams.json": as_json(lambda message: json.loads(card(message))),
    "email.html": as_pages(html),
    "email.txt": as_text(_mail_text),
    "pagerduty.json": as_json(lambda message: json.loads(event(message, "0" * 32, "dagster"))),
    "text.txt": as_text(lambda message: plain_text(message, 100_000)),
    "http.json": as_json(lambda message: json.loads(document(message, 1024 * 1024))),
}
