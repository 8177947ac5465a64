"""What is sent can be verified by the reference library of Standard Webhooks, and by nobody without the key."""

from __future__ import annotations

import time
import uuid

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.events import ExternalEvent
from phlo_hooks.signing import sign, signing_key, verify
from phlo_hooks.testing import FaultServer
from phlo_hooks.testing.received import Received
from phlo_hooks_tests.capabilities.webhook.helpers import NEW_SECRET, SECRET, hook_of, secret_of
from phlo_hooks_tests.delivery.helpers import make_event


def accepts(request: Received, secret: str) -> bool:
    """Whether the reference library takes the request."""
    try:
        Webhook(secret).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return False
    return True


def test_reference_library_verifies(server: FaultServer) -> None:
    """With our key, and with no other."""
    event = make_event(asset_key="raw/Bestellungen-ü", metadata={"€": "✓"})
    hook_of(url=server.url).deliver(event)
    (request,) = server.requests
    assert (True, False) == (accepts(request, SECRET), accepts(request, NEW_SECRET))
    assert (True, False) == (request.signed_with(SECRET), request.signed_with(NEW_SECRET))
    assert [event] == request.events()
    assert event.event_id == request.webhook_id
    assert "application/cloudevents+json" == request.headers["content-type"]
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 5


ROTATED = [
    pytest.param({"secret": f"{NEW_SECRET} {SECRET}"}, id="one text"),
    pytest.param({"secret": NEW_SECRET, "secrets": [SECRET]}, id="a list beside it"),
    pytest.param({"secrets": [NEW_SECRET, SECRET]}, id="a list"),
    pytest.param({"secret_env": "TWO_SECRETS"}, id="environment"),
]


@pytest.mark.parametrize("fields", ROTATED)
def test_key_rotation(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, fields: dict[str, object]
) -> None:
    """Receivers with the old key and receivers with the new one are both served."""
    monkeypatch.setenv("TWO_SECRETS", f"{NEW_SECRET} {SECRET}")
    hook_of(url=server.url, **fields).deliver(make_event())
    (request,) = server.requests
    assert (True, True) == (accepts(request, SECRET), accepts(request, NEW_SECRET))
    assert 2 == len(request.headers["webhook-signature"].split(" "))


def test_a_new_key_needs_no_restart(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is read at each request."""
    hook = hook_of(url=server.url, secret_env="HOOK_KEY", headers_env={"Authorization": "HOOK_AUTH"})
    for secret in (SECRET, NEW_SECRET):
        monkeypatch.setenv("HOOK_KEY", secret)
        monkeypatch.setenv("HOOK_AUTH", f"Bearer {secret}")
        hook.deliver(make_event())
    old, new = server.requests
    assert (True, False) == (accepts(old, SECRET), accepts(new, SECRET))
    assert (False, True) == (accepts(old, NEW_SECRET), accepts(new, NEW_SECRET))
    assert f"Bearer {NEW_SECRET}" == new.headers["authorization"]


def test_a_variable_that_is_not_set(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent unsigned, and nothing is lost: it is tried again."""
    monkeypatch.delenv("HOOK_KEY", raising=False)
    with pytest.raises(
        DeliveryError, match="'post': secret_env: the environment variable HOOK_KEY is not set"
    ) as info:
        hook_of(url=server.url, secret_env="HOOK_KEY").deliver(make_event())
    assert (DeliveryError, 0) == (type(info.value), server.count)


def test_unsigned_on_request(server: FaultServer) -> None:
    """The receiver still has id and time."""
    hook_of(url=server.url, unsigned=True).deliver(make_event())
    (request,) = server.requests
    assert "webhook-signature" not in request.headers
    assert request.webhook_id and request.headers["webhook-timestamp"]


@pytest.mark.parametrize("event_id", ["a b\r\nx: y", "ü/ö", "id%41", 'q"q'])
def test_ids_of_other_systems(server: FaultServer, event_id: str) -> None:
    """They fit into a header, whatever is in them."""
    event = ExternalEvent(event_type="shop.sold", event_id=event_id)
    hook_of(url=server.url).deliver(event)
    (request,) = server.requests
    assert accepts(request, SECRET)
    assert [event_id] == [each.event_id for each in request.events()]
    assert "x" not in request.headers


REFUSED = [
    pytest.param("hunter2hunter2", "begins with 'whsec_'", id="no prefix"),
    pytest.param("whsec_!!!", "is base64 after", id="no base64"),
    pytest.param(secret_of("c", 23), "24 to 64 bytes, this one has 23", id="too short"),
    pytest.param(secret_of("c", 65), "24 to 64 bytes, this one has 65", id="too long"),
]


@pytest.mark.parametrize(("secret", "message"), REFUSED)
def test_secrets_that_are_none(secret: str, message: str) -> None:
    """The message says what is wrong, and not what was given."""
    with pytest.raises(ConfigurationError, match=message) as info:
        signing_key(secret)
    assert secret not in str(info.value)
    assert "python -c" in str(info.value)


@pytest.mark.parametrize("size", [24, 64])
def test_secrets_at_the_bounds(size: int) -> None:
    """Both are allowed."""
    assert size == len(signing_key(secret_of("c", size)))


def headers_of(body: bytes = b"{}", stamp: str = "1000") -> dict[str, str]:
    signature = sign("msg_1", 1000, body, [signing_key(SECRET)])
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}


VERIFIED = [
    pytest.param({}, b"{}", 1000, True, id="as sent"),
    pytest.param({}, b"{ }", 1000, False, id="another body"),
    pytest.param({"webhook-id": "msg_2"}, b"{}", 1000, False, id="another id"),
    pytest.param({"webhook-timestamp": "1001"}, b"{}", 1000, False, id="another time"),
    pytest.param({"webhook-timestamp": "soon"}, b"{}", 1000, False, id="no time"),
    pytest.param({"webhook-timestamp": "9" * 5000}, b"{}", 1000, False, id="no end of digits"),
    pytest.param({"webhook-signature": ""}, b"{}", 1000, False, id="unsigned"),
    pytest.param({"webhook-signature": "v1,ü"}, b"{}", 1000, False, id="no base64"),
    pytest.param({}, b"{}", 1300, True, id="five minutes later"),
    pytest.param({}, b"{}", 1301, False, id="replayed"),
    pytest.param({}, b"{}", 699, False, id="from the future"),
]


@pytest.mark.parametrize(("changed", "body", "now", "expected"), VERIFIED)
def test_verify(changed: dict[str, str], body: bytes, now: float, expected: bool) -> None:
    """Anything that is changed, or too old, is found."""
    assert expected == verify({**headers_of(), **changed}, body, SECRET, now=now)
    assert verify(headers_of(), b"{}", f"{NEW_SECRET} {SECRET}", now=1000)


def test_batches_are_signed(server: FaultServer) -> None:
    """Under an id of their own: the same for the same events, and a UUID of version 5."""
    hook = hook_of(url=server.url, format="batch")
    events = [make_event(number) for number in range(3)]
    hook.deliver(*events)
    hook.deliver(*events)
    hook.deliver(*events[:2])
    first, again, other = server.requests
    assert accepts(first, SECRET)
    assert (True, False) == (first.webhook_id == again.webhook_id, first.webhook_id == other.webhook_id)
    assert 5 == uuid.UUID(first.webhook_id).version
    assert events == first.events()
    assert "application/cloudevents-batch+json" == first.headers["content-type"]
