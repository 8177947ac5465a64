"""A real HTTP/1.1 server on loopback that misbehaves on request, and remembers what it received."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from typing_extensions import Self

from phlo_hooks.errors import ConfigurationError
from phlo_hooks.testing.faults import Ending, Fault
from phlo_hooks.testing.http_wire import body_of, head_of, requests
from phlo_hooks.testing.received import Received

_BACKLOG = 512
_HANDSHAKE = 3.0
# On close, unsent data is thrown away and the other side sees a reset.
_LINGER_ZERO = struct.pack("ii", 1, 0)


class FaultServer:
    """A server for tests, with a thread for each connection. Use it in a `with` statement.

    All requests are accepted (204) unless `always` or `next` says otherwise. What it received stands in
    `requests`, what it also handled in `processed`; both grow until `clear`.

    Args:
        tls: serve https with this certificate.
        port: 0 for any that is free.
        judge: what to do with a request, by what is in it, where `always` and `next` do not say it.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        judge: Callable[[Received], Fault] | None = None,
    ) -> None:
        self._tls = tls
        self._port = port
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._judge = judge
        self._always: Fault | None = None
        self._next: deque[Fault] = deque()
        self._requests: list[Received] = []
        self._processed: list[Received] = []
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._closing = threading.Event()
        self._accepted = 0

    def __enter__(self) -> Self:
        if self._listener is None:
            self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Received]:
        """Every request that was read, in the order they came."""
        with self._lock:
            return list(self._requests)

    @property
    def processed(self) -> list[Received]:
        """Those that were handled, whatever the client was told."""
        with self._lock:
            return list(self._processed)

    @property
    def count(self) -> int:
        """How many requests were read."""
        return len(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were accepted, ever: a client that keeps them needs few."""
        return self._accepted

    def always(self, fault: Fault) -> None:
        """Treat every request so, from now on."""
        with self._lock:
            self._always = fault
        if fault.ending is Ending.REFUSE:
            self._refuse()
        elif self._listener is None:
            self._listen()

    def next(self, *faults: Fault) -> None:
        """Treat the next requests so, one each, before it goes on as `always` says.

        Raises:
            ConfigurationError: a refused connection is no request.
        """
        if any(fault.ending is Ending.REFUSE for fault in faults):
            raise ConfigurationError("Fault.refuse() is about connections: use always(Fault.refuse())")
        with self._lock:
            self._next.extend(faults)

    def clear(self) -> None:
        """Forget what was received, and what was to happen next."""
        with self._lock:
            self._requests.clear()
            self._processed.clear()
            self._next.clear()

    def wait_for(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until so many requests were read.

        Args:
            count: since the beginning, or the last `clear`.
            timeout: seconds.
        """
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self._requests) >= count, timeout)

    def close(self) -> None:
        """End every connection, also one that hangs. Afterwards, connections are refused."""
        self._closing.set()
        self._refuse()
        for thread in list(self._threads):
            thread.join(timeout=5)

    def _listen(self) -> None:
        self._closing.clear()
        listener = socket.create_server(("127.0.0.1", self._port), backlog=_BACKLOG)
        # Kept, so that a server that refuses for a while comes back where it was.
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept, listener)

    def _refuse(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            _shut(listener)
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _shut(connection)

    def _start(self, target: object, argument: socket.socket) -> None:
        thread = threading.Thread(target=self._run, args=(target, argument), name="fault-server", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _run(self, target: object, argument: socket.socket) -> None:
        try:
            # A connection may be cut at any point, by either side: for this server, that is its trade.
            with suppress(OSError, ValueError):
                target(argument)  # type: ignore[operator]
        finally:
            argument.close()
            self._threads.discard(threading.current_thread())

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            self._accepted += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        if self._tls is not None:
            connection.settimeout(_HANDSHAKE)
            connection = self._tls.wrap_socket(connection, server_side=True)
            connection.settimeout(None)
        with self._lock:
            self._connections.add(connection)
        try:
            # It may have come in while the server began to refuse.
            if self._listener is not None:
                self._talk(connection)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _talk(self, connection: socket.socket) -> None:
        for request in requests(connection):
            if not self._treat(connection, self._note(request)):
                return

    def _note(self, request: Received) -> Fault:
        with self._arrived:
            fault = self._next.popleft() if self._next else self._by_default(request)
            self._requests.append(request)
            if fault.processed:
                self._processed.append(request)
            self._arrived.notify_all()
        return fault

    def _by_default(self, request: Received) -> Fault:
        return self._always or (self._judge(request) if self._judge else Fault.accept())

    def _treat(self, connection: socket.socket, fault: Fault) -> bool:
        """Answer, or what is done instead; whether the connection goes on."""
        if fault.ending is Ending.HANG:
            self._closing.wait(fault.seconds)
        elif fault.ending is Ending.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        elif fault.ending is Ending.TRUNCATE:
            connection.sendall(head_of(fault) + fault.body[: len(fault.body) // 2])
        elif fault.ending is Ending.KEEP:
            self._answer(connection, fault)
        return fault.ending is Ending.KEEP

    def _answer(self, connection: socket.socket, fault: Fault) -> None:
        body = body_of(fault)
        if not fault.seconds:
            connection.sendall(head_of(fault) + body)
            return
        connection.sendall(head_of(fault))
        pause = fault.seconds / max(len(body), 1)
        for byte in body:
            if self._closing.wait(pause):
                return
            connection.sendall(bytes([byte]))


def _shut(connection: socket.socket) -> None:
    """Wake whoever waits on it, then close it: closing alone would leave `accept` or `recv` waiting."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
