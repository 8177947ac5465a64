"""What channels over HTTP have in common: one request, within its time, and what its answer means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from importlib.util import find_spec

from pydantic import Field

from phlo_hooks import answers
from phlo_hooks.answers import Answer, advice, excerpt
from phlo_hooks.capabilities.alerting.channels.channel import Channel
from phlo_hooks.capabilities.alerting.channels.secrets import check_one, known, read
from phlo_hooks.errors import ConfigurationError, DeliveryError, MissingExtraError
from phlo_hooks.redaction import Redactor
from phlo_hooks.urls import check_url, origin, secret_pieces

# What an operator can mend (a key, a right, a channel, an address): tried again, because an alert that is
# lost while a key is replaced is not found again.
_MENDABLE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_HEADERS = {"user-agent": "phlo-hooks", "content-type": "application/json; charset=utf-8"}


class WebChannel(Channel):
    """A channel that is reached over HTTP. Redirects are not followed, certificates always checked."""

    timeout: float = Field(
        default=15.0, gt=0, description="Seconds for a request, from connecting to the end of the answer."
    )
    ca_file: str | None = Field(
        default=None,
        description="PEM file of a private certificate authority to trust, besides the public ones.",
    )

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: the channel, the field and the next step.
            MissingExtraError: `pip install 'phlo-hooks[alerting]'`.
        """
        if find_spec("httpcore2") is None:
            raise MissingExtraError("httpcore2", "alerting")
        try:
            self._check_fields()
        except ConfigurationError as exc:
            raise ConfigurationError(f"alert channel {self.name!r}: {exc}") from None

    def _check_fields(self) -> None:
        """What a channel has to check of its own."""

    def _read(self, field: str, text: str | None, variable: str | None = None) -> str:
        """A secret's value now; that it is missing can be mended, so it is not the end of the message."""
        try:
            return read(field, text, variable)
        except ConfigurationError as exc:
            raise DeliveryError(f"alert channel {self.name!r}: {exc}") from None

    def _read_url(self, field: str, text: str | None, variable: str | None = None) -> str:
        url = self._read(field, text, variable)
        try:
            check_url(url)
        except ConfigurationError as exc:
            raise DeliveryError(f"alert channel {self.name!r}: {field}: {exc}") from None
        return url

    def post(
        self,
        url: str,
        body: bytes,
        redactor: Redactor,
        headers: Mapping[str, str] | None = None,
        *,
        ends: float | None = None,
    ) -> Answer:
        """One request of JSON and its answer, whatever its status.

        Args:
            url: where to.
            body: the JSON.
            redactor: hides the secrets of the request in errors.
            headers: further ones.
            ends: when it must be over, where a call makes several; `time.monotonic()`.

        Raises:
            DeliveryError: no complete answer came.
        """
        request, who = _sender(), self.who(url)
        sent = {**_HEADERS, **(headers or {})}
        ca_file = self._read("ca_file", self.ca_file) or None
        until = time.monotonic() + self.timeout if ends is None else ends
        try:
            return request("POST", url, sent.items(), body, ends=until, ca_file=ca_file)
        except TimeoutError:
            raise DeliveryError(f"{who}: no complete answer within {self.timeout:g} s") from None
        except DeliveryError as exc:
            # Without its cause: that quotes what the receiver sent, which may be what it was sent.
            raise DeliveryError(f"{who}: {redactor.text(str(exc))}") from None

    def who(self, url: str) -> str:
        """The channel and its receiver, without secrets."""
        return f"{self.name} at {origin(url)}"


def check_address(field: str, text: str | None, variable: str | None) -> None:
    """Refuse a URL that no request can be sent to, or that is given twice.

    Raises:
        ConfigurationError: names the field; shows nothing of the URL but its host.
    """
    check_one(field, text, variable)
    if known(text) is not None:
        try:
            check_url(str(text).strip())
        except ConfigurationError as exc:
            raise ConfigurationError(f"{field}: {exc}") from None


def redactor_of(url: str, secrets: Iterable[str] = ()) -> Redactor:
    """Hides these, and what is secret in a URL."""
    return Redactor([*secrets, *secret_pieces(url)])


def refusal(answer: Answer, who: str, redact: Callable[[str], str]) -> DeliveryError:
    """The error that an answer other than 2xx is.

    | answer | error |
    | --- | --- |
    | 429, 502, 503, 504 with `Retry-After` (seconds or date) | RetryLater, for every message of the channel |
    | 429 without | the same, 30 s |
    | 401, 403, 404, 408, 425, 3xx, 5xx | DeliveryError: an operator can mend it, or it passes |
    | other 4xx | PermanentError |

    Args:
        answer: of the receiver.
        who: names the channel.
        redact: takes the secrets out of a text.
    """
    text = f"{who} answered {answer.status}{advice(answer.status)}{excerpt(redact(answer.text))}"
    return answers.refusal(answer, text, _MENDABLE)


def _sender() -> Callable[..., Answer]:
    try:
        from phlo_hooks.connections import request
    except ImportError:
        # Not the end of the message: it can be installed.
        raise DeliveryError(str(MissingExtraError("httpcore2", "alerting"))) from None
    return request
