"""No secret and no header value is found in an error, a log, a repr or the store."""

from __future__ import annotations

import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks.capabilities import WebhookEndpoint, WebhookResource
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import Entry, HookStore, Target
from phlo_hooks.errors import DeliveryError
from phlo_hooks.producers.secrets import redactor_for
from phlo_hooks.registration import RegisteredHook
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.webhook.helpers import HOOK, NEW_SECRET, SECRET, secret_of
from phlo_hooks_tests.delivery.helpers import make_event

THIRD = secret_of("t")
HEADER, TOKEN, QUERY = "canary-in-a-header", "canary-token-987", "key=canary-in-the-query"
CANARIES = [SECRET, NEW_SECRET, THIRD, HEADER, TOKEN, QUERY]


@pytest.fixture
def fields(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A secret in every place that there is for one."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("HOOK_THIRD", THIRD)
    monkeypatch.setenv("HOOK_AUTH", f"Bearer {TOKEN}")
    return {
        "url": f"{server.url}/in?{QUERY}",
        "secret": dg.EnvVar("HOOK_SECRET"),
        "secrets": [NEW_SECRET],
        "secret_env": "HOOK_THIRD",
        "headers": {"X-Shop": HEADER},
        "headers_env": {"Authorization": "HOOK_AUTH"},
    }


def assert_no_canary(*texts: str) -> None:
    found = [(canary, text) for text in texts for canary in CANARIES if canary in text]
    assert [] == found


FAULTS = [
    pytest.param(Fault.answer(500, "you sent " + " ".join(CANARIES)), id="echoed"),
    pytest.param(Fault.answer(400, "x" * 250 + " ".join(CANARIES)), id="cut"),
    pytest.param(Fault.reset(), id="reset"),
    pytest.param(Fault.refuse(), id="refused"),
    pytest.param(Fault.hang(), id="hangs"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_failures_show_none(
    server: FaultServer,
    fields: dict[str, Any],
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """Also where the receiver repeats what it was sent; the file of the store is searched byte by byte."""
    caplog.set_level(logging.DEBUG)
    server.always(fault)
    (registration,) = WebhookResource(**fields, timeout=0.3).get_hooks()
    store = HookStore(f"sqlite:///{tmp_path}/hooks.db")
    store.record([Entry(make_event(), (Target(HOOK),))])
    Relay(store, {HOOK: RegisteredHook("webhook", registration)}, scopes=[""]).run()
    (row,) = store.deliveries()
    store.close()
    assert row.last_error
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    assert_no_canary(row.last_error, caplog.text, *files)


def test_no_cause_shows_one(server: FaultServer, fields: dict[str, Any]) -> None:
    """The library quotes what is no HTTP: a traceback would have it."""
    server.always(Fault.answer(200, headers={"Not a header": " ".join(CANARIES)}))
    (registration,) = WebhookResource(**fields).get_hooks()
    with pytest.raises(DeliveryError, match="illegal header") as info:
        RegisteredHook("webhook", registration).deliver(make_event())
    assert_no_canary("".join(traceback.format_exception(info.value)))


def test_the_request_has_them(server: FaultServer, fields: dict[str, Any]) -> None:
    """Or there would be nothing to find."""
    (registration,) = WebhookResource(**fields).get_hooks()
    RegisteredHook("webhook", registration).deliver(make_event())
    (request,) = server.requests
    assert (HEADER, f"Bearer {TOKEN}") == (request.headers["x-shop"], request.headers["authorization"])
    assert QUERY in request.path
    assert all(request.signed_with(secret) for secret in (SECRET, NEW_SECRET, THIRD))


def test_no_repr_shows_one(fields: dict[str, Any]) -> None:
    """Of the resource, the hook, the handler; literal values too."""
    literal = {**fields, "secret": SECRET}
    webhook = WebhookResource(endpoints=[WebhookEndpoint(**literal)])
    hooks = list(webhook.get_hooks())
    assert_no_canary(
        repr(webhook), str(webhook), repr(hooks), repr(hooks[0].handler), repr(WebhookResource(**literal))
    )


def test_headers_that_no_request_can_have(monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]) -> None:
    """The library below would show them."""
    monkeypatch.setenv("HOOK_AUTH", f"Bearer {TOKEN}\nX: y")
    (registration,) = WebhookResource(**fields).get_hooks()
    with pytest.raises(DeliveryError, match="header 'authorization' has a line break") as info:
        RegisteredHook("webhook", registration).deliver(make_event())
    assert_no_canary(repr(info.value), repr(info.value.__cause__))


def test_the_bus_knows_them(fields: dict[str, Any]) -> None:
    """So that none gets into an event, either; the names of variables are no secrets."""
    redactor = redactor_for([("webhook", WebhookResource(endpoints=[WebhookEndpoint(**fields)]))])
    shown = redactor.text(f"{SECRET} {NEW_SECRET} {THIRD} Bearer {TOKEN} HOOK_THIRD HOOK_AUTH")
    assert "[redacted] [redacted] [redacted] [redacted] HOOK_THIRD HOOK_AUTH" == shown


def test_a_field_that_only_looks_like_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL's password is one wherever it stands; a variable that is not set holds none."""
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    redactor = redactor_for([("mine", {"dsn_env": "x://me:canary-77@db", "secret_env": "NOT_SET_ANYWHERE"})])
    assert "[redacted] NOT_SET_ANYWHERE" == redactor.text("canary-77 NOT_SET_ANYWHERE")


def test_a_handler_can_be_sent_to_another_process(server: FaultServer) -> None:
    """It holds no connection."""
    (registration,) = WebhookResource(url=server.url, secret=SECRET).get_hooks()
    registration.handler(make_event())  # type: ignore[operator]
    pickle.loads(pickle.dumps(registration.handler))(make_event())  # noqa: S301
    assert 2 == server.count
