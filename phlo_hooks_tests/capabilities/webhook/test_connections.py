"""Connections: kept, one pool a process, certificates checked, answers read within bounds."""

from __future__ import annotations

import multiprocessing
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from phlo_hooks.errors import DeliveryError
from phlo_hooks.testing import Fault, FaultServer
from phlo_hooks_tests.capabilities.webhook.helpers import hook_of
from phlo_hooks_tests.delivery.helpers import make_event


def test_connections_are_kept(server: FaultServer) -> None:
    """A request needs no handshake of its own."""
    hook = hook_of(url=server.url)
    for number in range(50):
        hook.deliver(make_event(number))
    assert (50, 1) == (server.count, server.connections)


def test_a_connection_that_the_receiver_closed(server: FaultServer) -> None:
    """It is not used again: the next request works at once."""
    hook = hook_of(url=server.url)
    hook.deliver(make_event())
    server.always(Fault.refuse())
    server.always(Fault.accept())
    hook.deliver(make_event())
    assert (2, 2) == (server.count, server.connections)


def test_many_threads(server: FaultServer) -> None:
    """Each gets its own answer, within its own time."""
    hook = hook_of(url=server.url, timeout=5)

    def send(first: int) -> None:
        for number in range(first, first + 20):
            hook.deliver(make_event(number))

    threads = [threading.Thread(target=send, args=(first,)) for first in range(0, 160, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 160 == len({request.webhook_id for request in server.requests})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(server: FaultServer) -> None:
    """On its parent's, both would read the other's answers."""
    hook = hook_of(url=server.url)
    hook.deliver(make_event(0))
    child = multiprocessing.get_context("fork").Process(target=hook.deliver, args=(make_event(1),))
    child.start()
    child.join(timeout=30)
    hook.deliver(make_event(2))
    assert (0, 3, 2) == (child.exitcode, server.count, server.connections)


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that nobody knows."""
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[FaultServer]:
    """A receiver with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(tls=context) as server:
        yield server


def test_unknown_certificates_are_refused(secure: FaultServer) -> None:
    """Nothing is sent, and the message says what to do."""
    with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED.*set ca_file"):
        hook_of(url=secure.url).deliver(make_event())
    assert 0 == secure.count


def test_ca_file(secure: FaultServer, authority: trustme.CA, tmp_path: Path) -> None:
    """A private authority is trusted where it is named."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    hook_of(url=secure.url, ca_file=str(tmp_path / "ca.pem")).deliver(make_event())
    assert 1 == secure.count


def test_another_host(authority: trustme.CA, tmp_path: Path) -> None:
    """A certificate is good for its own host alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.com").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with FaultServer(tls=context) as server:
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            hook_of(url=server.url, ca_file=str(tmp_path / "ca.pem")).deliver(make_event())
        assert 0 == server.count


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none(server: FaultServer, tmp_path: Path, content: str | None) -> None:
    """The message names the file."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DeliveryError, match=r"ca_file '.*ca\.pem' cannot be read here"):
        hook_of(url=server.url, ca_file=str(path)).deliver(make_event())


def test_headers_that_come_byte_by_byte() -> None:
    """Every byte comes in time, and yet the whole must not take longer than it may."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_drip, args=(listener,), daemon=True)
        thread.start()
        begin = time.monotonic()
        with pytest.raises(DeliveryError, match="no complete answer within 0.3 s"):
            hook_of(url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3).deliver(make_event())
        assert time.monotonic() - begin < 2
        thread.join(timeout=5)


def _drip(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        connection.recv(65536)
        for byte in b"HTTP/1.1 204 No Content" + b" " * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)


def test_long_answers_are_shown_in_part(server: FaultServer) -> None:
    """A page of HTML is no error message."""
    server.always(Fault.answer(500, b"<p>\n" + b"x" * 500_000))
    with pytest.raises(DeliveryError) as info:
        hook_of(url=server.url).deliver(make_event())
    assert len(str(info.value)) < 400
