"""A request that a fault server received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks.events import HookEvent
from phlo_hooks.signing import ID_HEADER, verify


@dataclass(frozen=True)
class Received:
    """One request, as it came.

    Args:
        method: `POST` …
        path: with the query.
        headers: names in small letters.
        body: the bytes.
        at: when its last byte was there; seconds since 1970.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at: float

    @property
    def webhook_id(self) -> str:
        """The `webhook-id` header; empty where there is none."""
        return self.headers.get(ID_HEADER, "")

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)

    def events(self) -> list[HookEvent]:
        """The events in the body: one CloudEvent, or an array of them.

        Raises:
            InvalidEventError: something else.
        """
        body = self.json()
        return [HookEvent.from_cloudevent(each) for each in (body if isinstance(body, list) else [body])]

    def signed_with(self, secret: str) -> bool:
        """Whether it bears a signature that `secret` (`whsec_…`) makes, with a timestamp of when it came.

        Raises:
            ConfigurationError: `secret` is none.
        """
        return verify(self.headers, self.body, secret, now=self.at)
