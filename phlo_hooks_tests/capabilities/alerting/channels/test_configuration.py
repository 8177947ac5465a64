"""What cannot work is refused where it is defined, by name and with the next step, and without the secret."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import dagster as dg
import pytest

from phlo_hooks.capabilities.alerting.channels import (
    Channel,
    EmailChannel,
    HttpChannel,
    PagerDutyChannel,
    SlackChannel,
    TeamsChannel,
    http,
)
from phlo_hooks.errors import ConfigurationError, DeliveryError, MissingExtraError
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING

URL = "https://hooks.example.com/services/T0/B0/canary0path0001"
TOKEN = "xoxb-canary"
SENDER = "alerts@example.com"

REFUSED: list[Any] = [
    pytest.param(SlackChannel, {}, "'slack': use one of webhook_url=EnvVar", id="slack: nothing"),
    pytest.param(SlackChannel, {"webhook_url": URL, "token": TOKEN}, "use one of", id="slack: both"),
    pytest.param(SlackChannel, {"webhook_url": URL, "webhook_url_env": "U"}, "has both webhook_url and webhook_url_env", id="slack: twice"),
    pytest.param(SlackChannel, {"webhook_url": "ftp://canary"}, "webhook_url: url has the scheme 'ftp'", id="slack: scheme"),
    pytest.param(SlackChannel, {"webhook_url": URL, "channel": "#a"}, "'slack': channel needs a token", id="slack: channel"),
    pytest.param(SlackChannel, {"token": TOKEN, "channel": "data"}, "'data' is no Slack channel: use '#name'", id="slack: name"),
    pytest.param(SlackChannel, {"token": " "}, "token is empty", id="slack: empty"),
    pytest.param(SlackChannel, {"token": TOKEN, "api_url": "slack.com"}, "has the scheme ''", id="slack: api"),
    pytest.param(TeamsChannel, {}, "'teams': there is no URL: use webhook_url=EnvVar", id="teams: nothing"),
    pytest.param(TeamsChannel, {"webhook_url": "https://me:canary@x/"}, "user or password before 'x'", id="teams: password"),
    pytest.param(PagerDutyChannel, {}, "'pagerduty': there is no routing key", id="pagerduty: nothing"),
    pytest.param(PagerDutyChannel, {"routing_key": "canary"}, "use the 32 characters of an Events API v2", id="pagerduty: key"),
    pytest.param(PagerDutyChannel, {"routing_key_env": "K", "url": "x"}, "has the scheme ''", id="pagerduty: url"),
    pytest.param(HttpChannel, {}, "'http': there is no url", id="http: nothing"),
    pytest.param(HttpChannel, {"url": URL, "secret": "canary"}, "begins with 'whsec_'", id="http: secret"),
    pytest.param(HttpChannel, {"url": URL, "headers": {"A b": "x"}}, "header 'A b' is not a name", id="http: header"),
    pytest.param(HttpChannel, {"url": URL, "headers_env": {"Host": "X"}}, "'Host' is set by the webhook itself", id="http: our header"),
    pytest.param(EmailChannel, {"sender": "nobody"}, "'nobody' is not an address: use name@example.com", id="email: sender"),
    pytest.param(EmailChannel, {"sender": "a@b.c\r\nBcc: d@e.f"}, "is not an address", id="email: header"),
    pytest.param(EmailChannel, {"sender": SENDER, "recipients": ["bücher@example.com"]}, "is not an address", id="email: SMTPUTF8"),
    pytest.param(EmailChannel, {"sender": SENDER, "security": "tls"}, "security 'tls' is unknown; use 'starttls'", id="email: security"),
    pytest.param(EmailChannel, {"sender": SENDER, "username": "me"}, "both a username and a password", id="email: login"),
    pytest.param(EmailChannel, {"sender": SENDER, "username": "me", "password": "canary", "security": "plain"}, "would go over the network as it is", id="email: in the open"),
    pytest.param(EmailChannel, {"sender": SENDER, "host": "a b"}, "host 'a b' is not the name of a server", id="email: host"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "text"), REFUSED)
def test_refused(kind: type[Channel], fields: dict[str, Any], text: str) -> None:
    """In our own words, which name the channel."""
    with pytest.raises(ConfigurationError) as info:
        kind(**fields).check()
    assert text in str(info.value)
    assert f"alert channel {kind(**fields).name!r}: " in str(info.value)
    assert "canary" not in str(info.value)


ENV = dg.EnvVar("PHLO_HOOKS_TEST_NOT_SET")
UNKNOWN: list[Any] = [
    pytest.param(SlackChannel(webhook_url=ENV), "webhook_url: the environment variable", id="slack"),
    pytest.param(SlackChannel(token_env="PHLO_HOOKS_TEST_NOT_SET", channel="#a"), "token: the environment", id="slack app"),
    pytest.param(TeamsChannel(webhook_url=ENV), "webhook_url: the environment", id="teams"),
    pytest.param(PagerDutyChannel(routing_key=ENV), "routing_key: the environment", id="pagerduty"),
    pytest.param(HttpChannel(url=ENV, secret=ENV), "url: the environment", id="http"),
    pytest.param(HttpChannel(url=URL, headers={"A": ENV}), "header 'A': the environment", id="http header"),
    pytest.param(EmailChannel(sender=SENDER, recipients=[SENDER], username="me", password=ENV), "password: the env", id="email"),
]  # fmt: skip


@pytest.mark.parametrize(("channel", "text"), UNKNOWN)
def test_variables_that_are_not_set(channel: Channel, text: str) -> None:
    """Where definitions load, they need not be; where alerts are sent, somebody can set them: tried again."""
    channel.check()
    with pytest.raises(DeliveryError, match=text) as info:
        channel.send(FIRING)
    assert DeliveryError is type(info.value)
    assert "PHLO_HOOKS_TEST_NOT_SET" in str(info.value)


TARGETS: list[Any] = [
    pytest.param(
        SlackChannel(webhook_url=URL), "#a", "a webhook posts to its own channel alone", id="slack webhook"
    ),
    pytest.param(SlackChannel(token=TOKEN), "a", "'a' is no Slack channel", id="slack"),
    pytest.param(TeamsChannel(webhook_url=URL), "x", "'teams' takes no target", id="teams"),
    pytest.param(HttpChannel(url=URL), "x", "'http' takes no target", id="http"),
    pytest.param(
        PagerDutyChannel(routing_key_env="K"), "a b", "name of an environment variable", id="pagerduty"
    ),
    pytest.param(EmailChannel(sender=SENDER), "a@b.c,", "'' is not an address", id="email"),
]


@pytest.mark.parametrize(("channel", "target", "text"), TARGETS)
def test_targets(channel: Channel, target: str, text: str) -> None:
    """As with fields."""
    with pytest.raises(ConfigurationError, match=text):
        channel.check_target(target)


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said when it is defined, and when it sends."""
    channel = TeamsChannel(webhook_url=URL)
    monkeypatch.setattr(http, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'phlo-hooks\[alerting\]'"):
        channel.check()
    monkeypatch.setitem(sys.modules, "phlo_hooks.connections", None)
    with pytest.raises(DeliveryError, match=r"pip install 'phlo-hooks\[alerting\]'"):
        channel.send(FIRING)


class Alerts(dg.ConfigurableResource):
    """Channels as fields."""

    slack: list[SlackChannel]
    email: EmailChannel
    http: HttpChannel
    pager: PagerDutyChannel
    teams: TeamsChannel


@dg.op
def look(alerts: Alerts) -> None:
    """What came through Dagster's configuration."""
    assert ["#a", None] == [channel.channel for channel in alerts.slack]
    assert ([SENDER], {"A": "B"}) == (alerts.email.recipients, alerts.http.headers_env)


def test_in_a_resource() -> None:
    """Dagster can say every field, and gives each channel what is written."""
    alerts = Alerts(
        slack=[SlackChannel(token=TOKEN, channel="#a"), SlackChannel(name="two", webhook_url=URL)],
        email=EmailChannel(sender=SENDER, recipients=[SENDER]),
        http=HttpChannel(url=URL, headers_env={"A": "B"}),
        pager=PagerDutyChannel(routing_key_env="K"),
        teams=TeamsChannel(webhook_url=URL),
    )
    job = dg.GraphDefinition("job", node_defs=[look]).to_job(resource_defs={"alerts": alerts})
    assert job.execute_in_process().success


def test_no_library_is_imported_before_it_is_used() -> None:
    """Not even those of a channel that is defined and checked."""
    code = (
        "import sys\n"
        "from phlo_hooks.capabilities.alerting.channels import *\n"
        "SlackChannel(webhook_url='https://hooks.slack.com/x').check()\n"
        "AppriseChannel(urls_env='X').check()\n"
        "found = {'apprise', 'httpcore2', 'httpx', 'httpx2', 'requests'} & set(sys.modules)\n"
        "assert not found - before, found"
    )
    # Dagster may bring some of them itself.
    before = "import dagster, sys\nbefore = set(sys.modules)\n"
    subprocess.run([sys.executable, "-c", before + code], check=True, timeout=60)
