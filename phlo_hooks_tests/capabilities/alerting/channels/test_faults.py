"""Whatever a receiver over HTTP does, the error says what is to be done with the message."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest

from phlo_hooks.capabilities.alerting.channels import (
    Channel,
    HttpChannel,
    PagerDutyChannel,
    SlackChannel,
    TeamsChannel,
)
from phlo_hooks.errors import DeliveryError, EndpointGoneError, PermanentError, RetryLater
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING
from phlo_hooks_tests.capabilities.alerting.receivers import ROUTING_KEY, TOKEN

CHANNELS: dict[str, Callable[..., Channel]] = {
    "slack webhook": lambda url, **fields: SlackChannel(webhook_url=f"{url}/services/x", **fields),
    "slack app": lambda url, **fields: SlackChannel(token=TOKEN, channel="#a", api_url=url, **fields),
    "teams": lambda url, **fields: TeamsChannel(webhook_url=url, **fields),
    "pagerduty": lambda url, **fields: PagerDutyChannel(routing_key=ROUTING_KEY, url=url, **fields),
    "http": lambda url, **fields: HttpChannel(url=url, **fields),
}
# `HttpChannel` has the rules of webhooks, where it differs.
FAULTS: list[Any] = [
    pytest.param(Fault.refuse(), DeliveryError, "ConnectError", id="refused"),
    pytest.param(Fault.reset(), DeliveryError, "Connection reset", id="reset"),
    pytest.param(Fault.hang(), DeliveryError, "no complete answer within 0.4 s", id="hangs"),
    pytest.param(
        Fault.slow_body(4.0, b"." * 100), DeliveryError, "no complete answer within", id="slow body"
    ),
    pytest.param(Fault.truncate(), DeliveryError, "RemoteProtocolError", id="truncated"),
    pytest.param(Fault.lose_answer(), DeliveryError, "Server disconnected", id="answer lost"),
    pytest.param(Fault.redirect("/x"), DeliveryError, "redirects are not followed", id="308"),
    pytest.param(Fault.answer(400, "no"), PermanentError, "answered 400", id="400"),
    pytest.param(Fault.answer(401), (DeliveryError, PermanentError), "answered 401", id="401"),
    pytest.param(Fault.answer(403), (DeliveryError, PermanentError), "answered 403", id="403"),
    pytest.param(Fault.answer(404), (DeliveryError, PermanentError), "answered 404", id="404"),
    pytest.param(Fault.answer(408), DeliveryError, "answered 408", id="408"),
    pytest.param(Fault.answer(410), (PermanentError, EndpointGoneError), "answered 410", id="410"),
    pytest.param(Fault.answer(413), PermanentError, "answered 413", id="413"),
    pytest.param(Fault.answer(425), DeliveryError, "answered 425", id="425"),
    pytest.param(Fault.answer(429), (RetryLater, DeliveryError), "answered 429", id="429"),
    pytest.param(Fault.retry_after(90), RetryLater, "answered 429", id="429 with seconds"),
    pytest.param(Fault.retry_after(3000, as_date=True), RetryLater, "answered 429", id="429 with a date"),
    pytest.param(Fault.answer(500, "a\n  trace"), DeliveryError, "answered 500: a trace", id="500"),
    pytest.param(Fault.answer(502), DeliveryError, "answered 502", id="502"),
    pytest.param(Fault.answer(503), DeliveryError, "answered 503", id="503"),
    pytest.param(Fault.retry_after(120, 503), RetryLater, "answered 503", id="503 with seconds"),
    pytest.param(
        Fault.retry_after(120, 504), (RetryLater, DeliveryError), "answered 504", id="504 with seconds"
    ),
]


@pytest.mark.parametrize(("fault", "errors", "text"), FAULTS)
@pytest.mark.parametrize("name", CHANNELS)
def test_fault(name: str, fault: Fault, errors: Any, text: str) -> None:
    """The kind of error; where there are two, the second is that of `HttpChannel`."""
    ours, webhooks = errors if isinstance(errors, tuple) else (errors, errors)
    # Short only where it is waited for: the first request of a process reads all certificates.
    timeout = 0.4 if "no complete answer" in text else 15.0
    with FaultServer() as server:
        server.always(fault)
        with pytest.raises(DeliveryError, match=".") as info:
            CHANNELS[name](server.url, timeout=timeout).send(FIRING)
    assert (webhooks if name == "http" else ours) is type(info.value)
    assert text in str(info.value)
    assert str(info.value).startswith(f"{name.split(maxsplit=1)[0]} at http://127.0.0.1:")


@pytest.mark.parametrize("as_date", [False, True])
def test_how_long(as_date: bool) -> None:
    """As the receiver asks; no message of the channel is sent until then."""
    with FaultServer() as server:
        server.always(Fault.retry_after(100, 502, as_date=as_date))
        with pytest.raises(RetryLater) as info:
            TeamsChannel(webhook_url=server.url).send(FIRING)
    assert 98 <= info.value.after <= 100
    assert info.value.pause


@pytest.mark.parametrize("name", ["slack webhook", "slack app", "teams"])
def test_the_second_attempt_is_within_the_time_of_the_first(name: str) -> None:
    """A fallback gets what is left: whoever calls may count on the timeout."""
    with FaultServer() as server:
        slow = b'{"ok": false, "error": "invalid_blocks"}'
        server.always(Fault(200 if name == "slack app" else 400, slow, seconds=0.4))
        started = time.monotonic()
        with pytest.raises(DeliveryError, match="no complete answer within 0.6 s"):
            CHANNELS[name](server.url, timeout=0.6).send(FIRING)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", CHANNELS)
def test_certificates(authority: tuple[ssl.SSLContext, str], name: str) -> None:
    """Always checked; a ca_file adds an authority."""
    tls, ca_file = authority
    with FaultServer(tls=tls) as server:
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED.*set ca_file"):
            CHANNELS[name](server.url).send(FIRING)
        server.always(Fault.accept(200, b'{"ok": true, "ts": "1.2"}'))
        CHANNELS[name](server.url, ca_file=ca_file).send(FIRING)
        assert 1 == server.count
