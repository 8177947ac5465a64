"""Which function answers a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .catalog import Catalog
from .checks import Check
from .errors import bad_request, no_route, wrong_media_type, wrong_method
from .permissions import Principal

Version = tuple[int, ...]
Handler = Callable[["Call"], "Answer"]
_PATCH = "application/json-patch+json"


@dataclass(frozen=True)
class Answer:
    """What goes back; `model` names the schema that the body has."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None


@dataclass(frozen=True)
class Call:
    """One request, with what its path says."""

    catalog: Catalog
    principal: Principal
    version: Version
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None

    def whole(self, name: str, default: int) -> int:
        """An integer among the query's parameters."""
        try:
            return int(self.query.get(name, default))
        except ValueError:
            # Jersey takes the path for one that it does not know.
            raise no_route() from None

    def flag(self, name: str) -> bool:
        return self.query.get(name, "false").lower() == "true"

    @property
    def include(self) -> str:
        include = self.query.get("include", "non-deleted")
        if include not in ("non-deleted", "deleted", "all"):
            raise no_route()
        return include


@dataclass(frozen=True)
class Route:
    """A method and a path, and who answers.

    Args:
        method: of HTTP.
        path: below /api/v1; a part in braces stands for any one.
        handler: gets the call.
        check: what the body must be; None where there is none.
        model: the schema of the body, for the oracle.
        since: the first version that has it.
        until: the first version that has it no more.
    """

    method: str
    path: str
    handler: Handler
    check: Callable[[int], Check] | None = None
    model: str | None = None
    since: Version = (0,)
    until: Version = (99,)

    @property
    def parts(self) -> list[str]:
        return self.path.split("/")

    @property
    def rank(self) -> tuple[bool, ...]:
        """Literal parts win over those that take anything, from the left."""
        return tuple(part.startswith("{") for part in self.parts)

    def match(self, parts: list[str]) -> dict[str, str] | None:
        if len(parts) != len(self.parts):
            return None
        found = {}
        for mine, theirs in zip(self.parts, parts, strict=True):
            if mine.startswith("{"):
                found[mine[1:-1]] = theirs
            elif mine != theirs:
                return None
        return found


class Router:
    """The routes that a version has."""

    def __init__(self, routes: Iterable[Route], version: Version) -> None:
        mine = (route for route in routes if route.since <= version < route.until)
        self._routes = sorted(mine, key=lambda route: route.rank)

    def find(self, method: str, parts: list[str]) -> tuple[Route, dict[str, str]]:
        """The route of a request, and what its path says."""
        known = False
        for route in self._routes:
            found = route.match(parts)
            if found is not None:
                if route.method == method:
                    return route, found
                known = True
        raise wrong_method() if known else no_route()


def check_body(route: Route, major: int, media_type: str, body: Any) -> None:
    """Refuse a body of the wrong type or shape."""
    if route.method == "PATCH" and media_type != _PATCH:
        raise wrong_media_type()
    if route.check is None:
        return
    if media_type != "application/json":
        raise wrong_media_type()
    if body is None:
        raise bad_request("[arg must not be null]")
    route.check(major)(body, "")
