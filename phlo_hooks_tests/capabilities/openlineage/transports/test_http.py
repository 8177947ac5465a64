"""HTTP: what is sent, and what each answer means."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from phlo_hooks.errors import DeliveryError, EndpointGoneError, PermanentError, RetryLater
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.openlineage.transports.helpers import (
    job_event,
    outlet_of,
    run_event,
    send,
    tokens_from_endpoints,
)

KINDS = ["http", "async_http", "transform", "composite", "datadog"]


def transport(kind: str, url: str, **fields: Any) -> dict[str, Any]:
    """A transport of that kind that ends at the url."""
    http = {"type": "http", "url": url, **fields}
    helpers = "phlo_hooks_tests.capabilities.openlineage.transports.helpers"
    return {
        "http": http,
        "async_http": {**http, "type": "async_http"},
        "datadog": {"type": "datadog", "site": url, "apiKey": "dd-key-123456"},
        "composite": {"type": "composite", "transports": [http]},
        "transform": {
            "type": "transform",
            "transport": http,
            "transformer_class": f"{helpers}.Renaming",
            "transformer_properties": {"word": "new"},
        },
    }[kind]


def test_an_event_is_there_when_send_returns(server: FaultServer) -> None:
    """At the client's endpoint, with the key."""
    send(url=server.url, api_key="key-123456")
    (request,) = server.processed
    assert (request.method, request.path) == ("POST", "/api/v1/lineage")
    assert request.headers["authorization"] == "Bearer key-123456"
    assert request.json()["job"]["name"] == "orders"


def test_an_endpoint_of_its_own(server: FaultServer) -> None:
    send(job_event(), url=server.url, endpoint="lineage/in")
    assert [request.path for request in server.processed] == ["/lineage/in"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_transport_over_http_delivers(server: FaultServer, kind: str) -> None:
    """It is there when send returns, also where the client has a queue."""
    send(transport=transport(kind, server.url))
    assert server.count == len(server.processed) == 1


@pytest.mark.parametrize("end", ["", "/"])
def test_a_backend_in_a_folder(server: FaultServer, end: str) -> None:
    """The client alone would post past it."""
    send(url=f"{server.url}/lineage{end}")
    assert server.requests[0].path == "/lineage/api/v1/lineage"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425, 429])
@pytest.mark.parametrize("kind", KINDS)
def test_one_request_for_each_attempt(server: FaultServer, kind: str, status: int) -> None:
    """The relay retries, the client does not, whatever its configuration says."""
    server.always(Fault.answer(status, "try later"))
    with pytest.raises(DeliveryError, match=f"answered {status}") as caught:
        send(transport=transport(kind, server.url, retry={"total": 7, "status_forcelist": [status]}))
    assert not isinstance(caught.value, (PermanentError, RetryLater))
    assert server.count == 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_connection_for_each_attempt_when_it_breaks(server: FaultServer, kind: str) -> None:
    server.always(Fault.reset())
    with pytest.raises(DeliveryError):
        send(transport=transport(kind, server.url))
    assert server.count == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_backend_refuses_is_permanent(server: FaultServer, kind: str) -> None:
    server.always(Fault.answer(400, "no such facet"))
    with pytest.raises(PermanentError, match=r"answered 400: no such facet"):
        send(transport=transport(kind, server.url))


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_wrong_key_or_path_loses_nothing(server: FaultServer, status: int) -> None:
    """It can be mended."""
    server.always(Fault.answer(status))
    with pytest.raises(DeliveryError, match=f"http at {server.url} answered {status}") as caught:
        send(url=server.url)
    assert not isinstance(caught.value, PermanentError)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_a_throttle_pauses(server: FaultServer, status: int, as_date: bool) -> None:
    server.always(Fault.retry_after(30, status, as_date=as_date))
    with pytest.raises(RetryLater) as caught:
        send(url=server.url)
    assert caught.value.pause
    assert 25 <= caught.value.after <= 30


