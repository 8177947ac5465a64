"""A fault server in a process of its own, so that it takes no time from the one that is measured."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from typing_extensions import Self

from phlo_hooks.testing.fault_server import FaultServer
from phlo_hooks.testing.faults import Fault
from phlo_hooks.testing.received import Received


class FaultProcess:
    """A `FaultServer` elsewhere on this machine, with the same methods. Use it in a `with` statement."""

    def __init__(self) -> None:
        # spawn: a copy of this process would have its threads' locks, and its sockets.
        context = multiprocessing.get_context("spawn")
        self._pipe, self._theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._theirs,), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        self.url: str = self._ask("url")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        # The end of the pipe ends the server.
        self._pipe.close()
        self._process.join(timeout=10)
        self._process.close()

    @property
    def requests(self) -> list[Received]:
        """Every request that was read, in the order they came."""
        found: list[Received] = self._ask("requests")
        return found

    @property
    def processed(self) -> list[Received]:
        """Those that were handled, whatever the client was told."""
        found: list[Received] = self._ask("processed")
        return found

    @property
    def count(self) -> int:
        """How many requests were read."""
        return int(self._ask("count"))

    @property
    def connections(self) -> int:
        """How many connections were accepted, ever."""
        return int(self._ask("connections"))

    def always(self, fault: Fault) -> None:
        """Treat every request so, from now on."""
        self._ask("always", fault)

    def next(self, *faults: Fault) -> None:
        """Treat the next requests so, one each.

        Raises:
            ConfigurationError: a refused connection is no request.
        """
        self._ask("next", *faults)

    def clear(self) -> None:
        """Forget what was received, and what was to happen next."""
        self._ask("clear")

    def wait_for(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until so many requests were read; `timeout` in seconds."""
        return bool(self._ask("wait_for", count, timeout))

    def _ask(self, name: str, *arguments: Any) -> Any:
        self._pipe.send((name, arguments))
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe: Connection) -> None:
    with FaultServer() as server:
        while True:
            try:
                name, arguments = pipe.recv()
            except EOFError:
                return
            pipe.send(_reply(server, name, arguments))


def _reply(server: FaultServer, name: str, arguments: tuple[Any, ...]) -> Any:
    try:
        found = getattr(server, name)
        return found(*arguments) if callable(found) else found
    except Exception as exc:  # noqa: BLE001  # raised again on the other side
        return exc
