"""The fault server does what it says, so that a test that passes on it means something."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.signing import sign, signing_key
from phlo_hooks.testing import Fault, FaultProcess, FaultServer, Received
from phlo_hooks_tests.capabilities.webhook.helpers import NEW_SECRET, SECRET


@pytest.fixture(params=[FaultServer, FaultProcess])
def server(request: pytest.FixtureRequest) -> Iterator[FaultServer]:
    """In a thread, and in a process."""
    with request.param() as server:
        yield server


def ask(server: FaultServer, body: bytes = b"{}", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """One request on a connection of its own, with a client that is not ours."""
    host = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(host.hostname), host.port, timeout=5)
    try:
        connection.request(
            "POST", "/in?a=b", body, {name.replace("_", "-"): v for name, v in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


def test_accepts_and_remembers(server: FaultServer) -> None:
    """Method, path, headers, body and time."""
    before = time.time()
    assert 204 == ask(server, b'{"a": 1}', Webhook_Id="msg_1")[0]
    (request,) = server.requests
    assert ("POST", "/in?a=b", b'{"a": 1}', "msg_1") == (
        request.method,
        request.path,
        request.body,
        request.webhook_id,
    )
    assert {"a": 1} == request.json()
    assert before <= request.at <= time.time()
    assert [request] == server.processed
    server.clear()
    assert ([], [], 0) == (server.requests, server.processed, server.count)


def test_next_and_always(server: FaultServer) -> None:
    """Those that are next come first, one for each request."""
    server.always(Fault.answer(500))
    server.next(Fault.accept(201, b"made"), Fault.redirect("/there"))
    first, second, third = ask(server), ask(server), ask(server)
    assert (201, b"made") == first[:2]
    assert (308, "/there") == (second[0], second[2]["Location"])
    assert 500 == third[0]
    assert (3, 1) == (server.count, len(server.processed))
    assert server.wait_for(3, timeout=0)
    assert not server.wait_for(4, timeout=0)


def test_judged_by_the_request() -> None:
    """Unless something else is asked for."""

    def judge(request: Received) -> Fault:
        return Fault.accept(200, b"short") if len(request.body) < 10 else Fault.answer(413)

    with FaultServer(judge=judge) as server:
        server.next(Fault.answer(500))
        assert [500, 200, 413] == [ask(server, body)[0] for body in (b"{}", b"{}", b"x" * 10)]
        server.always(Fault.accept())
        assert 204 == ask(server, b"x" * 10)[0]
        assert 2 == len(server.processed)


def test_an_answer_that_may_have_no_body(server: FaultServer) -> None:
    """One would be taken for the next answer."""
    server.next(Fault.accept(204, b"text"))
    assert (204, b"") == ask(server)[:2]


def test_retry_after(server: FaultServer) -> None:
    """In seconds, and as a date."""
    server.next(Fault.retry_after(30), Fault.retry_after(30, 503, as_date=True))
    first, second = ask(server), ask(server)
    assert (429, "30") == (first[0], first[2]["Retry-After"])
    date = parsedate_to_datetime(second[2]["Retry-After"])
    assert (503, True) == (second[0], 20 < date.timestamp() - time.time() <= 30)


BROKEN = [
    pytest.param(Fault.reset(), ConnectionResetError, 0, id="reset"),
    pytest.param(Fault.truncate(), http.client.IncompleteRead, 0, id="truncated"),
    pytest.param(Fault.lose_answer(), http.client.RemoteDisconnected, 1, id="success lost"),
    pytest.param(Fault.hang(0.1), http.client.RemoteDisconnected, 0, id="hangs for a while"),
]


@pytest.mark.parametrize(("fault", "error", "processed"), BROKEN)
def test_broken_connections(
    server: FaultServer, fault: Fault, error: type[Exception], processed: int
) -> None:
    """As a client sees them."""
    server.next(fault)
    with pytest.raises(error):
        ask(server)
    assert (1, processed) == (server.count, len(server.processed))
    assert 204 == ask(server)[0]


def test_refuses_and_comes_back_where_it_was(server: FaultServer) -> None:
    """As a receiver that restarts."""
    server.always(Fault.refuse())
    with pytest.raises(ConnectionRefusedError):
        ask(server)
    server.always(Fault.accept())
    assert (204, 1) == (ask(server)[0], server.count)
    with pytest.raises(ConfigurationError, match="use always"):
        server.next(Fault.refuse())


def test_a_slow_body(server: FaultServer) -> None:
    """Byte by byte."""
    server.next(Fault.slow_body(0.3, b"abc"))
    begin = time.monotonic()
    assert (200, b"abc") == ask(server)[:2]
    assert 0.25 < time.monotonic() - begin < 3


def test_closing_waits_for_nobody() -> None:
    """Not for a client that it keeps waiting."""
    with FaultServer() as server:
        server.always(Fault.hang())
        host = urlsplit(server.url)
        client = socket.create_connection((host.hostname, host.port))
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert server.wait_for(1)
        begin = time.monotonic()
    assert time.monotonic() - begin < 2
    client.close()


def test_chunked_bodies_and_several_requests_at_once(server: FaultServer) -> None:
    """Whatever a client of HTTP/1.1 may send."""
    chunked = b"POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    plain = b"POST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"
    host = urlsplit(server.url)
    with socket.create_connection((host.hostname, host.port)) as client:
        client.sendall(chunked + plain)
        assert server.wait_for(2)
    assert [("/1", b"abcde"), ("/2", b"xyz")] == [(each.path, each.body) for each in server.requests]


def test_signatures(server: FaultServer) -> None:
    """Of a sender that is not ours."""
    body, now = json.dumps({"a": 1}).encode(), int(time.time())
    signature = sign("msg_1", now, body, [signing_key(SECRET)])
    ask(server, body, Webhook_Id="msg_1", Webhook_Timestamp=str(now), Webhook_Signature=signature)
    (request,) = server.requests
    assert (True, False) == (request.signed_with(SECRET), request.signed_with(NEW_SECRET))
