"""The server: HTTP on loopback, and what a test asks of it."""

from __future__ import annotations

import copy
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from typing_extensions import Self

from . import building, entity_routes, other_routes, site_routes
from .catalog import Catalog, Change
from .errors import ApiError, bad_request, unauthorized
from .faults import Dropped, Fault, Faults
from .furniture import ADMIN, BOT, furniture
from .permissions import Permissions, Principal
from .routing import Answer, Call, Route, Router, check_body
from .shapes import CREATE
from .store import Json, Store
from .wire import PREFIX, Listener, Request, Response

# Says what is wrong with a value that shall have the shape of a schema; None for nothing.
Judge = Callable[[str, str, Any], "str | None"]
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")
_OPEN = ("system/version",)
TOKEN = "a-bots-token"
_ADMIN = Principal(ADMIN, bot=False)


@dataclass(frozen=True)
class Write:
    """A request: its path is that below /api/v1, decoded; its status is 0 if it got no answer."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]
    status: int
    query: Mapping[str, str]


@dataclass(frozen=True)
class EdgeView:
    """An edge by the names of its ends."""

    from_kind: str
    from_fqn: str
    to_kind: str
    to_fqn: str
    details: Json


class OpenMetadataServer:
    """OpenMetadata, as far as a client that pushes metadata sees it.

    Args:
        version: of the server: decides about routes and shapes.
        token: that the client must send.
        validate: says what is wrong with a body, given the version, the schema's name and the value;
            called for each request, and once for each shape of an answer.
    """

    def __init__(self, version: str = "1.12.14", token: str = TOKEN, validate: Judge | None = None) -> None:
        self.version = version
        self.token = token
        self.principal = Principal(BOT, bot=True)
        self.requests: list[Write] = []
        self.problems: list[str] = []
        self._validate = validate
        self._judged: set[tuple[str, ...]] = set()
        self._faults = Faults()
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._server = Listener(self.answer)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._numbers = tuple(int(part) for part in version.split("."))
        self.catalog = Catalog(Store(f"{self.url}{PREFIX}"), self._numbers[0])
        self._router = Router(_routes(), self._numbers)
        for kind, body in furniture():
            self.seed(kind, body)

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def writes(self) -> list[Write]:
        """The requests that change things, and were accepted."""
        return [each for each in self.requests if each.method in _CHANGES and 200 <= each.status < 300]

    @property
    def changes(self) -> list[Change]:
        """What the client's writes changed, of entities: not what was seeded, nor what stayed as it was."""
        return self.catalog.changes

    @property
    def permissions(self) -> Permissions:
        """What the principal may do: `deny("EditLineage")`, and `allow` it again."""
        return self.catalog.permissions

    def reset_counts(self) -> None:
        """Forget the requests and the changes, and keep what they made."""
        self.requests.clear()
        self.catalog.changes.clear()

    def fail(
        self,
        method: str,
        path: str,
        status: int,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        applied: bool = False,
    ) -> None:
        """Plant a fault: see `Fault`."""
        self._faults.planted.append(Fault(method, path, status, times, headers or {}, body, applied))

    def slow(self, method: str, path: str, seconds: float, times: int = 1) -> None:
        """Let the next requests wait; others are answered meanwhile."""
        self._faults.planted.append(Fault(method, path, None, times, seconds=seconds))

    def entity(self, kind: str, fqn: str) -> Json | None:
        """All of an entity, deleted or not."""
        with self._lock:
            return copy.deepcopy(self.catalog.store.find(kind, fqn))

    def entities(self, kind: str) -> list[Json]:
        """All of a kind."""
        with self._lock:
            return [copy.deepcopy(each) for each in self.catalog.store.all(kind)]

    def edges(self) -> list[EdgeView]:
        """The lineage."""
        with self._lock:
            store = self.catalog.store
            return [
                EdgeView(
                    each.from_kind,
                    store.by_id(each.from_kind, each.from_id, "all")["fullyQualifiedName"],
                    each.to_kind,
                    store.by_id(each.to_kind, each.to_id, "all")["fullyQualifiedName"],
                    copy.deepcopy(each.details),
                )
                for each in store.edges.values()
            ]

    def series(self, extension: str, fqn: str) -> list[Json]:
        """The values at times of a name, the newest first: see `views` for the extensions."""
        with self._lock:
            return self.catalog.store.between(extension, fqn, 0, 2**62)

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        """What others do is neither a write nor a change of the client's."""
        with self._lock:
            there = len(self.catalog.changes)
            yield
            del self.catalog.changes[there:]

    def seed(self, kind: str, body: Json) -> Json:
        """What a person or another tool made: an entity from its request."""
        with self._unseen():
            if kind in CREATE:
                return copy.deepcopy(self.catalog.put(kind, body, _ADMIN)[0])
            return copy.deepcopy(
                self.catalog.add(kind, building.build(self.catalog.store, kind, body), _ADMIN)
            )

    def edit(self, kind: str, fqn: str, operations: list[Json]) -> Json:
        """What a person changed by hand: a JSON Patch."""
        with self._unseen():
            entity = self.catalog.store.by_name(kind, fqn)
            return copy.deepcopy(self.catalog.patch(kind, entity, operations, _ADMIN)[0])

    def delete(self, kind: str, fqn: str, hard: bool = False) -> None:
        """Delete with all that is within, as a person would."""
        with self._unseen():
            entity = self.catalog.store.by_name(kind, fqn, "all")
            self.catalog.delete(kind, entity["id"], _ADMIN, hard=hard, recursive=True)

    def answer(self, request: Request) -> Response:
        """Answer one request, and take note of it."""
        with self._lock:
            fault = self._faults.take(request.method, request.shown)
        if fault is not None and self._closing.wait(fault.seconds):
            raise Dropped
        with self._lock:
            try:
                response = self._safely(request, fault)
            except Dropped:
                self._note(request, 0)
                raise
            self._note(request, response.status)
            return response

    def _note(self, request: Request, status: int) -> None:
        headers, query = dict(request.headers), dict(request.query)
        self.requests.append(Write(request.method, request.shown, request.body, headers, status, query))

    def _safely(self, request: Request, fault: Fault | None) -> Response:
        """A mistake of our own is told to the client, as theirs are, and kept for the test."""
        try:
            return self._answer(request, fault)
        except Dropped:
            raise
        except Exception:  # noqa: BLE001 - our own mistakes are of any kind
            self.problems.append(f"answer, {request.method} {request.shown}: {traceback.format_exc()}")
            return Response(500, {"code": 500, "message": traceback.format_exc(limit=-1)})

    def _answer(self, request: Request, fault: Fault | None) -> Response:
        try:
            if fault is not None and not fault.applied:
                fault.strike()
            answer = self._handled(request)
            if fault is not None:
                fault.strike()
        except ApiError as error:
            return Response(error.status, error.body, error.headers)
        return Response(answer.status, answer.body, answer.headers)

    def _handled(self, request: Request) -> Answer:
        if request.shown not in _OPEN:
            self._authenticate(request)
        route, path = self._router.find(request.method, request.parts)
        check_body(route, self._numbers[0], request.media_type, request.body)
        if route.model is not None:
            self._judge_request(route.model, request.body)
        call = Call(
            self.catalog, self.principal, self._numbers, path, request.query, request.headers, request.body
        )
        answer = route.handler(call)
        self._judge_answer(answer)
        return answer

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not given.startswith("Bearer "):
            raise unauthorized("Not Authorized! Token not present")
        if given.removeprefix("Bearer ") != self.token:
            raise unauthorized("Not Authorized! Invalid token")

    def _judge_request(self, model: str, body: Any) -> None:
        if self._validate is None:
            return
        for value in body if model.startswith("[") else [body]:
            problem = self._validate(self.version, model.strip("[]"), value)
            if problem is not None:
                self.problems.append(f"request, {model}: {problem}")
                raise bad_request(problem)

    def _judge_answer(self, answer: Answer) -> None:
        """Our own answer, once for each shape: what is wrong with it is no client's fault."""
        if self._validate is None or answer.model is None:
            return
        bare = answer.model.strip("[]")
        values = answer.body["data"] if answer.model.startswith("[") else [answer.body]
        for value in values:
            shape = (bare, *sorted(value))
            if shape not in self._judged:
                self._judged.add(shape)
                problem = self._validate(self.version, bare, value)
                if problem is not None:
                    self.problems.append(f"answer, {bare}: {problem}")


def _routes() -> list[Route]:
    return [*site_routes.routes(), *other_routes.routes(), *entity_routes.routes()]
