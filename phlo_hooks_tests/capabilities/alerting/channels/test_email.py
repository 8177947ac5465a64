"""Mail, to a real SMTP server: TLS, a login, conversations, and recipients that are refused."""

from __future__ import annotations

import logging
import ssl
import time
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from phlo_hooks.capabilities.alerting.channels import EmailChannel
from phlo_hooks.errors import DeliveryError, PermanentError
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, HOSTILE, RESOLVED, TERRIBLE
from phlo_hooks_tests.capabilities.alerting.receivers import PASSWORD, USERNAME, Mail

Authority = tuple[ssl.SSLContext, str]
ANNA, BEN = "anna@example.com", "ben@example.com"


def channel_to(mail: Mail, **fields: Any) -> EmailChannel:
    """As an operator would write it, and checked."""
    given = {"security": "plain", "sender": "Alerts <alerts@example.com>", "recipients": [ANNA], **fields}
    channel = EmailChannel(host="127.0.0.1", port=mail.port, timeout=3, **given)
    channel.check()
    return channel


def test_a_mail() -> None:
    """Text and HTML of the same, from a machine."""
    with Mail() as server:
        channel_to(server).send(FIRING)
    (mail,) = server.mails
    assert ("🔴 ERROR: Asset marts/orders failed", "Alerts <alerts@example.com>") == (
        mail["Subject"],
        mail["From"],
    )
    assert ("auto-generated", "All") == (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"])
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in mail.iter_parts()]
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "team:data <data@example.com>" in text
    assert "team:data &lt;data@example.com&gt;" in html


