"""A client without any cleverness, for tests of the server and of what a client left in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

from .server import OpenMetadataServer

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What came back; the names of its headers are in small letters."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def message(self) -> str:
        return self.body["message"]


class Calls:
    """Sends requests as they are said, each on a connection of its own."""

    def __init__(self, server: OpenMetadataServer) -> None:
        self._server = server

    def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **query: Any
    ) -> Reply:
        """One request; the parts of `path` are quoted by who names them: see `part`."""
        target = f"/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        connection = HTTPConnection("127.0.0.1", self._server.port, timeout=10)
        try:
            raw = None if body is None else json.dumps(body).encode()
            connection.request(method, target, raw, {**self._headers(method, body), **(headers or {})})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, json.loads(answer) if answer else None, lower)

    def _headers(self, method: str, body: Any) -> Json:
        headers = {"Authorization": f"Bearer {self._server.token}"}
        if body is not None:
            kind = "application/json-patch+json" if method == "PATCH" else "application/json"
            headers["Content-Type"] = kind
        return headers

    def get(self, path: str, **query: Any) -> Reply:
        return self("GET", path, **query)

    def put(self, path: str, body: Any) -> Reply:
        return self("PUT", path, body)

    def post(self, path: str, body: Any) -> Reply:
        return self("POST", path, body)

    def patch(self, path: str, *operations: Json, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("PATCH", path, list(operations), named)


def part(name: str) -> str:
    """A name as one part of a path, whatever it contains."""
    return quote(name, safe="")
