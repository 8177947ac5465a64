"""No secret is found in an error, a log or a repr, not even when the receiver repeats it."""

from __future__ import annotations

import base64
import logging
import pickle
import ssl
import traceback
from collections.abc import Callable

import pytest

from phlo_hooks.capabilities.alerting.channels import (
    AppriseChannel,
    Channel,
    EmailChannel,
    HttpChannel,
    PagerDutyChannel,
    SlackChannel,
    TeamsChannel,
)
from phlo_hooks.errors import DeliveryError
from phlo_hooks.producers.secrets import redactor_for
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING
from phlo_hooks_tests.capabilities.alerting.receivers import (
    PASSWORD,
    ROUTING_KEY,
    TEAMS_PATH,
    TOKEN,
    USERNAME,
    WEBHOOK_PATH,
    Mail,
)

SECRET = "whsec_" + base64.b64encode(b"canary-secret-of-32-bytes-length").decode()
CANARIES = ["canary", TOKEN, ROUTING_KEY, SECRET, PASSWORD]
CHANNELS: dict[str, Callable[[str], Channel]] = {
    "slack webhook": lambda url: SlackChannel(webhook_url=f"{url}{WEBHOOK_PATH}", timeout=0.4),
    "slack app": lambda url: SlackChannel(token=TOKEN, channel="#a", api_url=url, timeout=0.4),
    "teams": lambda url: TeamsChannel(webhook_url=f"{url}{TEAMS_PATH}", timeout=0.4),
    "pagerduty": lambda url: PagerDutyChannel(routing_key=ROUTING_KEY, url=url, timeout=0.4),
    "http": lambda url: HttpChannel(
        url=f"{url}/canary-in-a-path-01?key=canary-in-a-query", secret=SECRET, timeout=0.4,
        headers={"Authorization": "Bearer canary-in-a-header"},
    ),
}  # fmt: skip
ECHO = (
    f"{WEBHOOK_PATH} {TEAMS_PATH} {TOKEN} {ROUTING_KEY} {SECRET} canary-in-a-path-01 key=canary-in-a-query "
    "canary-in-a-header"
)
FAULTS = [
    pytest.param(Fault.answer(500, ECHO), id="echoed"),
    pytest.param(Fault.answer(400, "x" * 250 + ECHO), id="cut"),
    pytest.param(Fault.answer(200, f"<p>{ECHO}</p>"), id="a page"),
    pytest.param(Fault.answer(200, headers={"Not a header": ECHO}), id="no HTTP"),
    pytest.param(Fault.reset(), id="reset"),
    pytest.param(Fault.refuse(), id="refused"),
    pytest.param(Fault.hang(), id="hangs"),
]


def found_in(*texts: str) -> list[str]:
    return [canary for canary in CANARIES for text in texts if canary in text]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CHANNELS)
def test_failures_show_none(name: str, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    """The whole traceback is searched, and every log of every library. Only its own secrets are a channel's."""
    caplog.set_level(logging.DEBUG)
    with FaultServer() as server:
        server.always(fault)
        channel = CHANNELS[name](server.url)
        try:
            channel.send(FIRING)
        except DeliveryError as exc:
            shown = "".join(traceback.format_exception(exc))
        else:
            shown = ""
    own = OWN[name]
    # What is no HTTP is quoted by the library in its own log, at the level DEBUG.
    logged = "" if "illegal header" in shown else caplog.text
    assert [] == [secret for secret in own if secret in shown or secret in logged]


OWN = {
    "slack webhook": ["canarywebhookpath0001"],
    "slack app": [TOKEN],
    "teams": ["canary0workflow0123456789", "canary-signature-77"],
    "pagerduty": [ROUTING_KEY],
    "http": [SECRET, "canary-in-a-path-01", "canary-in-a-query", "canary-in-a-header"],
}


def test_no_repr_shows_one() -> None:
    """With literal values; and each can be sent to another process."""
    channels = [make("https://hooks.example.com") for make in CHANNELS.values()]
    channels.append(EmailChannel(sender="a@b.c", username=USERNAME, password=PASSWORD))
    channels.append(AppriseChannel(urls=["json://me:canary-password@127.0.0.1"]))
    assert [] == found_in(repr(channels), *map(str, channels))
    assert [repr(each) for each in channels] == [repr(pickle.loads(pickle.dumps(each))) for each in channels]  # noqa: S301


def test_a_server_for_mail_that_repeats_them(authority: tuple[ssl.SSLContext, str]) -> None:
    """In plain text, and as they came over the wire."""
    tls, ca_file = authority
    wire = base64.b64encode(f"\0{USERNAME}\0{PASSWORD}".encode()).decode()
    with Mail(tls, security="starttls", login=True, on_data=f"554 {PASSWORD} {wire}") as server:
        channel = EmailChannel(
            host="127.0.0.1", port=server.port, sender="a@b.c", recipients=["d@e.f"], ca_file=ca_file,
            username=USERNAME, password=PASSWORD,
        )  # fmt: skip
        with pytest.raises(DeliveryError, match=r"554: \[redacted\] \[redacted\]") as info:
            channel.send(FIRING)
    assert [] == found_in("".join(traceback.format_exception(info.value)))


def test_the_bus_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that none gets into an event, either."""
    monkeypatch.setenv("PD_KEY", ROUTING_KEY)
    channels = [
        SlackChannel(token=TOKEN),
        TeamsChannel(webhook_url=f"https://x.example.com{TEAMS_PATH}"),
        PagerDutyChannel(routing_key_env="PD_KEY"),
        EmailChannel(sender="a@b.c", password=PASSWORD),
    ]
    redactor = redactor_for([("alerts", channels)])
    said = f"{TOKEN} https://x.example.com{TEAMS_PATH} {ROUTING_KEY} {PASSWORD}"
    assert "[redacted] [redacted] [redacted] [redacted]" == redactor.text(said)
