"""An answer to an HTTP request: what of it is looked at, and what is shown of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from phlo_hooks.errors import DeliveryError, EndpointGoneError, PermanentError, RetryLater

# Enough to say what went wrong, and not a page of HTML in every row of the store.
_SHOWN = 300
_THROTTLES = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_BUSY = frozenset({*_THROTTLES, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
# A limit that does not say for how long is mostly one by the minute.
PAUSE = 30.0
# Of the 4xx, those that another attempt can turn into a success.
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class Answer:
    """A response: its status, the `Retry-After` header if it has one, and the start of its body.

    Args:
        headers: all of them, by name in small letters.
    """

    status: int
    retry_after: str | None = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def accepted(self) -> bool:
        """Whether the receiver has what was sent."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def failure(answer: Answer, who: str, redact: Callable[[str], str]) -> DeliveryError:
    """The error that an answer other than 2xx is.

    Args:
        answer: of the endpoint.
        who: names it.
        redact: takes the secrets out of a text.
    """
    text = f"{who} answered {answer.status}{advice(answer.status)}{excerpt(redact(answer.text))}"
    if answer.status == HTTPStatus.GONE:
        return EndpointGoneError(text)
    wait = seconds_to_wait(answer.retry_after) if answer.status in _THROTTLES else None
    if wait is not None:
        return RetryLater(text, after=wait, pause=True)
    refused = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return PermanentError(text) if refused and answer.status not in _PASSING else DeliveryError(text)


def refusal(answer: Answer, text: str, mendable: Collection[int]) -> DeliveryError:
    """The error that an answer other than 2xx is, of a receiver whose operator can mend some refusals.

    Args:
        answer: of the receiver.
        text: what to say of it.
        mendable: the statuses that another attempt can turn into a success, once somebody has acted.
    """
    wait = seconds_to_wait(answer.retry_after) if answer.status in _BUSY else None
    if wait is None and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = PAUSE
    if wait is not None:
        return RetryLater(text, after=wait, pause=True)
    refused = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    lasts = refused and answer.status not in {*mendable, *_PASSING}
    return PermanentError(text) if lasts else DeliveryError(text)


def seconds_to_wait(retry_after: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for; None when it is not there, or makes no sense.

    Args:
        retry_after: seconds, or an HTTP date.
        now: aware; the current time by default.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    # HTTP dates are in GMT; "-0000" comes out without a zone.
    date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - (now or datetime.now(timezone.utc))).total_seconds())


def advice(status: int) -> str:
    """What to do about a redirect; nothing for any other status."""
    redirected = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    return " (redirects are not followed: set the url that it moved to)" if redirected else ""


def excerpt(text: str) -> str:
    """The start of an answer's text on one line, behind a colon; nothing if it has none."""
    line = " ".join(text.split())
    if not line:
        return ""
    return f": {line[:_SHOWN]}…" if len(line) > _SHOWN else f": {line}"
