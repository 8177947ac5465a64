"""HTTP: a request as it is read, and an answer as it is written."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .faults import Dropped

PREFIX = "/api/v1"


@dataclass(frozen=True)
class Request:
    """A request; the names of its headers are in small letters."""

    method: str
    parts: list[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def shown(self) -> str:
        """The path below /api/v1, decoded: what tests look at."""
        return "/".join(self.parts)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Response:
    """An answer; None is an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Listener(ThreadingHTTPServer):
    """Takes connections on loopback; when it is closed, those that clients keep are closed too."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), handler(answer))

    def handle_error(self, request: object, client_address: object) -> None:
        """What was dropped, or killed, leaves half a request behind, which is no news."""

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def handler(answer: Callable[[Request], Response]) -> type[BaseHTTPRequestHandler]:
    """The class that reads requests and writes what `answer` makes of them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer is written in two parts: without this each waits 40 ms for the other side's nod.
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                response = self._respond(raw, headers)
            except Dropped:
                self.close_connection = True
                return
            self._write(response)

        def _respond(self, raw: bytes, headers: dict[str, str]) -> Response:
            url = urlsplit(self.path)
            if not url.path.startswith(f"{PREFIX}/"):
                return Response(404, {"code": 404, "message": "HTTP 404 Not Found"})
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                return Response(400, {"code": 400, "message": "Unable to process JSON"})
            parts = [unquote(part) for part in url.path[len(PREFIX) + 1 :].rstrip("/").split("/")]
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            return answer(Request(self.command, parts, query, headers, body))

        def _write(self, response: Response) -> None:
            body = b"" if response.body is None else json.dumps(response.body).encode()
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    return Handler
