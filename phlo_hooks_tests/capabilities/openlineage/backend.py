"""An OpenLineage backend on loopback that takes what is valid, and nothing else."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any

from typing_extensions import Self

from phlo_hooks.testing import Fault, FaultServer, Received
from phlo_hooks_tests.capabilities.openlineage.graph import Dataset, Graph, Name, datasets_in, graph_of
from phlo_hooks_tests.capabilities.openlineage.lifecycle import Event, errors_of_runs, once, runs_of
from phlo_hooks_tests.capabilities.openlineage.spec import errors_of

PATH = "/api/v1/lineage"


@dataclass(frozen=True)
class Verdict:
    """What was received, and what is wrong with it."""

    event: Mapping[str, Any]
    errors: tuple[str, ...]


class Backend:
    """Takes events at `POST /api/v1/lineage`: 201 for a valid one, 400 with what is wrong for any other.

    It is a `FaultServer` underneath: `always` and `next` make it fail. An event counts once it is handled, also if
    its sender never learns so (`Fault.lose_answer()`); what is invalid counts whatever the answer was. Use it in a
    `with` statement; on leaving it without an exception, it asserts that nothing invalid came.

    Args:
        api_key: that a request must bear; None: whoever asks.
        strict: see `errors_of`.
        expect_invalid: the test wants some; then they are not asserted away.
    """

    def __init__(
        self, *, api_key: str | None = None, strict: bool = True, expect_invalid: bool = False
    ) -> None:
        self._api_key = api_key
        self._strict = strict
        self._expect_invalid = expect_invalid
        # By the identity of a request, which the server keeps: each is judged once.
        self._verdicts: dict[int, Verdict] = {}
        self.server = FaultServer(judge=self._answer)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.server.close()
        if error is None and not self._expect_invalid:
            self.check_valid()

    @property
    def url(self) -> str:
        """Where it is, without the path: what a client is configured with."""
        return self.server.url

    @property
    def events(self) -> list[Event]:
        """The valid ones that were handled, in the order they came, each as often as it came."""
        verdicts = self._judged(self.server.processed)
        return [each.event for each in verdicts if not each.errors]

    @property
    def invalid(self) -> list[Verdict]:
        """What came and is none, with the reasons."""
        verdicts = self._judged(self.server.requests)
        return [each for each in verdicts if each.errors]

    def always(self, fault: Fault) -> None:
        """Treat every request so, from now on: see `FaultServer.always`."""
        self.server.always(fault)

    def next(self, *faults: Fault) -> None:
        """Treat the next requests so, one each."""
        self.server.next(*faults)

    def recover(self) -> None:
        """After `always`: judge requests again by what is in them."""
        # A fault of `always` cannot be taken back, only replaced; an accepting one would not judge.
        with self.server._lock:
            self.server._always = None
        if self.server._listener is None:
            self.server._listen()

    def clear(self) -> None:
        """Forget what was received."""
        self.server.clear()
        self._verdicts.clear()

    def wait_for(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until so many requests were read, valid or not; `timeout` in seconds."""
        return self.server.wait_for(count, timeout)

    def runs(self) -> dict[str, list[Event]]:
        """Run events by `runId`, in order."""
        return runs_of(self.events)

    def of_job(self, name: str) -> list[Event]:
        """The events of the jobs with this name, in whatever namespace."""
        return [event for event in self.events if event.get("job", {}).get("name") == name]

    def datasets(self) -> dict[Name, Dataset]:
        """By namespace and name, with the newest of each of their facets."""
        return datasets_in(self.events)

    def graph(self) -> Graph:
        """The edges, as the last end of a run of each job left them."""
        return graph_of(self.events)

    def check_valid(self) -> None:
        """Assert that all that came is OpenLineage."""
        reasons = [
            f"{json.dumps(each.event)[:200]}: {error}" for each in self.invalid for error in each.errors
        ]
        assert not reasons, "not OpenLineage:\n" + "\n".join(reasons)

    def check_lifecycle(self, *, redelivered: bool = False, unfinished: bool = False) -> None:
        """Assert that each run begins once, ends once, and says at its end what it said at its beginning.

        Args:
            redelivered: the same event may have come more than once.
            unfinished: a run may have no end yet.
        """
        events = once(self.events) if redelivered else self.events
        errors = errors_of_runs(events, unfinished=unfinished)
        assert not errors, "no lifecycle:\n" + "\n".join(errors)

    def _answer(self, received: Received) -> Fault:
        if not _is_lineage(received):
            return Fault.answer(HTTPStatus.NOT_FOUND)
        if received.method != "POST":
            return Fault.answer(HTTPStatus.METHOD_NOT_ALLOWED)
        if self._api_key and received.headers.get("authorization") != f"Bearer {self._api_key}":
            return Fault.answer(HTTPStatus.UNAUTHORIZED)
        errors = self._judge(received).errors
        if errors:
            return Fault.answer(HTTPStatus.BAD_REQUEST, json.dumps({"errors": errors}))
        return Fault.accept(HTTPStatus.CREATED)

    def _judged(self, requests: list[Received]) -> list[Verdict]:
        return [self._judge(each) for each in requests if _is_lineage(each) and each.method == "POST"]

    def _judge(self, received: Received) -> Verdict:
        known = self._verdicts.get(id(received))
        if known is None:
            known = self._verdicts[id(received)] = _verdict(received, strict=self._strict)
        return known


def _is_lineage(received: Received) -> bool:
    return received.path.partition("?")[0] == PATH


def _verdict(received: Received, *, strict: bool) -> Verdict:
    try:
        event = json.loads(_body(received))
    except (ValueError, OSError, EOFError, zlib.error) as exc:
        return Verdict({}, (f"the body is no JSON: {exc}",))
    if not isinstance(event, dict):
        return Verdict({}, (f"the body is no object, but of type {type(event).__name__}",))
    type_errors = () if "json" in received.headers.get("content-type", "") else ("Content-Type is not JSON",)
    return Verdict(event, (*type_errors, *errors_of(event, strict=strict)))


def _body(received: Received) -> bytes:
    if received.headers.get("content-encoding", "") == "gzip":
        return gzip.decompress(received.body)
    return received.body
