"""Slack, by webhook and as an app: threads, targets, and what is done when it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from phlo_hooks.capabilities.alerting.channels import SlackChannel
from phlo_hooks.capabilities.alerting.message import Kind
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, RESOLVED
from phlo_hooks_tests.capabilities.alerting.receivers import TOKEN, Slack


@pytest.fixture
def app(slack: Slack) -> SlackChannel:
    """With a token."""
    return SlackChannel(token=TOKEN, channel="#data-alerts", api_url=slack.api_url)


def says(error: str, **more: Any) -> Fault:
    """Slack's way of saying no."""
    return Fault.answer(200, json.dumps({"ok": False, "error": error, **more}))


def test_webhook(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no threads, and its URL is read when it sends."""
    monkeypatch.setenv("SLACK_URL", slack.webhook_url)
    for fields in ({"webhook_url": dg.EnvVar("SLACK_URL")}, {"webhook_url_env": "SLACK_URL"}):
        assert SlackChannel(**fields).send(FIRING, thread="1700000000.000100") is None
    assert [None, None] == [message.get("thread_ts") for message in slack.messages]


def test_thread(slack: Slack, app: SlackChannel) -> None:
    """What belongs together is one thread; that it is over is shown in the channel, too."""
    first = app.send(FIRING)
    assert first == app.send(replace(FIRING, kind=Kind.REMINDER), thread=first)
    assert first == app.send(RESOLVED, thread=first)
    threads = [(message.get("thread_ts"), message.get("reply_broadcast")) for message in slack.messages]
    assert [(None, None), (first, None), (first, True)] == threads


def test_quiet_end(slack: Slack) -> None:
    """Some want the thread alone."""
    app = SlackChannel(token=TOKEN, channel="#data-alerts", api_url=slack.api_url, broadcast_resolved=False)
    app.send(RESOLVED, thread=app.send(FIRING))
    assert "reply_broadcast" not in slack.messages[1]


def test_a_thread_that_is_gone(slack: Slack, app: SlackChannel) -> None:
    """Somebody deleted its first message: there is a new one."""
    thread = app.send(RESOLVED, thread="1600000000.000100")
    assert (["thread_not_found"], thread) == (slack.errors, slack.messages[0]["ts"])
    assert not {"thread_ts", "reply_broadcast"} & set(slack.messages[0])


def test_target(slack: Slack, app: SlackChannel) -> None:
    """Instead of the channel's own."""
    app.check_target("C0123456789")
    app.send(FIRING)
    app.send(FIRING, target="C0123456789")
    assert ["#data-alerts", "C0123456789"] == [message["channel"] for message in slack.messages]


def test_channel_from_the_environment(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a token; without one, it needs a target."""
    monkeypatch.setenv("SLACK_CHANNEL", "#on-call")
    app = SlackChannel(token=TOKEN, channel=dg.EnvVar("SLACK_CHANNEL"), api_url=slack.api_url)
    app.check()
    app.send(FIRING)
    assert "#on-call" == slack.messages[0]["channel"]
    with pytest.raises(DeliveryError, match="has no channel, and no target was named"):
        SlackChannel(token=TOKEN, api_url=slack.api_url).send(FIRING)


@pytest.mark.parametrize("way", ["webhook", "app"])
def test_refused_blocks(slack: Slack, app: SlackChannel, way: str) -> None:
    """At once the same as text."""
    slack.refuses_blocks = True
    channel = app if way == "app" else SlackChannel(webhook_url=slack.webhook_url)
    channel.send(FIRING)
    (message,) = slack.messages
    assert (["invalid_blocks"], 2) == (slack.errors, slack.server.count)
    assert "blocks" not in message
    assert FIRING.title in message["text"]
    assert "BinderException" in message["text"]


def test_refused_as_text_too(slack: Slack, app: SlackChannel) -> None:
    """That is the end."""
    slack.server.next(says("invalid_blocks"), says("msg_too_long"))
    with pytest.raises(PermanentError, match="Slack says msg_too_long"):
        app.send(FIRING)


def test_refused_by_webhook_as_text_too(slack: Slack) -> None:
    """Likewise."""
    slack.server.next(Fault.answer(400, "invalid_blocks"), Fault.answer(400, "invalid_payload"))
    with pytest.raises(PermanentError, match="answered 400: invalid_payload"):
        SlackChannel(webhook_url=slack.webhook_url).send(FIRING)


LIMITED = [
    pytest.param(Fault.retry_after(42), 42, id="429 with seconds"),
    pytest.param(Fault.answer(429, "rate_limited"), 30, id="429 without"),
    pytest.param(
        Fault.answer(200, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "7"}), 7, id="200"
    ),
    pytest.param(
        Fault.answer(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "9"}), 9, id="429 as JSON"
    ),
    pytest.param(says("message_limit_exceeded"), 30, id="workspace"),
]


@pytest.mark.parametrize(("fault", "wait"), LIMITED)
def test_limit_of_rate(slack: Slack, app: SlackChannel, fault: Fault, wait: float) -> None:
    """The channel is left alone for so long, with every message."""
    slack.server.next(fault)
    with pytest.raises(RetryLater) as info:
        app.send(FIRING)
    assert (wait, True, 1) == (info.value.after, info.value.pause, slack.server.count)


MENDABLE = [
    pytest.param("invalid_auth", "set a token that is valid", id="auth"),
    pytest.param("channel_not_found", "the app must be invited", id="channel"),
    pytest.param("not_in_channel", "invite the app", id="not in channel"),
    pytest.param("is_archived", "unarchive the channel", id="archived"),
    pytest.param("missing_scope", "chat:write", id="scope"),
    pytest.param("internal_error", "Slack says internal_error", id="Slack's own"),
    pytest.param("something_new", "Slack says something_new", id="unknown"),
]


@pytest.mark.parametrize(("error", "advice"), MENDABLE)
def test_what_an_operator_can_mend(slack: Slack, app: SlackChannel, error: str, advice: str) -> None:
    """It is tried again until then, and the error says what to do."""
    slack.server.next(says(error, needed="chat:write"))
    with pytest.raises(DeliveryError, match=error) as info:
        app.send(FIRING)
    assert DeliveryError is type(info.value)
    assert advice in str(info.value)


GONE = [
    pytest.param(Fault.answer(404, "no_service"), "make a new one", id="deleted webhook"),
    pytest.param(Fault.answer(410, "channel_is_archived"), "unarchive", id="archived"),
    pytest.param(Fault.answer(403, "action_prohibited"), "answered 403: action_prohibited", id="prohibited"),
    pytest.param(Fault.answer(500, "rollup_error"), "answered 500: rollup_error", id="500"),
    pytest.param(
        Fault.answer(200, "<html>Welcome</html>"),
        "not as Slack does: is it the right URL",
        id="another's page",
    ),
]


@pytest.mark.parametrize(("fault", "text"), GONE)
def test_webhooks_errors(slack: Slack, fault: Fault, text: str) -> None:
    """Words, with statuses."""
    slack.server.next(fault)
    with pytest.raises(DeliveryError, match=text) as info:
        SlackChannel(webhook_url=slack.webhook_url).send(FIRING)
    assert DeliveryError is type(info.value)


@pytest.mark.parametrize("body", ["", "ok", "[]", '{"ok": '])
def test_no_answer_of_slacks(slack: Slack, app: SlackChannel, body: str) -> None:
    """An app gets JSON: a proxy that says ok has posted nothing."""
    slack.server.next(Fault.answer(200, body))
    with pytest.raises(DeliveryError, match="not as Slack does"):
        app.send(FIRING)
