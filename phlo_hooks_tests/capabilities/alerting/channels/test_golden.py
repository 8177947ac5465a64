"""What each channel sends for two samples, byte by byte; PHLO_HOOKS_WRITE_GOLDEN=1 writes it anew."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from phlo_hooks.capabilities.alerting.channels.email_message import html, mail
from phlo_hooks.capabilities.alerting.channels.pagerduty_event import event
from phlo_hooks.capabilities.alerting.channels.slack_blocks import blocks, fallback
from phlo_hooks.capabilities.alerting.channels.teams_card import card, text_card
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.channels.webhook import document
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, RESOLVED

FOLDER = Path(__file__).parent / "golden"
SAMPLES = {"firing": FIRING, "resolved": RESOLVED}
NOW = datetime(2026, 3, 14, 2, 31, 9, tzinfo=timezone.utc)


def as_json(value: object) -> str:
    found = json.loads(value) if isinstance(value, bytes) else value
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def headers(message: Message) -> str:
    found = mail(
        message,
        sender="Alerts <alerts@example.com>",
        to=["a@example.com", "b@example.com"],
        thread="<1@example.com>",
        now=NOW,
    )
    return "".join(f"{name}: {value}\n" for name, value in found.items() if name != "Content-Type")


RENDERINGS: dict[str, Callable[[Message], str]] = {
    "slack.json": lambda message: as_json(blocks(message)),
    "slack.txt": lambda message: fallback(message) + "\n",
    "teams.json": lambda message: as_json(card(message)),
    "teams_text.json": lambda message: as_json(text_card(message)),
    "pagerduty.json": lambda message: as_json(event(message, "0123456789abcdef0123456789abcdef", "dagster")),
    "http.json": lambda message: as_json(document(message, 1024 * 1024)),
    "email.html": html,
    "email.txt": headers,
    "console.txt": lambda message: plain_text(message, 100_000) + "\n",
}


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", RENDERINGS)
def test_golden(name: str, sample: str) -> None:
    """As it was when somebody last looked at it."""
    file = FOLDER / f"{sample}_{name}"
    found = RENDERINGS[name](SAMPLES[sample])
    if os.environ.get("PHLO_HOOKS_WRITE_GOLDEN") == "1":
        file.write_text(found, encoding="utf-8", newline="\n")
    assert file.read_text(encoding="utf-8") == found
