"""HttpChannel: messages as JSON to an endpoint of your own, signed as Standard Webhooks 1.0.0 says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from pydantic import Field

from phlo_hooks.answers import failure
from phlo_hooks.capabilities.alerting.channels.http import WebChannel, check_address, redactor_of
from phlo_hooks.capabilities.alerting.channels.room import Room, fitting
from phlo_hooks.capabilities.alerting.channels.secrets import check_one, given, known
from phlo_hooks.capabilities.alerting.message import Message
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.headers import check_header
from phlo_hooks.signing import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign, signing_keys

TYPE = "phlo_hooks.alert"
VERSION = "1.0"
# What an HTTP header can hold, without the space.
_SAFE = "!#$&'()*+,/:;=?@[]~"
_ROOM = Room(
    title=1000,
    text=20_000,
    error=50_000,
    stack=200_000,
    advice=10_000,
    facts=100,
    fact=2000,
    parts=500,
    part=1000,
    links=50,
)


class HttpChannel(WebChannel):
    """Posts each message as JSON: its fields, with `type` and `version` before them.

    With a `secret`, requests are signed. `webhook-id` is the message's id, the same on every attempt. Answers
    are treated as `WebhookResource` does it.
    """

    name: str = Field(default="http", description="What rules call it.")
    url: str | None = Field(default=None, repr=False, description="http or https.")
    url_env: str | None = Field(default=None, description="An environment variable with it.")
    secret: str | None = Field(
        default=None,
        repr=False,
        description="whsec_ and the base64 of 24 to 64 bytes; while it is replaced, several, with spaces "
        "between them.",
    )
    secret_env: str | None = Field(default=None, description="An environment variable with it.")
    headers: dict[str, str] = Field(default={}, repr=False, description="Further headers.")
    headers_env: dict[str, str] = Field(
        default={}, description="Further headers by environment variable: {'Authorization': 'PAGER_AUTH'}."
    )
    max_body: int = Field(default=1024 * 1024, ge=20_000, description="Bytes of a request at most.")

    def send(self, message: Message, *, target: str | None = None, thread: str | None = None) -> None:
        """Post a message.

        Raises:
            PermanentError: the endpoint will never take it.
            EndpointGoneError: it wants no messages any more (410); a permanent error, too.
            RetryLater: it asked to be left alone for a while.
            DeliveryError: another attempt may work.
        """
        url = self._read_url("url", self.url, self.url_env)
        secret = self._read("secret", self.secret, self.secret_env)
        headers = dict(self._headers())
        redactor = redactor_of(url, [*secret.split(), *_words(headers)])
        body = document(message, self.max_body)
        answer = self.post(url, body, redactor, {**headers, **self._proof(message, body, secret)})
        if not answer.accepted:
            raise failure(answer, self.who(url), redactor.text)

    def _proof(self, message: Message, body: bytes, secret: str) -> dict[str, str]:
        # Not cleaned but quoted: two messages must not come to share an id.
        message_id = quote(message.message_id.encode(errors="backslashreplace"), safe=_SAFE)
        now = int(time.time())
        headers = {ID_HEADER: message_id, TIMESTAMP_HEADER: str(now)}
        if not secret:
            return headers
        try:
            return {**headers, SIGNATURE_HEADER: sign(message_id, now, body, signing_keys(secret))}
        except ConfigurationError as exc:
            raise DeliveryError(f"alert channel {self.name!r}: {exc}") from None

    def _headers(self) -> Iterator[tuple[str, str]]:
        for name, value in self.headers.items():
            yield self._header(name, self._read(f"header {name!r}", value))
        for name, variable in self.headers_env.items():
            yield self._header(name, self._read(f"header {name!r}", None, variable))

    def _header(self, name: str, value: str) -> tuple[str, str]:
        try:
            check_header(name, value)
        except ConfigurationError as exc:
            raise DeliveryError(f"alert channel {self.name!r}: {exc}") from None
        return name.lower(), value

    def _check_fields(self) -> None:
        check_address("url", self.url, self.url_env)
        check_one("secret", self.secret, self.secret_env)
        if not given(self.url, self.url_env):
            raise ConfigurationError("there is no url: use url='https://…', url=EnvVar(…), or url_env='…'")
        signing_keys(known(self.secret) or "")
        for name, value in self.headers.items():
            check_header(name, known(value))
        for name in self.headers_env:
            check_header(name, None)


def document(message: Message, limit: int) -> bytes:
    """A message as JSON of at most `limit` bytes: its fields as they are called, or as much as fits."""
    return fitting(message, _json, lambda body: len(body) <= limit, _ROOM)


def _json(message: Message) -> bytes:
    fields: dict[str, Any] = asdict(message)
    fields["kind"] = message.kind.value
    fields["timestamp"] = message.timestamp.isoformat()
    # Ids are keys: they stay as they are, unless they cannot be written at all.
    for name in ("message_id", "incident_id", "severity"):
        fields[name] = fields[name].encode(errors="backslashreplace").decode()
    return json.dumps({"type": TYPE, "version": VERSION, **fields}, ensure_ascii=False).encode()


def _words(headers: dict[str, str]) -> Iterator[str]:
    for value in headers.values():
        # `Bearer abc`: the receiver may repeat the second word alone. The first is none.
        yield from (value, *value.split()[1:])
