"""What Cube's gateway takes, and refuses: tokens, scopes and the bodies of jobs.

Source: `checkAuth`, `assertApiScope`, `preAggsJobsRequestSchema` and `parseUtcIntoLocalDate` of
github.com/cube-js/cube, as of 1.7.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d{3})?)?")


class RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, error: str, kind: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, **({"type": kind} if kind else {})}


def user_error(text: str) -> RefusedError:
    """As Cube answers what can never be right."""
    return RefusedError(400, text, "UserError")


def claims_of(headers: Mapping[str, str], secret: str) -> Mapping[str, Any]:
    """The security context of a request; see RFC 7519."""
    parts = (headers.get("x-cube-authorization") or headers.get("authorization") or "").split(" ", 1)
    token = parts[-1]
    if not token:
        raise RefusedError(403, "Authorization header isn't set")
    try:
        head, payload, signature = token.split(".")
        expected = hmac.new(secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
        right = hmac.compare_digest(expected, _bytes(signature))
        algorithm, claims = json.loads(_bytes(head))["alg"], json.loads(_bytes(payload))
    except (ValueError, KeyError):
        raise RefusedError(403, "Invalid token") from None
    if not right or algorithm != "HS256" or not claims.get("exp", time.time() + 1) > time.time():
        raise RefusedError(403, "Invalid token")
    return claims


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Selector:
    """What is to be built."""

    contexts: tuple[Mapping[str, Any], ...]
    timezones: tuple[str, ...]
    cubes: tuple[str, ...] = ()
    window: tuple[str, str] | None = None


def read_job(body: Any) -> Selector | tuple[str, ...]:
    """What a job's body says: what to build, or the tokens that are asked for."""
    if not body:
        raise user_error("No job description provided")
    action = body.get("action")
    if action not in ("post", "get"):
        raise _invalid('"action" must be one of [post, get]')
    if action == "get":
        _only(body, "action", "tokens", "resType")
        if body.get("resType") != "object":
            raise _invalid('"resType" must be [object]')
        return tuple(_texts(body, "tokens"))
    _only(body, "action", "selector")
    return _selector(body.get("selector") or {})


def _selector(value: Mapping[str, Any]) -> Selector:
    _only(value, "contexts", "timezones", "dataSources", "cubes", "preAggregations", "dateRange")
    contexts = value.get("contexts")
    if not isinstance(contexts, list) or not contexts:
        raise _invalid('"selector.contexts" must contain at least 1 items')
    for context in contexts:
        _only(context, "securityContext")
        if "securityContext" not in context:
            raise _invalid('"selector.contexts[0].securityContext" is required')
    timezones = _texts(value, "timezones")
    for name in timezones:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError):
            raise _invalid(f"Unknown timezone: {name}") from None
    window = value.get("dateRange")
    return Selector(
        tuple(contexts), tuple(timezones), tuple(value.get("cubes") or ()), window and _window(window)
    )


def _window(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise _invalid('"selector.dateRange" must contain 2 items')
    return _local(value[0]), _local(value[1])


def _local(text: Any) -> str:
    if not isinstance(text, str) or not _LOCAL.fullmatch(text):
        raise user_error(f"Cannot parse selector date range {text}")
    return datetime.fromisoformat(text).isoformat(timespec="milliseconds")


def _texts(value: Mapping[str, Any], name: str) -> list[str]:
    found = value.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise _invalid(f'"{name}" must contain at least 1 items')
    return found


def _only(value: Mapping[str, Any], *names: str) -> None:
    if unknown := set(value) - set(names):
        raise _invalid(f'"{min(unknown)}" is not allowed')


def _invalid(text: str) -> RefusedError:
    return user_error(f"Invalid Job query format: {text}")
