"""A receiver of events on loopback, and the hook that posts to it."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from typing_extensions import Self

from phlo_hooks.events import HookEvent

Post = Callable[[HookEvent], None]


class Receiver:
    """An HTTP server that counts how often each event came.

    Args:
        delay: seconds that it takes over each event.
        hangs: takes connections, and never answers.
    """

    def __init__(self, *, delay: float = 0.0, hangs: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self.bodies: dict[str, bytes] = {}
        self.times: list[float] = []
        self._delay = delay
        self._released = threading.Event()
        if not hangs:
            self._released.set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        # What was killed leaves half a request behind, which is no news.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def ids(self) -> set[str]:
        """The events that came."""
        return set(self.counts)

    @property
    def repeated(self) -> int:
        """How often an event came that had come before."""
        return self.counts.total() - len(self.counts)

    def _take(self, event_id: str, body: bytes) -> None:
        self._released.wait(600)
        time.sleep(self._delay)
        with self._lock:
            self.counts[event_id] += 1
            self.bodies[event_id] = body
            self.times.append(time.monotonic())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Else an answer waits for the acknowledgement of the one before it, 40 ms.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                take(self.headers["webhook-id"], body)
                self.send_response_only(204)
                self.end_headers()

        return Handler


def post_to(port: int, *, timeout: float = 10.0, keep: bool = False) -> Post:
    """A handler that posts each event as a CloudEvent, with its id in the header.

    Args:
        port: of the receiver.
        timeout: seconds to wait for its answer.
        keep: the connection, one for each thread: then the relay is measured and not the handshakes.
    """
    local = threading.local()

    def post(event: HookEvent) -> None:
        connection = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            _send(connection, event)
        except BaseException:
            connection.close()
            raise
        if not keep:
            connection.close()

    return post


def _send(connection: HTTPConnection, event: HookEvent) -> None:
    body: Any = json.dumps(event.to_cloudevent())
    headers = {"content-type": "application/cloudevents+json", "webhook-id": event.event_id}
    connection.request("POST", "/", body, headers)
    response = connection.getresponse()
    response.read()
    if response.status >= 300:
        raise ConnectionError(f"the receiver answered {response.status}")
