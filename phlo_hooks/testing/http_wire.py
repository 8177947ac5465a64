"""As much of HTTP/1.1 as a server needs that has only our own clients to please."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus

from phlo_hooks.testing.faults import Fault
from phlo_hooks.testing.received import Received

_RECEIVE = 256 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def requests(connection: socket.socket) -> Iterator[Received]:
    """The requests on a connection, one after the other, until the client closes it."""
    rest = b""
    while True:
        head, rest = _until_blank_line(connection, rest)
        if head is None:
            return
        line, headers = _parse(head)
        if "100-continue" in headers.get("expect", "").lower():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body, rest = _body(connection, rest, headers)
        if body is None:
            return
        yield Received(line[0], line[1], headers, body, time.time())


def body_of(fault: Fault) -> bytes:
    """The body of an answer; after some statuses, none may come."""
    return b"" if fault.status in _BODILESS else fault.body


def head_of(fault: Fault) -> bytes:
    """Status line and headers of an answer."""
    lines = [f"HTTP/1.1 {int(fault.status)} {_REASONS.get(fault.status, '')}"]
    if fault.status not in _BODILESS:
        lines.append(f"Content-Length: {len(fault.body)}")
    lines += [f"{name}: {value}" for name, value in fault.headers.items()]
    if fault.retry_date is not None:
        lines.append(f"Retry-After: {formatdate(time.time() + fault.retry_date, usegmt=True)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _until_blank_line(connection: socket.socket, data: bytes) -> tuple[bytes | None, bytes]:
    while b"\r\n\r\n" not in data:
        more = connection.recv(_RECEIVE)
        if not more:
            return None, data
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _parse(head: bytes) -> tuple[list[str], dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return [*first.split(" "), "", ""], {name.lower(): value.strip() for name, _, value in pairs}


def _body(connection: socket.socket, data: bytes, headers: dict[str, str]) -> tuple[bytes | None, bytes]:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunked(connection, data)
    return _exactly(connection, data, int(headers.get("content-length", "0")))


def _exactly(connection: socket.socket, data: bytes, size: int) -> tuple[bytes | None, bytes]:
    parts, have = [data], len(data)
    while have < size:
        more = connection.recv(_RECEIVE)
        if not more:
            return None, b""
        parts.append(more)
        have += len(more)
    data = b"".join(parts)
    return data[:size], data[size:]


def _chunked(connection: socket.socket, data: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while True:
        while b"\r\n" not in data:
            more = connection.recv(_RECEIVE)
            if not more:
                return None, b""
            data += more
        length, _, data = data.partition(b"\r\n")
        size = int(length.partition(b";")[0], 16)
        chunk, data = _exactly(connection, data, size + 2)
        if chunk is None or size == 0:
            return (None if chunk is None else body), data
        body += chunk[:size]
