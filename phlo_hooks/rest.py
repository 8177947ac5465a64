"""A JSON API over HTTP: requests with a time limit, and errors that say how the relay is to treat them."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

from phlo_hooks.answers import Answer, advice, excerpt, refusal
from phlo_hooks.errors import DeliveryError, MissingExtraError
from phlo_hooks.redaction import Redactor
from phlo_hooks.urls import origin, secret_pieces

# A page of a thousand tables with all of their columns.
MAX_ANSWER = 64 * 1024 * 1024
# What an operator can mend (a token, a right), or whoever holds a lock.
_MENDABLE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.LOCKED)


@dataclass(frozen=True)
class Reply:
    """What an API has answered.

    Args:
        status: of HTTP.
        data: the JSON of the body; None of an empty one.
        headers: by name in small letters.
        text: the start of the body, without secrets; for errors.
    """

    status: int
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    text: str = ""


@dataclass(frozen=True)
class RestClient:
    """Sends JSON to one API.

    Args:
        url: of the API, without a slash at its end.
        who: names it in errors, such as `OpenMetadata`.
        headers: of each request; their values count as secrets.
        timeout: seconds that one request may take.
        ca_file: PEM file of a private certificate authority.
        extra: the extra of this package that brings the HTTP client.
        secrets: what else nobody may see in an error, such as a key that is only signed with.
    """

    url: str = field(repr=False)
    who: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    ca_file: str | None = None
    extra: str = "webhook"
    secrets: Collection[str] = field(default=(), repr=False)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str | int | bool] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[int] = (),
        about: str = "",
    ) -> Reply:
        """One request, and its answer.

        | answer | error |
        | --- | --- |
        | 429, 502, 503, 504 with `Retry-After`; 429 without (30 s) | RetryLater, for all events of the hook |
        | 401, 403, 408, 423, 425, 3xx, 5xx | DeliveryError: an operator can mend it, or it passes |
        | other 4xx | PermanentError |

        Args:
            method: such as PUT.
            path: below the URL, percent-encoded, with a slash first.
            body: anything that JSON can say; None for no body.
            params: of the query.
            headers: besides those of the client.
            allow: the statuses besides 2xx that are no errors.
            about: what it is about, for errors: `table shop.orders, for asset marts/orders`.

        Raises:
            DeliveryError: as above, or no complete answer came.
        """
        answer = self._ask(method, path, body, params, headers or {})
        if answer.accepted or answer.status in allow:
            return Reply(answer.status, self._data(answer), answer.headers, self._shown(answer.text))
        raise self._refusal(answer, f"{method} {path}", about)

    def _ask(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, str | int | bool] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        if find_spec("httpcore2") is None:
            # Not the end of the event: it can be installed.
            raise DeliveryError(str(MissingExtraError("httpcore2", self.extra)))
        from phlo_hooks.connections import request

        url = f"{self.url.rstrip('/')}{path}" + (f"?{_query(params)}" if params else "")
        content = b"" if body is None else json.dumps(body, allow_nan=False).encode()
        kind = {} if body is None else {"content-type": "application/json"}
        sent = {"user-agent": "phlo-hooks", "accept": "application/json", **kind, **self.headers, **headers}
        ends = time.monotonic() + self.timeout
        try:
            return request(
                method, url, sent.items(), content, ends=ends, ca_file=self.ca_file, longest=MAX_ANSWER
            )
        except TimeoutError:
            raise DeliveryError(f"{self._name}: no complete answer within {self.timeout:g} s") from None
        except DeliveryError as exc:
            # Without its cause: that quotes what the server sent, which may be what it was sent.
            raise DeliveryError(f"{self._name}: {self._shown(str(exc))}") from None

    @property
    def _name(self) -> str:
        return f"{self.who} at {origin(self.url)}"

    def _data(self, answer: Answer) -> Any:
        if not answer.text.strip():
            return None
        try:
            return json.loads(answer.text)
        except ValueError:
            # A login page of a proxy, or an answer that was cut.
            raise DeliveryError(
                f"{self._name} answered {answer.status} with no JSON{excerpt(self._shown(answer.text))}"
            ) from None

    def _refusal(self, answer: Answer, request: str, about: str) -> DeliveryError:
        matter = f", {about}" if about else ""
        shown = f"{advice(answer.status)}{excerpt(self._shown(answer.text))}"
        text = f"{self._name} answered {answer.status} to {request}{matter}{shown}"
        return refusal(answer, text, _MENDABLE)

    def _shown(self, text: str) -> str:
        """Without what this client sends and nobody else may see."""
        values = [part for value in self.headers.values() for part in (value, value.rpartition(" ")[2])]
        return Redactor([*values, *self.secrets, *secret_pieces(self.url)]).text(text)


def _query(params: Mapping[str, str | int | bool]) -> str:
    # As JSON writes them: Python's own True is no word of HTTP.
    said = {key: str(value).lower() if isinstance(value, bool) else value for key, value in params.items()}
    return urlencode(said)
