"""Whatever is in a message, it arrives at once, within every limit, with what matters most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from phlo_hooks.capabilities.alerting.channels import PagerDutyChannel, SlackChannel, TeamsChannel
from phlo_hooks.capabilities.alerting.channels.email_message import MAX_HTML, html
from phlo_hooks.capabilities.alerting.channels.looks import headline
from phlo_hooks.capabilities.alerting.channels.slack_blocks import MAX_TEXT, blocks, escape, fallback
from phlo_hooks.capabilities.alerting.channels.teams_card import MAX_BODY, card, text_card
from phlo_hooks.capabilities.alerting.channels.text import plain_text
from phlo_hooks.capabilities.alerting.channels.webhook import document
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, TERRIBLE, messages
from phlo_hooks_tests.capabilities.alerting.receivers import (
    ROUTING_KEY,
    TOKEN,
    PagerDuty,
    Slack,
    Teams,
    card_buttons,
    card_text,
    has_markup,
    texts,
)

# One receiver for all examples: they only add to what it has.
_RANDOM = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def essentials(message: Message) -> list[str]:
    """What every rendering has."""
    first = [message.error.split("\n")[0]] if message.error else []
    return [message.title, *first, *[link.url for link in message.links]]


def missing(message: Message, shown: str) -> list[str]:
    return [text for text in essentials(message) if text not in shown]


@_RANDOM
@given(messages)
@example(FIRING)
def test_slack_takes_it(slack: Slack, message: Message) -> None:
    """Both ways, as blocks, and as text."""
    SlackChannel(webhook_url=slack.webhook_url).send(message)
    SlackChannel(token=TOKEN, channel="#on-call", api_url=slack.api_url).send(message)
    assert [] == slack.errors
    shown = "\n".join(texts(slack.messages[-1]["blocks"])).replace("&amp;", "&")
    assert [] == missing(message, shown)


@_RANDOM
@given(messages)
def test_slacks_text(message: Message) -> None:
    """For when it does not take the blocks."""
    text = fallback(message)
    assert len(text) <= MAX_TEXT
    assert not has_markup(text)
    assert [] == missing(message, text.replace("&amp;", "&"))


@_RANDOM
@given(messages)
def test_teams_takes_it(teams: Teams, message: Message) -> None:
    """As a card, at once."""
    TeamsChannel(webhook_url=teams.url).send(message)
    shown = teams.cards[-1]
    urls = "\n".join(button["url"] for button in card_buttons(shown))
    assert [] == missing(message, f"{card_text(shown)}\n{urls}")
    assert "RichTextBlock" in json.dumps(shown)


@_RANDOM
@given(messages)
def test_teams_text(teams: Teams, message: Message) -> None:
    """For when it refuses the card."""
    teams.refuses_rich_text = True
    TeamsChannel(webhook_url=teams.url).send(message)
    assert [] == missing(message, card_text(teams.cards[-1]).replace("\\", ""))


@_RANDOM
@given(messages)
def test_pagerduty_takes_it(pagerduty: PagerDuty, message: Message) -> None:
    """Unless there is nobody to wake."""
    pagerduty.events.clear()
    PagerDutyChannel(routing_key=ROUTING_KEY, url=pagerduty.url).send(message)
    for event in pagerduty.events:
        if event["event_action"] == "trigger":
            assert [] == missing(message, json.dumps(event, ensure_ascii=False))


@_RANDOM
@given(messages)
def test_html(message: Message) -> None:
    """No markup comes out of a message, and no link but its own."""
    page = html(message)
    assert len(page.encode()) <= MAX_HTML
    reader = Reader()
    reader.feed(page)
    assert {link.url for link in message.links} >= set(reader.links)
    assert {"html", "body", "div", "h2", "p", "b", "table", "tr", "td", "ul", "li", "pre", "a"} >= reader.tags
    assert [] == missing(message, reader.text + "\n".join(reader.links))


class Reader(HTMLParser):
    """What a page shows, and is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.links, self.tags = "", [], set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


@_RANDOM
@given(messages)
def test_text(message: Message) -> None:
    """With everything in it."""
    text = plain_text(message, 2000)
    assert len(text) <= 2000
    assert [] == missing(message, text)


@_RANDOM
@given(messages, st.integers(0, 400))
def test_short_text(message: Message, limit: int) -> None:
    """For a telephone; escaped, too."""
    for written in (str, escape):
        assert len(plain_text(message, limit, written=written)) <= limit


@_RANDOM
@given(messages)
def test_document(message: Message) -> None:
    """JSON in UTF-8, whose ids are not touched where they can be written."""
    body = document(message, 20_000)
    assert len(body) <= 20_000
    found = json.loads(body)
    assert (message.title, message.severity) == (found["title"], found["severity"])
    assert [] == missing(
        message, "\n".join([found["title"], found["error"], *[link["url"] for link in found["links"]]])
    )


@pytest.mark.parametrize("name", TERRIBLE)
def test_terrible(slack: Slack, teams: Teams, pagerduty: PagerDuty, name: str) -> None:
    """Megabytes of stack, control characters, nothing but markup: taken as it should be, at the first attempt."""
    message = TERRIBLE[name]
    SlackChannel(webhook_url=slack.webhook_url).send(message)
    TeamsChannel(webhook_url=teams.url).send(message)
    PagerDutyChannel(routing_key=ROUTING_KEY, url=pagerduty.url).send(message)
    assert ([], 1, 1, 1) == (slack.errors, slack.server.count, teams.server.count, pagerduty.server.count)


@pytest.mark.parametrize("name", TERRIBLE)
def test_terrible_renderings(name: str) -> None:
    """Those that need no receiver to be checked."""
    message = TERRIBLE[name]
    assert len(fallback(message)) <= MAX_TEXT
    assert len(card(message)) <= MAX_BODY >= len(text_card(message))
    assert len(html(message).encode()) <= MAX_HTML
    assert len(document(message, 20_000)) <= 20_000
    assert all(text.isprintable() for line in links_of(message) for text in line)


@pytest.mark.parametrize("name", TERRIBLE)
def test_code_stays_code(name: str) -> None:
    """Backticks in it do not end the block."""
    code = [text for text in texts(blocks(TERRIBLE[name])) if text.startswith("```\n")]
    assert all(2 == text.count("```") and text.endswith("\n```") for text in code)


def links_of(message: Message) -> Iterator[list[str]]:
    for line in plain_text(message, 100_000).splitlines():
        yield [word for word in line.split() if word.startswith("http")]


def test_the_double_is_strict(slack: Slack, teams: Teams) -> None:
    """Or these tests would show nothing."""
    good = blocks(FIRING)
    wrong = [
        good * 10,
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "a & b"}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "section", "fields": good[2]["fields"] * 4}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{**good[0], "color": "red"}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5,
    ]
    for each in wrong:
        with pytest.raises(Exception, match=r"invalid_blocks|msg_blocks_too_long"):
            slack._check_content({"blocks": each}, {"blocks"})
    slack._check_content({"blocks": good}, {"blocks"})
    assert headline(FIRING) in card(FIRING).decode()