def test_conversation() -> None:
    """Later mails answer the first one; each keeps its id on every attempt."""
    with Mail() as server:
        channel = channel_to(server)
        first = channel.send(FIRING)
        assert first == channel.send(RESOLVED, thread=first)
        assert first == channel.send(FIRING)
    one, two, again = server.mails
    assert (first, None) == (one["Message-ID"], one["In-Reply-To"])
    assert (first, first) == (two["In-Reply-To"], two["References"])
    assert two["Message-ID"] != first == again["Message-ID"]


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_tls_and_login(authority: Authority, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    """With a certificate that the ca_file vouches for."""
    tls, ca_file = authority
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    login = {"username": USERNAME, "password": dg.EnvVar("SMTP_PASSWORD"), "ca_file": ca_file}
    with Mail(tls, security=security, login=True) as server:
        channel_to(server, security=security, **login).send(FIRING)
        by_name = {**login, "password": None, "password_env": "SMTP_PASSWORD"}
        channel_to(server, security=security, **by_name).send(FIRING)
    assert 2 == len(server.mails)


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_an_unknown_certificate(authority: Authority, security: str) -> None:
    """Nothing is sent."""
    with (
        Mail(authority[0], security=security) as server,
        pytest.raises(DeliveryError, match="set ca_file") as info,
    ):
        channel_to(server, security=security).send(FIRING)
    assert (DeliveryError, []) == (type(info.value), server.mails)


def test_a_server_without_starttls() -> None:
    """Nothing goes out in the open instead."""
    with Mail() as server, pytest.raises(DeliveryError, match="STARTTLS"):
        channel_to(server, security="starttls").send(FIRING)
    assert [] == server.mails


def test_a_wrong_password(authority: Authority) -> None:
    """Somebody can mend it."""
    tls, ca_file = authority
    fields = {"username": USERNAME, "password": "canary-wrong", "ca_file": ca_file, "security": "starttls"}
    with (
        Mail(tls, security="starttls", login=True) as server,
        pytest.raises(DeliveryError, match="535") as info,
    ):
        channel_to(server, **fields).send(FIRING)
    assert DeliveryError is type(info.value)
    assert "canary" not in repr(info.value)


REFUSED = [
    pytest.param({ANNA: "550 no such user", BEN: "553 no"}, PermanentError, id="all for good"),
    pytest.param({ANNA: "550 no such user", BEN: "451 later"}, DeliveryError, id="one of them later"),
    pytest.param({ANNA: "452 mailbox full", BEN: "450 busy"}, DeliveryError, id="all later"),
    pytest.param({ANNA: "421 closing"}, DeliveryError, id="421"),
]


@pytest.mark.parametrize(("refused", "error"), REFUSED)
def test_nobody_gets_it(refused: dict[str, str], error: type[Exception]) -> None:
    """It is over only if it is for every recipient."""
    with Mail(refused=refused) as server, pytest.raises(DeliveryError, match="refuses|421") as info:
        channel_to(server, recipients=[ANNA, BEN]).send(FIRING)
    assert (error, []) == (type(info.value), server.mails)


def test_somebody_gets_it(caplog: pytest.LogCaptureFixture) -> None:
    """Sent, and not a second time; who did not get it is logged."""
    with Mail(refused={BEN: "452 mailbox full"}) as server, caplog.at_level(logging.WARNING):
        channel_to(server, recipients=[ANNA, BEN]).send(FIRING)
    assert [("alerts@example.com", [ANNA])] == server.envelopes
    assert "alert channel 'email': ben@example.com did not get a mail: 452: mailbox full" in caplog.text


def test_a_server_that_hangs_up_once_it_has_the_mail() -> None:
    """It is sent: another attempt would be a second mail."""
    with Mail(hangs_up=True) as server:
        channel_to(server).send(FIRING)
    assert 1 == len(server.mails)


DATA = [
    pytest.param("554 this is spam", PermanentError, id="554"),
    pytest.param("451 try again", DeliveryError, id="451"),
]


@pytest.mark.parametrize(("said", "error"), DATA)
def test_a_refused_mail(said: str, error: type[Exception]) -> None:
    """By its content."""
    with Mail(on_data=said) as server, pytest.raises(DeliveryError, match=said[:3]) as info:
        channel_to(server).send(FIRING)
    assert error is type(info.value)


def test_nobody_there() -> None:
    """Refused, and silent."""
    with Mail() as server:
        gone = channel_to(server)
    with pytest.raises(DeliveryError, match="ConnectionRefusedError"):
        gone.send(FIRING)
    with FaultServer() as silent:
        silent.always(Fault.hang())
        port = int(silent.url.rpartition(":")[2])
        channel = EmailChannel(
            host="127.0.0.1", port=port, security="plain", sender=ANNA, recipients=[BEN], timeout=0.3
        )
        with pytest.raises(DeliveryError, match=r"[Tt]imed? ?out"):
            channel.send(FIRING)


def test_a_slow_server() -> None:
    """The time is for all of its answers, not for each."""
    with Mail(pause=0.3) as server:
        channel = EmailChannel(
            host="127.0.0.1",
            port=server.port,
            security="plain",
            sender=ANNA,
            recipients=[BEN] * 20,
            timeout=1,
        )
        started = time.monotonic()
        with pytest.raises(DeliveryError, match=r"timed out|Disconnected"):
            channel.send(FIRING)
    assert time.monotonic() - started < 4
    assert [] == server.mails


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that may differ between deployments, read when it sends."""
    values = {"MAIL_HOST": "127.0.0.1", "MAIL_FROM": ANNA, "MAIL_TO": BEN}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with Mail() as server:
        fields = {
            "host": dg.EnvVar("MAIL_HOST"),
            "sender": dg.EnvVar("MAIL_FROM"),
            "recipients": [dg.EnvVar("MAIL_TO")],
        }
        channel = EmailChannel(port=server.port, security="plain", **fields)
        channel.check()
        channel.send(FIRING)
    assert [(ANNA, [BEN])] == server.envelopes


def test_target() -> None:
    """One address or several, instead of the channel's own."""
    with Mail() as server:
        channel = channel_to(server)
        channel.check_target(f"{ANNA}, Ben <{BEN}>")
        channel.send(FIRING, target=f"{ANNA}, Ben <{BEN}>")
    assert [ANNA, BEN] == server.envelopes[0][1]


@pytest.mark.parametrize("name", TERRIBLE)
def test_terrible(name: str) -> None:
    """It arrives, with no header that nobody wrote, and with lines that a server takes."""
    with Mail() as server:
        channel_to(server).send(TERRIBLE[name])
    (mail,) = server.mails
    assert {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
        "MIME-Version", "Content-Type",
    } == set(mail.keys())  # fmt: skip
    assert max(map(len, mail.as_bytes().splitlines())) <= 998
    assert "<script" not in mail.get_payload(1).get_content()


def test_no_header_from_a_title() -> None:
    """A line break in it ends nothing."""
    with Mail() as server:
        channel_to(server).send(replace(FIRING, title=HOSTILE))
    assert server.mails[0]["Bcc"] is None
    assert [ANNA] == server.envelopes[0][1]


def test_names_of_any_script() -> None:
    """Encoded, as the subject is; a reader of mail shows them as they were."""
    with Mail() as server:
        channel_to(server, sender="Büro Köln <alerts@example.com>").send(
            replace(FIRING, title="שלום, 世界 🔥")
        )
    (mail,) = server.mails
    assert ("Büro Köln <alerts@example.com>", "🔴 ERROR: שלום, 世界 🔥") == (mail["From"], mail["Subject"])
    head = mail.as_bytes().split(b"\r\n\r\n")[0]
    assert head.isascii()
