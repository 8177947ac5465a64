"""A JSON API over HTTP: what is sent, what comes back, and how the relay is to treat what goes wrong."""

import socket
import ssl
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from phlo_hooks import rest
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.rest import Reply, RestClient
from phlo_hooks.testing import Fault, FaultServer

TOKEN = "canary-r1-token"


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


def client(server, **fields):
    known = {
        "url": f"{server.url}/api",
        "who": "Catalog",
        "headers": {"authorization": f"Bearer {TOKEN}"},
        "timeout": 20.0,
    }
    return RestClient(**{**known, **fields})


def refused(server, fault, method="GET", path="/tables", **options):
    server.next(fault)
    with pytest.raises(DeliveryError) as caught:
        client(server).send(method, path, **options)
    return caught.value


def test_what_is_sent(server):
    server.next(Fault.accept(200, b'{"id": 1}'))
    headers = {"if-match": 'W/"3"'}
    client(server).send(
        "PATCH", "/tables/a%2Fb", {"name": "Größe"}, params={"fields": "a,b", "deep": True}, headers=headers
    )
    (request,) = server.requests
    parts = urlsplit(request.path)
    assert (request.method, parts.path) == ("PATCH", "/api/tables/a%2Fb")
    assert parse_qs(parts.query) == {"fields": ["a,b"], "deep": ["true"]}
    assert request.json() == {"name": "Größe"}
    sent = {
        name: request.headers[name]
        for name in ("content-type", "accept", "authorization", "if-match", "user-agent")
    }
    assert sent == {
        "content-type": "application/json",
        "accept": "application/json",
        "authorization": f"Bearer {TOKEN}",
        "if-match": 'W/"3"',
        "user-agent": "phlo-hooks",
    }


def test_a_request_without_a_body(server):
    server.next(Fault.accept(200, b"[]"))
    assert client(server, url=f"{server.url}/api/").send("GET", "/tables").data == []
    (request,) = server.requests
    assert (request.path, request.body) == ("/api/tables", b"")
    assert "content-type" not in request.headers


def test_headers_of_one_request_win(server):
    """Such as the type of a patch."""
    patch = {"content-type": "application/json-patch+json"}
    client(server).send("PATCH", "/tables/1", [], headers=patch)
    assert server.requests[0].headers["content-type"] == "application/json-patch+json"


REPLIES = {
    "an object": (Fault.accept(200, b'{"a": [1, null]}'), Reply(200, {"a": [1, None]})),
    "created": (Fault.accept(201, b'"x"'), Reply(201, "x")),
    "nothing": (Fault.accept(), Reply(204, None)),
    "blanks": (Fault.accept(200, b" \n"), Reply(200, None)),
}


@pytest.mark.parametrize(("fault", "expected"), REPLIES.values(), ids=REPLIES)
def test_what_comes_back(server, fault, expected):
    server.next(fault)
    reply = client(server).send("GET", "/x")
    assert (reply.status, reply.data) == (expected.status, expected.data)


def test_headers_that_come_back(server):
    server.next(Fault.answer(200, "{}", {"X-Total": "7"}))
    assert client(server).send("GET", "/x").headers["x-total"] == "7"


def test_a_status_that_is_no_error(server):
    """Where it is an answer: there is none of this name."""
    server.next(Fault.answer(404, f'{{"message": "none for {TOKEN}"}}'))
    reply = client(server).send("GET", "/x", allow=(404,))
    assert (reply.status, reply.text) == (404, '{"message": "none for [redacted]"}')
    assert type(refused(server, Fault.answer(410, "{}"), allow=(404,))) is PermanentError


# As the table in `send` has it: the error, seconds to wait, and whether all events of the hook do.
ROWS = {
    **{f"{status} with a time": (Fault.retry_after(7, status), RetryLater, 7.0) for status in (429, 502, 503, 504)},
    "429 until a date": (Fault.retry_after(40, as_date=True), RetryLater, pytest.approx(40, abs=2)),
    "429 without a time": (Fault.answer(429), RetryLater, 30.0),
    "429 with nonsense": (Fault.answer(429, headers={"Retry-After": "soon"}), RetryLater, 30.0),
    **{f"{status} without a time": (Fault.answer(status), DeliveryError, None) for status in (502, 503, 504)},
    "503 with nonsense": (Fault.answer(503, headers={"Retry-After": "soon"}), DeliveryError, None),
    **{str(status): (Fault.answer(status), DeliveryError, None) for status in (401, 403, 408, 423, 425, 500, 501, 507)},
    "403 with a time": (Fault.retry_after(7, 403), DeliveryError, None),
    **{str(status): (Fault.redirect("http://127.0.0.1:1/", status), DeliveryError, None) for status in (301, 302, 307, 308)},
    **{str(status): (Fault.answer(status), PermanentError, None) for status in (400, 404, 405, 409, 410, 412, 413, 422)},
}  # fmt: skip


@pytest.mark.parametrize(("fault", "error", "after"), ROWS.values(), ids=ROWS)
def test_an_answer_that_is_an_error(server, fault, error, after):
    caught = refused(server, fault)
    assert type(caught) is error
    assert f"Catalog at {server.url} answered {fault.status} to GET /tables" in str(caught)
    if after is not None:
        assert (caught.after, caught.pause) == (after, True)


