"""Cube's REST API, as far as it is used here: the data model, and the jobs that build pre-aggregations.

Source: https://cube.dev/docs/product/apis-integrations/rest-api/reference and
packages/cubejs-api-gateway/src/gateway.ts of github.com/cube-js/cube.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from phlo_hooks.capabilities.cube.meta import Meta
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.redaction import Redactor
from phlo_hooks.rest import Reply, RestClient
from phlo_hooks.urls import origin

_JOBS = "/v1/pre-aggregations/jobs"
_WAIT = "Continue wait"
# Cube itself holds a request for some seconds before it says so.
_PAUSE = 1.0
# Of a year by the hour there are thousands, and a request has an end.
_TOKENS_AT_ONCE = 1000
_NO_MATCH = "match any of the pre-aggregations"
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_SCOPES = ("API scope is missing", "Permission is missed")


@dataclass(frozen=True)
class CubeClient:
    """Asks one Cube.

    Args:
        rest: sends the requests; its URL ends with the base path.
        redactor: knows what nobody may see.
        clock: seconds, monotonic.
        sleep: waits for so many seconds.
    """

    rest: RestClient
    redactor: Redactor
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        """For messages."""
        return f"Cube at {origin(self.rest.url)}"

    def meta(self) -> Meta:
        """The data model, with joins and pre-aggregations; needs the scope `meta`.

        Raises:
            DeliveryError: it cannot be told; also where it does not compile, with Cube's message.
        """
        data = self._accepted("GET", "/v1/meta", None, "meta", {"extended": True})
        cubes = data.get("cubes") if isinstance(data, Mapping) else None
        if not isinstance(cubes, list):
            raise DeliveryError(f"{self.name} answered without cubes: set url and base_path to those of Cube")
        return Meta([cube for cube in cubes if isinstance(cube, Mapping)])

    def build(self, selector: Mapping[str, Any]) -> tuple[str, ...]:
        """Have pre-aggregations built, whatever their refresh keys say; needs the scope `jobs`.

        Args:
            selector: contexts, time zones, cubes, date range.

        Returns:
            A token for each partition; none where nothing there is to be built.
        """
        body = {"action": "post", "selector": selector}
        reply = self._asked("POST", _JOBS, body)
        if reply.status == HTTPStatus.BAD_REQUEST and _NO_MATCH in self._message(reply):
            return ()
        tokens = self._checked(reply, _JOBS, "jobs")
        if not isinstance(tokens, list):
            raise DeliveryError(f"{self.name} answered to {_JOBS} without a list of tokens")
        return tuple(dict.fromkeys(map(str, tokens)))

    def states(self, tokens: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What has become of jobs, by token; those that Cube says nothing of are left out."""
        found: dict[str, Mapping[str, Any]] = {}
        for part in _parts(tokens):
            body = {"action": "get", "tokens": list(part), "resType": "object"}
            data = self._accepted("POST", _JOBS, body, "jobs")
            if not isinstance(data, Mapping):
                raise DeliveryError(f"{self.name} answered to {_JOBS} without the states of jobs")
            found |= {token: self.redactor.value(state) for token, state in data.items()}
        return found

    def _accepted(
        self,
        method: str,
        path: str,
        body: Any,
        scope: str,
        params: Mapping[str, str | int | bool] | None = None,
    ) -> Any:
        return self._checked(self._asked(method, path, body, params), path, scope)

    def _asked(
        self, method: str, path: str, body: Any, params: Mapping[str, str | int | bool] | None = None
    ) -> Reply:
        """The answer, asked for again as long as Cube says to wait, and no longer than a request may take."""
        ends = self.clock() + self.rest.timeout
        while True:
            reply = self.rest.send(method, path, body, params=params, allow=_REFUSED)
            if not (isinstance(reply.data, Mapping) and reply.data.get("error") == _WAIT):
                return reply
            if self.clock() + _PAUSE >= ends:
                raise RetryLater(f"{self.name} is still busy with {path} ({_WAIT})", after=_PAUSE)
            self.sleep(_PAUSE)

    def _checked(self, reply: Reply, path: str, scope: str) -> Any:
        message = self._message(reply)
        if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise DeliveryError(f"{self.name} answered {reply.status}: {message}: {_right(message, scope)}")
        if reply.status == HTTPStatus.BAD_REQUEST:
            text = f"{self.name} answered 400 to {path}: {message}"
            # Any other 400 may be a database that is down.
            of_user = isinstance(reply.data, Mapping) and reply.data.get("type") == "UserError"
            raise PermanentError(text) if of_user else DeliveryError(text)
        if isinstance(reply.data, Mapping) and "error" in reply.data:
            raise DeliveryError(f"{self.name} answered {reply.status} to {path}: {message}")
        return reply.data

    def _message(self, reply: Reply) -> str:
        error = reply.data.get("error") if isinstance(reply.data, Mapping) else reply.data
        return self.redactor.text(error if isinstance(error, str) else json.dumps(error))


def _right(message: str, scope: str) -> str:
    """What to do about a refusal."""
    if any(words in message for words in _SCOPES):
        return (
            f"the token needs the API scope {scope!r}: add it to CUBEJS_DEFAULT_API_SCOPES "
            "(meta,data,graphql,sql,jobs), or have contextToApiScopes give it"
        )
    return "set token to a valid one, or secret to the deployment's CUBEJS_API_SECRET"


def _parts(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(tokens), _TOKENS_AT_ONCE):
        yield tokens[start : start + _TOKENS_AT_ONCE]