def test_gone(server: FaultServer) -> None:
    server.always(Fault.answer(410))
    with pytest.raises(EndpointGoneError):
        send(url=server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
@pytest.mark.parametrize("kind", KINDS)
def test_redirects_are_not_followed(server: FaultServer, kind: str, status: int) -> None:
    """Of a redirected POST, a GET would become: answered with 200, and the event is nowhere."""
    with FaultServer() as other:
        server.always(Fault.redirect(f"{other.url}/login", status))
        with pytest.raises(DeliveryError, match=f"answered {status} \\(redirects are not followed"):
            send(transport=transport(kind, server.url))
        assert (server.count, other.count) == (1, 0)


def test_a_3xx_without_a_location_is_no_success(server: FaultServer) -> None:
    server.always(Fault.answer(302))
    with pytest.raises(DeliveryError, match="answered 302"):
        send(url=server.url)


@pytest.mark.parametrize("fault", [Fault.hang(5), Fault.truncate(), Fault.lose_answer(), Fault.refuse()])
def test_no_answer(server: FaultServer, fault: Fault) -> None:
    """Another attempt may work; the message says where it was."""
    server.always(fault)
    with pytest.raises(DeliveryError, match=f"OpenLineage transport http at {server.url}: ") as caught:
        send(url=server.url, timeout=0.2)
    assert not isinstance(caught.value, PermanentError)
    assert caught.value.__cause__ is None


def test_the_timeout_of_the_transport_wins(server: FaultServer) -> None:
    server.always(Fault.hang(5))
    with pytest.raises(DeliveryError, match="read timeout=0.1"):
        send(transport={"type": "http", "url": server.url, "timeout": 0.1}, timeout=60)


def test_several_threads(server: FaultServer) -> None:
    with outlet_of(url=server.url) as outlet, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: outlet.send(run_event(f"job{number}")), range(50)))
    names = {request.json()["job"]["name"] for request in server.processed}
    assert names == {f"job{number}" for number in range(50)}


def test_an_outlet_that_was_closed_still_follows_no_redirect(server: FaultServer) -> None:
    """The client opens it again."""
    with outlet_of(url=server.url) as outlet:
        outlet.close()
        server.always(Fault.redirect("/elsewhere", 302))
        with pytest.raises(DeliveryError, match="answered 302"):
            outlet.send(run_event())
    assert server.count == 1


def test_compression_and_headers(server: FaultServer) -> None:
    config = {
        "type": "async_http",
        "url": server.url,
        "compression": "gzip",
        "custom_headers": {"X-Team": "data"},
    }
    send(transport=config)
    (request,) = server.processed
    assert request.headers["x-team"] == "data"
    assert json.loads(gzip.decompress(request.body))["job"]["name"] == "orders"


def test_the_transformer_sees_a_copy(server: FaultServer) -> None:
    event = run_event()
    send(event, transport=transport("transform", server.url))
    assert server.processed[0].json()["job"]["name"] == "new-orders"
    assert event.job.name == "orders"


def oauth(tokens: FaultServer) -> dict[str, str]:
    """Under `auth:`."""
    return {
        "type": "oauth2",
        "clientId": "me",
        "clientSecret": "shhh-1234",
        "tokenEndpoint": f"{tokens.url}/token",
    }


@tokens_from_endpoints
def test_a_token_from_an_endpoint(server: FaultServer) -> None:
    with FaultServer() as tokens:
        tokens.always(Fault.accept(200, b'{"access_token": "tok-1234567", "expires_in": 3600}'))
        with outlet_of(transport={"type": "http", "url": server.url, "auth": oauth(tokens)}) as outlet:
            outlet.send(run_event())
            outlet.send(run_event())
        assert tokens.count == 1
    assert [request.headers["authorization"] for request in server.processed] == ["Bearer tok-1234567"] * 2


@tokens_from_endpoints
def test_a_token_that_is_refused_is_no_event_that_is_refused(server: FaultServer) -> None:
    """The token endpoint's 400 says nothing about the event."""
    with FaultServer() as tokens:
        tokens.always(Fault.answer(400, "invalid_client"))
        with pytest.raises(DeliveryError, match="NoTokenError") as caught:
            send(transport={"type": "http", "url": server.url, "auth": oauth(tokens)})
    assert not isinstance(caught.value, PermanentError)
    assert server.count == 0
