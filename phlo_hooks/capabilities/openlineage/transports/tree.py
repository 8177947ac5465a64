"""Transports that hold transports, and how all of them are built."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attr
from openlineage.client.transport import (
    CompositeTransport,
    TransformConfig,
    TransformTransport,
    Transport,
    get_default_factory,
)
from openlineage.client.transport.factory import DefaultTransportFactory

from phlo_hooks.capabilities.openlineage.transports.file import File
from phlo_hooks.capabilities.openlineage.transports.http import AsyncHttp, Datadog, Http
from phlo_hooks.capabilities.openlineage.transports.kafka import Kafka, MskIam
from phlo_hooks.capabilities.openlineage.transports.sharing import (
    ChildrenFailedError,
    Receipts,
    fingerprint,
)

if TYPE_CHECKING:
    from openlineage.client.client import Event
    from openlineage.client.transport.composite import CompositeConfig

log = logging.getLogger(__name__)


class Composite(CompositeTransport):
    """The client's own succeeds when one of its transports does: here, all of them have to.

    With `continue_on_success: false` it ends at the first that takes the event, as there.
    """

    def __init__(self, config: CompositeConfig) -> None:
        super().__init__(config)
        self._receipts = Receipts()

    @cached_property
    def transports(self) -> list[Transport]:
        """The children, in the order in which they get an event."""
        given = self.config.transports
        listed = (
            [{**each, "name": name} for name, each in given.items()] if isinstance(given, dict) else given
        )
        children = [build(each) for each in listed]
        # The highest priority first; 0 where there is none.
        return sorted(children, key=lambda each: -each.priority) if self.config.sort_transports else children

    def emit(self, event: Event) -> None:
        """Give it to each that does not have it yet.

        Raises:
            ChildrenFailedError: the next attempt leaves out those that have it.
        """
        key, failures = fingerprint(event), []
        for place, child in enumerate(self.transports):
            failure = None if self._receipts.has(key, place) else _tried(child, event)
            if failure is None:
                self._receipts.add(key, place)
            else:
                failures.append((child, failure))
            if not (self.config.continue_on_success if failure is None else self.config.continue_on_failure):
                break
        self._conclude(key, failures, taken=failure is None)

    def _conclude(self, key: bytes, failures: list[tuple[Transport, Exception]], *, taken: bool) -> None:
        enough = taken and not self.config.continue_on_success
        if failures and not enough:
            raise ChildrenFailedError(failures, len(self.transports))
        for child, failure in failures:
            # Its text may hold what must not be logged.
            log.warning("%s failed (%s), the next one has the event", child, type(failure).__name__)
        self._receipts.forget(key)


class Transform(TransformTransport):
    """The client's own, around a transport of ours."""

    def __init__(self, config: TransformConfig) -> None:
        super().__init__(attr.evolve(config, transport={"type": "noop"}))
        self.transport = build(config.transport)


_OURS: dict[str, type[Transport]] = {
    "async_http": AsyncHttp,
    "composite": Composite,
    "datadog": Datadog,
    "file": File,
    "http": Http,
    "kafka": Kafka,
    "msk-iam": MskIam,
    "transform": Transform,
}


def build(config: dict[str, Any]) -> Transport:
    """The transport that a prepared configuration names; the client's own where we have none."""
    factory = DefaultTransportFactory()
    factory.transports = {**get_default_factory().transports, **_OURS}
    return factory.create(config)


def _tried(child: Transport, event: Event) -> Exception | None:
    try:
        child.emit(event)
    except Exception as exc:  # noqa: BLE001  # a transport may raise anything: an outcome
        return exc
    return None
