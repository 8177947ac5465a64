"""All sources, one after the other, each with its share of the time."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import dagster as dg

from phlo_hooks.assets import AssetGraph, NoAssets
from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import StoreError
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.watching.backfills import watch_backfills
from phlo_hooks.producers.watching.daemons import watch_daemons
from phlo_hooks.producers.watching.definitions import watch_definitions
from phlo_hooks.producers.watching.limits import Limits
from phlo_hooks.producers.watching.notes import Notes
from phlo_hooks.producers.watching.post import OutOfTime, Post
from phlo_hooks.producers.watching.runs import watch_runs
from phlo_hooks.producers.watching.ticks import watch_ticks

logger = logging.getLogger("phlo_hooks.watching")

# What all code locations of an instance know together.
SHARED = "watch"


@dataclass(frozen=True)
class Source:
    """Something to look at: yields events, having noted them.

    Args:
        name: of its notes.
        watch: looks.
        shared: whether its notes are those of all locations.
        most: seconds that it may take, however much is left.
    """

    name: str
    watch: Callable[[Post, Notes], Iterator[HookEvent]]
    shared: bool = False
    most: float = math.inf


# The cheapest first: what one leaves of its time, the next ones have.
SOURCES = (
    Source("daemon", watch_daemons, shared=True),
    Source("definition", watch_definitions),
    Source("backfill", watch_backfills),
    Source("run", watch_runs),
    # A query for each schedule, 3 ms on SQLite: a thousand of them take turns.
    Source("tick", watch_ticks, most=1.0),
)


@dataclass
class WatchReport:
    """What one look brought."""

    events: int = 0
    new: int = 0
    complete: bool = True


class Watchers:
    """Records what no run's own log tells.

    Args:
        instance: the Dagster instance.
        catalog: what the definitions say of the assets.
        store: where the notes are.
        recorder: where events go.
        bus: knows which hooks want an event.
        scope: the code location.
        since: what came to be before is not told; counts when there are no notes yet.
        limits: gives how long runs may take.
        assets: what they say, ready to be told.
        sources: what to look at.
        clock: seconds, for the budget.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        catalog: Catalog,
        *,
        store: HookStore,
        recorder: Recorder,
        bus: HookBus,
        scope: str,
        since: datetime,
        limits: Callable[[], Limits] = Limits,
        assets: AssetGraph | None = None,
        sources: tuple[Source, ...] = SOURCES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._bus = bus
        self._namespace = f"{SHARED}:{scope}"
        self._sources = sources
        self._clock = clock
        self._post = Post(
            instance,
            catalog,
            scope,
            since.astimezone(timezone.utc),
            limits,
            wanted=lambda event: bool(bus.match(event)),
            asked_for=lambda kind: any(each.filters.asks_for(kind) for each in bus.hooks if each.filters),
            out_of_time=lambda: False,
            assets=assets or NoAssets(),
        )

    def look(self, budget: float) -> WatchReport:
        """Look at every source and record what is new, for at most about `budget` seconds.

        Trouble in one source is logged once, and the others are looked at.

        Raises:
            StoreUnavailableError: the store is down; what was not recorded is found again next time.
        """
        report, deadline = WatchReport(), self._clock() + budget
        post = replace(self._post, since=self._since())
        for position, source in enumerate(self._sources):
            share = (deadline - self._clock()) / (len(self._sources) - position)
            self._look_at(source, self._limited(post, min(share, source.most)), report)
        return report

    def _limited(self, post: Post, share: float) -> Post:
        end = self._clock() + share
        return replace(post, out_of_time=lambda: self._clock() >= end)

    def _look_at(self, source: Source, post: Post, report: WatchReport) -> None:
        notes = Notes(self._store, SHARED if source.shared else self._namespace, f"{source.name}/")
        found: list[HookEvent] = []
        try:
            found.extend(source.watch(post, notes))
            self._had_trouble(source, None)
        except OutOfTime:
            report.complete = False
        except StoreError:
            raise
        except Exception as exc:  # noqa: BLE001  # one source must not stop the others, nor the delivery
            self._had_trouble(source, exc)
        # Also what it found before it failed: a note stands beside each event.
        batch = [(event, self._bus.match(event)) for event in found]
        report.events += len(batch)
        report.new += len(self._recorder.record(batch, notes.writes))

    def _had_trouble(self, source: Source, trouble: Exception | None) -> None:
        """Log it once: a trouble that stays would be logged in each tick."""
        notes = Notes(self._store, self._namespace, "trouble/")
        if (notes.get(source.name) is None) == (trouble is None):
            return
        if trouble is not None:
            logger.error("%ss cannot be watched; it is tried again", source.name, exc_info=trouble)
            notes.keep(source.name, True)
        else:
            notes.forget(source.name)
        self._recorder.record((), notes.writes)

    def _since(self) -> datetime:
        """When there was first somebody to look; what was before is not told, also not later."""
        notes = Notes(self._store, self._namespace, "")
        known = notes.get("since")
        if known is not None:
            return datetime.fromisoformat(known)
        notes.keep("since", self._post.since.isoformat())
        self._recorder.record((), notes.writes)
        return self._post.since
