"""HTTP: one request for each attempt, and its answer is looked at."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport, TokenProvider

if TYPE_CHECKING:
    from openlineage.client.client import Event

# Beneath us is a relay that retries, with patience, and knows what the backend said. The answer itself must
# come through: with a `status_forcelist`, a 500 would end as an exception without one.
NO_RETRIES = {"total": 0, "read": 0, "connect": 0, "status_forcelist": []}


class NoTokenError(Exception):
    """The token endpoint gave no token. What it answered says nothing about the event."""


class NotAcceptedError(Exception):
    """An answer that is neither 2xx nor, for `requests`, an error: 304, or a 3xx without a location."""

    def __init__(self, response: Any) -> None:
        super().__init__(f"answered {response.status_code}")
        self.response = response


class TokenGuard(TokenProvider):
    """Tells a token that was refused from an event that was refused."""

    def __init__(self, provider: TokenProvider) -> None:
        super().__init__({})
        self._provider = provider

    def get_bearer(self) -> str | None:
        """The header's value.

        Raises:
            NoTokenError: there is none.
        """
        try:
            return self._provider.get_bearer()
        except Exception as exc:
            raise NoTokenError(str(exc)) from exc


class Http(HttpTransport):
    """The client's own, but it follows no redirect. It keeps one session, whose pool serves many threads."""

    def __init__(self, config: HttpConfig) -> None:
        config.auth = TokenGuard(config.auth)
        super().__init__(config)
        # Now and not with the first event: each of two threads would make one, and one is never closed.
        self._prepare_session(self.session)

    def emit(self, event: Event) -> Any:
        """Send it.

        Raises:
            NotAcceptedError: the answer is not 2xx.
        """
        response = super().emit(event)
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise NotAcceptedError(response)
        return response

    def _prepare_session(self, session: Any) -> None:
        super()._prepare_session(session)
        # `requests` makes a GET of a redirected POST: the page that answers it with 200 has no event.
        session.max_redirects = 0


class AsyncHttp(Http):
    """`async_http`, without its queue: who waits for each event gains nothing by one.

    The client's own tells nobody but its log that an event was lost, or why, and it follows redirects.
    """

    kind = "async_http"


class Datadog(DatadogTransport):
    """Datadog's intake, without a queue either."""

    def __init__(self, config: DatadogConfig) -> None:
        super().__init__(config)
        self.http = Http(self.http.config)
