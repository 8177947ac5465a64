"""The lineage of the definitions, without any run: told when they change, and only what has changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from openlineage.client.event_v2 import DatasetEvent, Job, JobEvent
from openlineage.client.serde import Serde

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.openlineage.facets.job import asset_job_facets
from phlo_hooks.capabilities.openlineage.knowledge import sources
from phlo_hooks.capabilities.openlineage.ledger import Ledger, kept_key
from phlo_hooks.capabilities.openlineage.lineage import Lineage
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.capabilities.openlineage.settings import Settings
from phlo_hooks.capabilities.openlineage.transports import Outlet
from phlo_hooks.errors import PermanentError, RetryLater, StoreError
from phlo_hooks.events import DefinitionsEvent
from phlo_hooks.state import StateChange, StateStore

# Well under the time limit of a call; what is left is told by the next one.
_BUDGET = 20.0
_PREFIX = "static/"
_PROGRESS = "static"
_SHOWN = 10

StaticEvent = JobEvent | DatasetEvent


class Graph:
    """The whole asset graph as OpenLineage events.

    Args:
        settings: of the resource.
        assets: the definitions.
        ledger: knows where datasets are.
    """

    def __init__(self, settings: Settings, assets: AssetGraph, ledger: Ledger) -> None:
        self._settings, self._assets, self._ledger = settings, assets, ledger

    def assets(self) -> list[str]:
        """The keys of those of which something is told."""
        return [key for key in self._assets.keys() if self._settings.takes(key)]  # noqa: SIM118  # no mapping

    def events(self, key: str, when: datetime) -> Iterator[StaticEvent]:
        """What there is to tell of an asset: its dataset, and the job that computes it, if there is one."""
        info = self._assets.asset(key)
        upstream = sources(info) if info else ()
        page = self._ledger.open(run_id=None, dagster_run=None, assets=(key, *upstream), computed=key)
        lineage = Lineage(self._settings, self._assets, page, {})
        at = when.isoformat().replace("+00:00", "Z")
        yield DatasetEvent(eventTime=at, producer=PRODUCER, dataset=lineage.static(key))
        if info is not None and info.executable:
            job = self._settings.asset_job(info, {})
            yield JobEvent(
                eventTime=at,
                producer=PRODUCER,
                job=Job(*job, facets=asset_job_facets(info)),
                inputs=lineage.static_inputs(key),
                outputs=[lineage.static_output(key)],
            )


@dataclass(frozen=True)
class GraphSender:
    """Sends what has changed of the asset graph since it was sent the last time.

    Args:
        graph: of the definitions.
        state: remembers what was sent, asset by asset.
        outlet: gives where it goes.
    """

    graph: Graph
    state: StateStore
    outlet: Callable[[], Outlet]

    def __call__(self, event: DefinitionsEvent) -> None:
        """Send it.

        Raises:
            PermanentError: some assets the backend will never take; it has all others.
            RetryLater: there is more than one call has time for, or the backend asked to be left alone.
            DeliveryError: anything else; another attempt goes on where this one has stopped.
        """
        ends = time.monotonic() + _BUDGET
        told, refused = self._told(event)
        # Sorted. To look again at what was told takes 2 ms for each, and would be all there is time for.
        for key in (each for each in self.graph.assets() if each > told):
            if time.monotonic() > ends:
                self._note(event, told, refused)
                raise RetryLater(f"the asset graph is told as far as {told!r}", after=0.1)
            refused += self._refusals(key, event.timestamp)
            told = key
        if refused:
            # Who replays it wants all of it to be looked at.
            self._note(event, "", [])
            raise PermanentError(f"not told of {len(refused)} assets: {'; '.join(refused[:_SHOWN])}")

    def _told(self, event: DefinitionsEvent) -> tuple[str, list[str]]:
        """As far as which asset other calls have told of this event, and what was refused of it."""
        known = self.state.get(_PROGRESS)
        if known is None or known.value["event"] != event.event_id:
            return "", []
        return known.value["key"], known.value["refused"]

    def _note(self, event: DefinitionsEvent, told: str, refused: list[str]) -> None:
        known = self.state.get(_PROGRESS)
        progress = {"event": event.event_id, "key": told, "refused": refused}
        self.state.commit([StateChange(_PROGRESS, progress, known.version if known else 0)])

    def _refusals(self, key: str, when: datetime) -> list[str]:
        """Why an asset cannot be told, if it cannot: the others are told all the same."""
        try:
            self._send(key, when)
        except PermanentError as exc:
            return [f"{key}: {exc}"]
        return []

    def _events(self, key: str, when: datetime) -> list[StaticEvent]:
        try:
            return list(self.graph.events(key, when))
        except StoreError:
            raise
        except Exception as exc:
            raise PermanentError(f"no OpenLineage can be made of it: {exc!r}") from exc

    def _send(self, key: str, when: datetime) -> None:
        events = self._events(key, when)
        digest = _digest(events)
        known = self.state.get(_entry(key))
        if known is not None and known.value == digest:
            return
        for each in events:
            self.outlet().send(each)
        self.state.commit([StateChange(_entry(key), digest, known.version if known else 0)])


def _entry(key: str) -> str:
    return _PREFIX + kept_key(key)


def _digest(events: list[StaticEvent]) -> str:
    """Of all but the time."""
    said = [{**Serde.to_dict(event), "eventTime": None} for event in events]
    # Not by the client's own: it would go through all of it a second time.
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
