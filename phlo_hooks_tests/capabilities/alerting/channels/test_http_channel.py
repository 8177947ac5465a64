"""Messages as JSON, signed."""

from __future__ import annotations

import dagster as dg
import pytest
from standardwebhooks.webhooks import Webhook

from phlo_hooks.capabilities.alerting.channels import HttpChannel
from phlo_hooks.errors import DeliveryError, EndpointGoneError
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.alerting.channels.messages import FIRING, HOSTILE, everywhere

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification's own library takes it; the id is the message's, on every attempt."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("HOOK_AUTH", "Bearer canary-token-987")
    with FaultServer() as server:
        channel = HttpChannel(
            url=f"{server.url}/in", secret=dg.EnvVar("HOOK_SECRET"), headers={"X-Team": "data"},
            headers_env={"Authorization": "HOOK_AUTH"},
        )  # fmt: skip
        channel.check()
        channel.send(FIRING)
        channel.send(FIRING)
        one, two = server.requests
    assert FIRING.message_id == one.webhook_id == two.webhook_id
    assert ("data", "Bearer canary-token-987") == (one.headers["x-team"], one.headers["authorization"])
    body = Webhook(SECRET).verify(one.body, dict(one.headers))
    assert ("phlo_hooks.alert", "1.0", "firing") == (body["type"], body["version"], body["kind"])
    assert "2026-03-14T02:31:05+00:00" == body["timestamp"]
    assert {"label": "Asset", "value": "marts/orders"} == body["facts"][0]


def test_unsigned() -> None:
    """Without a secret; an id that no header can hold is quoted."""
    with FaultServer() as server:
        HttpChannel(url=server.url).send(everywhere(HOSTILE))
        (request,) = server.requests
    assert "webhook-signature" not in request.headers
    assert request.webhook_id.startswith("%3C!channel%3E")


def test_gone() -> None:
    """As for a webhook of events."""
    with FaultServer() as server:
        server.always(Fault.answer(410))
        with pytest.raises(EndpointGoneError):
            HttpChannel(url=server.url).send(FIRING)


def test_a_secret_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes out unsigned instead."""
    monkeypatch.setenv("HOOK_SECRET", "canary")
    with FaultServer() as server, pytest.raises(DeliveryError, match="begins with 'whsec_'"):
        HttpChannel(url=server.url, secret_env="HOOK_SECRET").send(FIRING)
    assert 0 == server.count
