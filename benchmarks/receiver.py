"""A local HTTP receiver in a process of its own, as lean as Python allows, and the client that posts to it.

    python benchmarks/receiver.py [fast|hangs|refuses|errors] [PORT]

Used by the other benchmarks: what it costs must not be taken for what the relay costs.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket

# What a backend may do to whoever calls it.
BEHAVIOURS = ("fast", "hangs", "refuses", "errors")
HANG = 2.0
_LENGTH = b"\r\ncontent-length:"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Connection(asyncio.Protocol):
    """Answers requests in the order they come; keeps each body with the time it was complete."""

    def __init__(self, behaviour: str, kept: list[tuple[float, bytes]]) -> None:
        self._behaviour, self._kept = behaviour, kept
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (request := self._next()) is not None:
            self._answer(*request)

    def _next(self) -> tuple[bytes, bytes] | None:
        """The next complete request: its first line and its body."""
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._read[:end]
        start = head.lower().find(_LENGTH)
        length = int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(self._read) < end + 4 + length:
            return None
        body, self._read = self._read[end + 4 : end + 4 + length], self._read[end + 4 + length :]
        return head, body

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._tell()
            return
        self._kept.append((time.time(), body))
        if self._behaviour == "hangs":
            asyncio.get_running_loop().call_later(HANG, self._transport.write, _OK)
        else:
            self._transport.write(_ERROR if self._behaviour == "errors" else _OK)

    def _tell(self) -> None:
        """All that came, and forget it."""
        text = json.dumps([[at, body.decode()] for at, body in self._kept]).encode()
        self._kept.clear()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)


async def serve(behaviour: str, port: int) -> None:
    """Answer on a port (0: any that is free), which is printed, until the process is ended."""
    kept: list[tuple[float, bytes]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(behaviour, kept), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Receiver:
    """The other process, as this one sees it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def received(self) -> list[tuple[float, str]]:
        """What came since the last time this was asked: when, and the body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", "/")
            return [(at, body) for at, body in json.loads(connection.getresponse().read())]


@contextmanager
def running(behaviour: str = "fast", port: int = 0) -> Iterator[Receiver]:
    """A receiver that behaves like this; one that refuses is a port at which nobody listens."""
    if behaviour == "refuses":
        yield Receiver(port or _free_port())
        return
    command = [sys.executable, str(Path(__file__)), behaviour, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Receiver(int(process.stdout.readline()))
        finally:
            process.kill()


def _free_port() -> int:
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Poster:
    """Posts over one kept connection for each thread, as a webhook's client does."""

    def __init__(self, port: int, timeout: float = 30.0) -> None:
        self._port, self._timeout = port, timeout
        self._own = threading.local()

    def post(self, body: str) -> None:
        """Send; any answer but success is an exception."""
        connection = self._connection()
        try:
            connection.request("POST", "/", body.encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        if response.status >= 300:
            raise RuntimeError(f"the receiver answered {response.status}")

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout)
        connection: http.client.HTTPConnection = self._own.connection
        return connection


if __name__ == "__main__":
    asyncio.run(serve(*(sys.argv[1:2] or ["fast"]), port=int((sys.argv[2:3] or ["0"])[0])))
