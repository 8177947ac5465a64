"""The handler of an endpoint: signs and sends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from phlo_hooks.answers import Answer, failure
from phlo_hooks.capabilities.webhook.credentials import Credentials, credentials
from phlo_hooks.capabilities.webhook.fields import EndpointFields
from phlo_hooks.capabilities.webhook.messages import Message, batched, structured
from phlo_hooks.errors import (
    ConfigurationError,
    DeliveryError,
    EndpointGoneError,
    MissingExtraError,
    PermanentError,
)
from phlo_hooks.events import HookEvent
from phlo_hooks.signing import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from phlo_hooks.urls import origin


@dataclass(frozen=True)
class Sender:
    """Sends events to one endpoint. Holds no connection, so that it can go to another process."""

    endpoint: EndpointFields

    def __call__(self, events: HookEvent | list[HookEvent]) -> None:
        """Send one event, or a batch.

        Raises:
            PermanentError: the endpoint will never take it.
            EndpointGoneError: the endpoint wants no events any more.
            RetryLater: it asked to be left alone for a while.
            DeliveryError: anything else; another attempt may work.
        """
        batch = events if isinstance(events, list) else [events]
        try:
            self._send(events)
        except EndpointGoneError:
            raise
        except PermanentError as exc:
            # One event of a batch may be to blame for all: the relay tries each of them alone.
            raise (exc if len(batch) == 1 else DeliveryError(str(exc))) from None

    def _send(self, events: HookEvent | list[HookEvent]) -> None:
        ends = time.monotonic() + self.endpoint.timeout
        proof = self._credentials()
        for message in self._messages(events):
            self._post(message, proof, ends)

    def _messages(self, events: HookEvent | list[HookEvent]) -> Iterator[Message]:
        limit = self.endpoint.max_body
        if isinstance(events, list):
            return batched(events, limit)
        return iter([structured(events, limit)])

    def _credentials(self) -> Credentials:
        try:
            return credentials(self.endpoint)
        except ConfigurationError as exc:
            # Not permanent: somebody can set the variable, and nothing is lost until then.
            raise DeliveryError(f"webhook endpoint {self.endpoint.name!r}: {exc}") from None

    def _post(self, message: Message, proof: Credentials, ends: float) -> None:
        who = f"{self.endpoint.name} at {origin(proof.url)}"
        try:
            answer = self._answer(message, proof, ends)
        except TimeoutError:
            text = f"{who}: no complete answer within {self.endpoint.timeout:g} s"
            raise DeliveryError(text) from None
        except DeliveryError as exc:
            # Without its cause: that quotes what the receiver sent, which may be what it was sent.
            raise DeliveryError(f"{who}: {proof.redactor.text(str(exc))}") from None
        if not answer.accepted:
            raise failure(answer, who, proof.redactor.text)

    def _answer(self, message: Message, proof: Credentials, ends: float) -> Answer:
        try:
            from phlo_hooks.connections import request
        except ImportError:
            raise MissingExtraError("httpcore2", "webhook") from None
        headers = {**dict(_headers(message, proof)), **proof.headers}
        return request(
            "POST", proof.url, headers.items(), message.body, ends=ends, ca_file=self.endpoint.ca_file
        )


def _headers(message: Message, proof: Credentials) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    # The others are refused in `headers`, this one may be replaced.
    yield "user-agent", "phlo-hooks"
    yield "content-type", message.content_type
    yield ID_HEADER, message.id
    yield TIMESTAMP_HEADER, str(now)
    if proof.keys:
        yield SIGNATURE_HEADER, sign(message.id, now, message.body, proof.keys)
