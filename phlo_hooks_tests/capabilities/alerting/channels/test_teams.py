"""Teams: cards to a workflow or a connector."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from phlo_hooks.capabilities.alerting.channels import TeamsChannel
from phlo_hooks.errors import PermanentError, RetryLater
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, RESOLVED, TERRIBLE
from phlo_hooks_tests.capabilities.alerting.receivers import Teams, card_buttons, card_text


def test_workflow(teams: Teams, monkeypatch: pytest.MonkeyPatch) -> None:
    """202 is success; the links are buttons."""
    monkeypatch.setenv("TEAMS_URL", teams.url)
    TeamsChannel(webhook_url=dg.EnvVar("TEAMS_URL")).send(FIRING)
    TeamsChannel(webhook_url_env="TEAMS_URL").send(RESOLVED)
    assert ["Open the run", "Open the asset"] == [button["title"] for button in card_buttons(teams.cards[0])]
    assert "good" == teams.cards[1]["body"][0]["inlines"][0]["color"]


def test_refused_card(teams: Teams) -> None:
    """At once the same as text, in which nothing is Markdown."""
    teams.refuses_rich_text = True
    TeamsChannel(webhook_url=teams.url).send(TERRIBLE["hostile"])
    (card,) = teams.cards
    assert ("1.0", 2) == (card["version"], teams.server.count)
    assert r"\[click\](https://evil.example.com)" in card_text(card)
    assert ["Open the run", "Open the asset"] == [button["title"] for button in card_buttons(card)][:2]


def test_refused_as_text_too(teams: Teams) -> None:
    """That is the end."""
    teams.server.always(Fault.answer(400, "Bad payload"))
    with pytest.raises(PermanentError, match="answered 400: Bad payload"):
        TeamsChannel(webhook_url=teams.url).send(FIRING)
    assert 2 == teams.server.count


def test_connector() -> None:
    """It says 200, and 1."""
    with Teams(connector=True) as teams:
        TeamsChannel(webhook_url=teams.url).send(FIRING)
        assert 1 == len(teams.cards)


INNER = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {} with ContextId x"


def test_a_connectors_200_that_is_none() -> None:
    """What Teams said to it stands in the text: too many, or too large."""
    with Teams(connector=True) as teams:
        channel = TeamsChannel(webhook_url=teams.url)
        teams.server.next(Fault.answer(200, INNER.format(429)))
        with pytest.raises(RetryLater) as info:
            channel.send(FIRING)
        assert (30, True) == (info.value.after, info.value.pause)
        teams.server.next(Fault.answer(200, INNER.format(413)))
        channel.send(FIRING)
        assert ["1.0"] == [card["version"] for card in teams.cards]


def test_buttons_stand_above_the_stack(teams: Teams) -> None:
    """Nobody has to scroll through it; its lines keep their indentation, which a card shows of no other space."""
    TeamsChannel(webhook_url=teams.url).send(FIRING)
    kinds = [element["type"] for element in teams.cards[0]["body"]]
    assert ["ActionSet", "RichTextBlock", "RichTextBlock"] == kinds[-3:]
    assert '\n\u00a0\u00a0File "orders.py", line 12' in card_text(teams.cards[0])


def test_what_gives_way(teams: Teams) -> None:
    """The stack, before anything else."""
    TeamsChannel(webhook_url=teams.url).send(TERRIBLE["large stack"])
    shown = card_text(teams.cards[0])
    assert "characters cut" in shown
    assert all(fact.value in shown for fact in FIRING.facts)
    assert len(teams.server.requests[0].body) < 20_000
    assert json.loads(teams.server.requests[0].body)["type"] == "message"
