"""HTTP requests over connections that are kept, none longer than it may take."""

from __future__ import annotations

import atexit
import os
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2

from phlo_hooks.answers import Answer
from phlo_hooks.errors import DeliveryError

# Of an answer, so much is read; a longer one costs its connection.
MAX_ANSWER = 64 * 1024
# Node and uvicorn close an idle connection after 5 s: whoever still sends on it then loses the request.
_KEPT_FOR = 4.0
_KEPT = 20
_SLICE = 64 * 1024

# One pool for each process and CA file. The process is part of the key because a forked child must not use
# its parent's connections, and there is no lock because the fork could happen while it is held.
_pools: dict[tuple[int, str | None], httpcore2.ConnectionPool] = {}
_deadline = threading.local()

Headers = Iterable[tuple[str, str]]


def request(
    method: str,
    url: str,
    headers: Headers,
    body: bytes,
    *,
    ends: float,
    ca_file: str | None = None,
    longest: int = MAX_ANSWER,
) -> Answer:
    """Send one request and read its answer, to the end or up to `longest`. Redirects are not followed.

    Args:
        method: such as POST.
        url: http or https.
        headers: besides `Host` and `Content-Length`.
        body: sent as it is.
        ends: when all of it must be over, from connecting to the end of the answer; `time.monotonic()`.
        ca_file: a PEM file with further certificate authorities to trust.
        longest: bytes of an answer that are read.

    Raises:
        TimeoutError: no complete answer came in time.
        DeliveryError: none can come any more.
    """
    pool = _pool(ca_file)
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    try:
        with _until(ends), pool.stream(method, url, headers=pairs, content=body) as response:
            return _answer(response, longest)
    except httpcore2.TimeoutException as exc:
        raise TimeoutError("no complete answer in time") from exc
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as exc:
        raise DeliveryError(f"{_reason(exc)}{_advice(exc)}") from exc


def _answer(response: httpcore2.Response, longest: int) -> Answer:
    names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    text = _start(response, longest).decode(errors="replace")
    return Answer(response.status, names.get("retry-after"), text, names)


def _start(response: httpcore2.Response, longest: int) -> bytes:
    start = bytearray()
    for chunk in response.iter_stream():
        start += chunk
        if len(start) > longest:
            break
    return bytes(start[:longest])


def _reason(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


def _advice(exc: Exception) -> str:
    untrusted = "CERTIFICATE_VERIFY_FAILED" in str(exc)
    return ". For a private certificate authority, set ca_file" if untrusted else ""


def _pool(ca_file: str | None) -> httpcore2.ConnectionPool:
    key = (os.getpid(), ca_file)
    if key not in _pools:
        pool = httpcore2.ConnectionPool(
            ssl_context=_tls(ca_file),
            max_connections=None,
            max_keepalive_connections=_KEPT,
            keepalive_expiry=_KEPT_FOR,
            network_backend=_Backend(),
        )
        # Of two threads that come here at once, one finds that the other was first.
        if _pools.setdefault(key, pool) is pool:
            atexit.register(_close, key)
    return _pools[key]


def _close(key: tuple[int, str | None]) -> None:
    if key[0] == os.getpid() and key in _pools:
        _pools.pop(key).close()


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = httpcore2.default_ssl_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as exc:  # an SSLError is one
            raise DeliveryError(f"ca_file {ca_file!r} cannot be read here: {_reason(exc)}") from exc
    return context


@contextmanager
def _until(ends: float) -> Iterator[None]:
    """Every wait of this thread ends then."""
    _deadline.at = ends
    try:
        yield
    finally:
        # Closing a connection waits for nobody.
        _deadline.at = None


def _left() -> float | None:
    at: float | None = getattr(_deadline, "at", None)
    if at is None:
        return None
    left = at - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left


class _Backend(httpcore2.NetworkBackend):
    """Opens connections whose every wait ends at the deadline.

    With a timeout for each read alone, a receiver that sends a byte a second could hold a request for hours.
    """

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, _left(), *args, **options))


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SLICE):
            self._inner.write(buffer[start : start + _SLICE], _left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left()))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
