"""No secret is shown: not in an error, not in a log, not in a repr."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from phlo_hooks.capabilities.openlineage.transports import Outlet, TransportSettings
from phlo_hooks.capabilities.openlineage.transports.secrets import secrets_in
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks.testing.received import Received
from phlo_hooks_tests.capabilities.openlineage.transports.helpers import (
    OwnToken,
    outlet_of,
    run_event,
    tokens_from_endpoints,
)

CANARY = "canary-7f3a"


def echo(request: Received) -> Fault:
    """A backend that repeats all it was sent in its answer."""
    return Fault.answer(500, f"{request.path} {dict(request.headers)}")


def with_password(url: str) -> str:
    """The same backend, with a user and a password."""
    return url.replace("://", f"://user:{CANARY}@")


CASES: dict[str, Any] = {
    "api_key": lambda url: {"url": url, "api_key": CANARY},
    "password": lambda url: {"url": with_password(url)},
    "query": lambda url: {"url": url, "endpoint": f"lineage?key={CANARY}"},
    "auth": lambda url: {
        "transport": {"type": "http", "url": url, "auth": {"type": "api_key", "apiKey": CANARY}}
    },
    "own auth": lambda url: {
        "transport": {
            "type": "http",
            "url": url,
            "auth": {"type": f"{OwnToken.__module__}.OwnToken", "word": CANARY},
        }
    },
    "headers": lambda url: {
        "transport": {
            "type": "async_http",
            "url": url,
            "custom_headers": {"Authorization": f"Token {CANARY}"},
        }
    },
    "composite": lambda url: {
        "transport": {"type": "composite", "transports": [{"type": "http", "url": with_password(url)}]}
    },
    "datadog": lambda url: {"transport": {"type": "datadog", "site": url, "apiKey": CANARY}},
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("broken", [False, True])
def test_a_canary(name: str, broken: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Also at DEBUG, where the client logs its configuration, and urllib3 each request."""
    caplog.set_level(logging.DEBUG)
    with FaultServer(judge=echo) as server:
        if broken:
            server.always(Fault.reset())
        fields = CASES[name](server.url)
        with outlet_of(**fields) as outlet, pytest.raises(DeliveryError) as caught:
            outlet.send(run_event())
        shown = (
            repr(outlet),
            repr(TransportSettings(**fields)),
            "".join(traceback.format_exception(caught.value)),
        )
        assert server.count == 1
        assert server.url in str(caught.value)
    assert CANARY not in "".join(shown)
    assert CANARY not in caplog.text
    assert "DEBUG" in caplog.text


@tokens_from_endpoints
def test_a_token_that_an_endpoint_gave(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    """It stands in no configuration, and a backend may repeat it."""
    caplog.set_level(logging.DEBUG)
    with FaultServer(judge=echo) as backend:
        server.always(Fault.accept(200, f'{{"access_token": "{CANARY}", "expires_in": 3600}}'.encode()))
        auth = {"type": "jwt", "apiKey": "another-1234", "tokenEndpoint": server.url}
        transport = {"type": "http", "url": backend.url, "auth": auth}
        with outlet_of(transport=transport) as outlet, pytest.raises(DeliveryError) as caught:
            outlet.send(run_event())
    assert "authorization" in str(caught.value)
    assert CANARY not in str(caught.value) + caplog.text
    assert "another-1234" not in caplog.text


@tokens_from_endpoints
def test_a_token_endpoint_that_repeats_the_key(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.always(Fault.answer(400, CANARY))
    auth = {"type": "jwt", "apiKey": CANARY, "tokenEndpoint": f"{server.url}/?key={CANARY}"}
    transport = {"type": "http", "url": "http://127.0.0.1:1", "auth": auth}
    with outlet_of(transport=transport) as outlet, pytest.raises(DeliveryError) as caught:
        outlet.send(run_event())
    assert CANARY not in str(caught.value) + caplog.text


def test_a_configuration_that_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    transport = {"type": "datadog", "apiKey": CANARY, "site": f"sftp://a:{CANARY}@b"}
    with pytest.raises(ConfigurationError) as caught:
        Outlet(TransportSettings(transport=transport))
    assert "Invalid site" in str(caught.value)
    assert CANARY not in str(caught.value) + caplog.text


def test_broken_json_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client shows it in a warning."""
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__AUTH", f'{{"apiKey": "{CANARY}"')
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError) as caught:
        Outlet(TransportSettings())
    assert CANARY not in str(caught.value) + caplog.text


def test_the_logs_of_others_are_theirs_again(server: FaultServer, home: Path) -> None:
    """Once the outlet is closed, or gone."""
    logger = logging.getLogger("openlineage.client.transport.http")
    before = list(logger.filters)
    with outlet_of(url=server.url, api_key=CANARY):
        assert len(logger.filters) == len(before) + 1
    assert logger.filters == before
    outlet = Outlet(TransportSettings(url=server.url, api_key=CANARY))
    del outlet
    assert logger.filters == before


def test_what_is_a_secret() -> None:
    config = {
        "type": "kafka",
        "topic": "lineage-topic",
        "config": {
            "bootstrap.servers": "broker:9092",
            "sasl.username": "username",
            "sasl.password": "password-1",
            "ssl.key.pem": "key-pem-1",
            "sasl.jaas.config": "jaas-1",
            "sasl.oauthbearer.client.secret": "secret-1",
        },
        "auth": {"type": "api_key", "apiKey": "api-key-1", "tokenEndpoint": "https://a/b"},
        "custom_headers": {"Authorization": "Bearer bearer-1"},
        "url": "https://user:pass%20word@host/api?token=query-1",
    }
    expected = {"password-1", "key-pem-1", "jaas-1", "secret-1", "api-key-1", "Bearer bearer-1", "bearer-1"}
    expected |= {"token=query-1", "query-1", "pass%20word", "pass word"}
    assert {secret for secret in secrets_in(config) if secret} == expected
