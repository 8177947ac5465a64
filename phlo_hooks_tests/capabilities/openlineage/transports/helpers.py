"""Events, and outlets that are closed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from openlineage.client.event_v2 import Job, JobEvent, Run, RunEvent, RunState
from openlineage.client.transport import http
from openlineage.client.transport.transform.transform import EventTransformer

from phlo_hooks.capabilities.openlineage.transports import Outlet, TransportSettings

# Of the client's, the oldest that is supported has the API key alone.
tokens_from_endpoints = pytest.mark.skipif(
    not hasattr(http, "OAuth2ClientCredentialsTokenProvider"), reason="this openlineage-python has no oauth2"
)

RUN = "01890a5d-ac96-774b-bcce-b302099a8057"


def run_event(name: str = "orders", state: RunState = RunState.COMPLETE) -> RunEvent:
    """An event that is the same whenever it is built."""
    return RunEvent(
        eventTime="2026-01-01T00:00:00Z",
        producer="https://example.com/producer",
        eventType=state,
        run=Run(runId=RUN),
        job=Job(namespace="shop", name=name),
    )


def job_event() -> JobEvent:
    """An event without a run."""
    return JobEvent(
        eventTime="2026-01-01T00:00:00Z",
        producer="https://example.com/producer",
        job=Job(namespace="shop", name="orders"),
    )


@contextmanager
def outlet_of(**fields: Any) -> Iterator[Outlet]:
    """An outlet, closed in the end."""
    outlet = Outlet(TransportSettings(**fields))
    try:
        yield outlet
    finally:
        outlet.close()


def send(event: Any = None, **fields: Any) -> None:
    """Send one event through an outlet of its own."""
    with outlet_of(**fields) as outlet:
        outlet.send(run_event() if event is None else event)


class Renaming(EventTransformer):
    """Puts a word before the job's name."""

    def transform(self, event: Any) -> Any:
        event.job.name = f"{self.properties['word']}-{event.job.name}"
        return event


class Dropping(EventTransformer):
    """Lets nothing through."""

    def transform(self, event: Any) -> Any:
        return None


class OwnToken(http.TokenProvider):
    """A token provider of the user's own."""

    def __init__(self, config: dict[str, str]) -> None:
        self.word = config["word"]

    def get_bearer(self) -> str:
        return f"Bearer {self.word}"