def test_an_error_says_what_it_was_about(server):
    caught = refused(
        server,
        Fault.answer(400, '{"message": "no\n\n such   column"}'),
        "PUT",
        about="table a.b, for asset c",
    )
    assert (
        str(caught)
        == f'Catalog at {server.url} answered 400 to PUT /tables, table a.b, for asset c: {{"message": "no such column"}}'
    )


def test_a_redirect_says_what_to_do(server):
    assert "set the url that it moved to" in str(refused(server, Fault.redirect("http://127.0.0.1:1/")))


def test_a_long_error_is_cut(server):
    text = str(refused(server, Fault.answer(400, "x" * 5000)))
    assert text.endswith("x…")
    assert len(text) < 500


PAGES = {
    "a page": b"<html>Sign in</html>",
    "half an object": b'{"a": [1, 2',
    "an empty one": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("body", PAGES.values(), ids=PAGES)
def test_an_answer_that_is_no_json(server, body):
    """A login page, or what was cut: it may be another one the next time."""
    caught = refused(server, Fault.answer(200, body))
    assert type(caught) is DeliveryError
    assert f"Catalog at {server.url} answered 200 with no JSON: " in str(caught)


def test_an_error_need_not_be_json(server):
    assert "502" in str(refused(server, Fault.answer(502, "<html>Bad gateway</html>")))


def test_an_answer_that_is_too_long(server, monkeypatch):
    monkeypatch.setattr(rest, "MAX_ANSWER", 100)
    assert "with no JSON" in str(refused(server, Fault.answer(200, f'"{"x" * 200}"')))


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.slow_body(60)], ids=["silence", "a byte a time"])
def test_the_time_limit(server, fault):
    """Of the whole request, not of each byte."""
    server.next(fault)
    began = time.monotonic()
    with pytest.raises(DeliveryError, match=r"no complete answer within 0\.3 s") as caught:
        client(server, timeout=0.3).send("GET", "/x")
    assert type(caught.value) is DeliveryError
    assert time.monotonic() - began < 20


BROKEN = {"reset": Fault.reset(), "cut": Fault.truncate(), "lost": Fault.lose_answer()}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_connection_that_breaks(server, fault):
    caught = refused(server, fault)
    assert type(caught) is DeliveryError
    assert str(caught).startswith(f"Catalog at {server.url}: ")
    server.next(Fault.accept(200, b"{}"))
    assert client(server).send("GET", "/x").data == {}


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DeliveryError, match="Catalog at http://127.0.0.1:"):
        RestClient(f"http://127.0.0.1:{port}", "Catalog").send("GET", "/x")


# Where the server says back what it was sent.
ECHOES = {
    "an error": Fault.answer(500, f"Bearer {TOKEN} of canary-r2-path and canary-r3-key"),
    "a refusal": Fault.answer(400, f'{{"got": "{TOKEN}", "path": "canary-r2-path", "key": "canary-r3-key"}}'),
    "a page": Fault.answer(200, f"<p>{TOKEN} canary-r2-path canary-r3-key</p>"),
    "a rate limit": Fault.answer(429, f"{TOKEN} canary-r2-path canary-r3-key"),
    "a header": Fault.answer(500, "no", {"X-Echo": f"{TOKEN} canary-r2-path"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", ECHOES.values(), ids=ECHOES)
def test_nothing_secret_in_an_error(server, fault):
    server.next(fault)
    asked = client(server, url=f"{server.url}/canary-r2-path/api", secrets=["canary-r3-key"])
    with pytest.raises(DeliveryError) as caught:
        asked.send("GET", "/x")
    error = caught.value
    assert "canary" not in f"{error!r} {error} {error.__cause__!r} {asked!r}"
    assert error.__suppress_context__ or error.__context__ is None


def test_nothing_secret_in_a_reply(server):
    server.next(Fault.answer(200, f'{{"echo": "{TOKEN}"}}', {"X-Echo": TOKEN}))
    reply = client(server).send("GET", "/x")
    # The data are as they came: they are what was asked for.
    assert "canary" not in reply.text
    assert "x-echo" not in repr(reply)


def test_a_private_certificate_authority(tmp_path):
    """It is trusted where `ca_file` names it; else the error says so."""
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with FaultServer(tls=context) as server:
        with pytest.raises(DeliveryError, match="For a private certificate authority, set ca_file"):
            client(server).send("GET", "/x")
        assert client(server, ca_file=str(ca_file)).send("GET", "/x").status == 204
        with pytest.raises(DeliveryError, match="ca_file 'nowhere.pem' cannot be read here"):
            client(server, ca_file="nowhere.pem").send("GET", "/x")


def test_the_client_is_not_installed(server, monkeypatch):
    """Not the end of the event: it can be installed."""
    monkeypatch.setattr(rest, "find_spec", lambda name: None)
    with pytest.raises(DeliveryError, match=r"pip install 'phlo-hooks\[cube\]'") as caught:
        client(server, extra="cube").send("GET", "/x")
    assert not isinstance(caught.value, PermanentError)
    assert server.requests == []


def test_connections_are_kept(server):
    server.always(Fault.accept(200, b"{}"))
    asked = client(server)
    for _ in range(5):
        asked.send("GET", "/x")
    assert (server.count, server.connections) == (5, 1)
