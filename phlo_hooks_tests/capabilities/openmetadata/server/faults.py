"""Faults that a test plants: the next requests that fit get another answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError

_MESSAGES = {
    401: "Not Authorized! Invalid token",
    403: "Principal: CatalogPrincipal{name='ingestion-bot'} operations [EditAll] not allowed",
    429: "HTTP 429 Too Many Requests",
    500: "An exception with message [the store is gone] was thrown while processing request.",
    503: "HTTP 503 Service Unavailable",
}


class Dropped(Exception):
    """The connection is closed without an answer."""


@dataclass
class Fault:
    """One of them.

    Args:
        method: of the request, or `*`.
        path: a pattern found in the path, with or without what is the same in all, `/api/v1/`.
        status: of the answer; 0 closes the connection, and None is the usual answer.
        times: how often; then it is over.
        headers: of the answer.
        body: of the answer, where it is not the usual one.
        applied: whether the request is carried out all the same, and only its answer lost.
        seconds: that pass before anything is done.
    """

    method: str
    path: str
    status: int | None
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    applied: bool = False
    seconds: float = 0.0

    def fits(self, method: str, path: str) -> bool:
        if self.times <= 0 or self.method not in ("*", method):
            return False
        return any(re.search(self.path, each) for each in (path, f"/api/v1/{path}"))

    def strike(self) -> None:
        """Answer with the fault."""
        if self.status is None:
            return
        if self.status == 0:
            raise Dropped
        message = _MESSAGES.get(self.status, f"HTTP {self.status}")
        raise ApiError(self.status, message, body=self.body, headers=dict(self.headers))


class Faults:
    """Those that are planted, each for so many requests."""

    def __init__(self) -> None:
        self.planted: list[Fault] = []

    def take(self, method: str, path: str) -> Fault | None:
        """The first that fits, which counts it."""
        for fault in self.planted:
            if fault.fits(method, path):
                fault.times -= 1
                return fault
        return None
