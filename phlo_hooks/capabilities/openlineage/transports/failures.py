"""What a transport raised, as the error that tells the relay what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from openlineage.client.transport import DatadogTransport, TransformTransport, Transport

from phlo_hooks.answers import Answer, excerpt, failure
from phlo_hooks.capabilities.openlineage.transports.http import NoTokenError
from phlo_hooks.capabilities.openlineage.transports.kafka import MessageRefusedError
from phlo_hooks.capabilities.openlineage.transports.sharing import ChildrenFailedError
from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.redaction import Redactor
from phlo_hooks.urls import origin

# It is the key or the path that is wrong, not the event: both can be mended, and nothing is lost until then.
_MENDABLE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
)


def as_delivery_error(error: Exception, transport: Transport, secrets: Iterable[str]) -> DeliveryError:
    """The error to raise instead.

    Args:
        error: what `emit` raised.
        transport: whose it was.
        secrets: not to be shown.
    """
    if isinstance(error, ChildrenFailedError):
        failures = [as_delivery_error(each, child, secrets) for child, each in error.failures]
        return _together(failures, error)
    who = f"OpenLineage transport {name_of(transport)}"
    response = _response(error)
    redactor = Redactor([*secrets, *_sent(response)])
    answer = _answer(response)
    if answer is not None:
        return _answered(answer, who, redactor)
    refused = any(isinstance(each, MessageRefusedError) for each in _chain(error))
    text = f"{who}: {type(error).__name__}{excerpt(redactor.text(str(error)))}"
    return PermanentError(text) if refused else DeliveryError(text)


def name_of(transport: Transport) -> str:
    """Its type, its name in a composite, and where it sends to, as far as that is no secret."""
    inner = _inner(transport)
    url = getattr(inner, "url", None)
    name = f" {transport.name!r}" if transport.name else ""
    return f"{inner.kind}{name}" + (f" at {origin(url)}" if isinstance(url, str) else "")


def _inner(transport: Transport) -> Transport:
    if isinstance(transport, TransformTransport):
        return _inner(transport.transport)
    return transport.http if isinstance(transport, DatadogTransport) else transport


def _together(failures: list[DeliveryError], error: ChildrenFailedError) -> DeliveryError:
    text = f"{error}: " + "; ".join(map(str, failures))
    waits = [each.after for each in failures if isinstance(each, RetryLater)]
    if waits:
        return RetryLater(text, after=max(waits), pause=True)
    # One that is gone (410) is no reason to send nothing to the others.
    hopeless = all(isinstance(each, PermanentError) for each in failures)
    return PermanentError(text) if hopeless else DeliveryError(text)


def _answered(answer: Answer, who: str, redactor: Redactor) -> DeliveryError:
    error = failure(answer, who, redactor.text)
    return DeliveryError(str(error)) if answer.status in _MENDABLE else error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _response(error: Exception) -> Any:
    """What the backend answered, in whatever form the library gives it; None if it did not."""
    chain = list(_chain(error))
    if any(isinstance(each, NoTokenError) for each in chain):
        return None
    found = (getattr(each, "response", None) for each in chain)
    # Not `or`: a response of `requests` is false when it is an error.
    response = next((each for each in found if each is not None), None)
    # Google's errors have a status themselves.
    return next((each for each in chain if _is_google(each)), response)


def _is_google(error: BaseException) -> bool:
    return type(error).__module__.startswith("google.api_core") and hasattr(error, "code")


def _answer(response: Any) -> Answer | None:
    if isinstance(response, dict):
        return _from_aws(response)
    if isinstance(response, BaseException):
        return Answer(int(getattr(response, "code", None) or 500), text=str(response))
    if response is None or not hasattr(response, "status_code"):
        return None
    return Answer(response.status_code, response.headers.get("Retry-After"), response.text)


def _from_aws(response: dict[str, Any]) -> Answer:
    error = response.get("Error", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.INTERNAL_SERVER_ERROR)
    # AWS says with a 400 what others say with a 429.
    status = HTTPStatus.TOO_MANY_REQUESTS if "Throttl" in error.get("Code", "") else status
    return Answer(int(status), text=f"{error.get('Code', '')} {error.get('Message', '')}")


def _sent(response: Any) -> list[str]:
    """The token that went with the request: one that a token endpoint gave stands in no configuration."""
    request = getattr(response, "request", None)
    header = str(getattr(request, "headers", {}).get("Authorization", ""))
    return header.split()[1:]
