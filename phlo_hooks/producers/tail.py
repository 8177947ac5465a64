"""The tail: reads Dagster's own log and records what nobody else could say.

It finds runs by when they last changed, and each time looks back further than it has come, because clocks
differ and transactions commit late. Of each run it keeps a mark in the store, together with the run's events,
until the run is over and out of sight. What it reads twice is recorded once, since an event's id comes from
the thing itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Set as AbstractSet
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from itertools import takewhile
from typing import Any

import dagster as dg
from dagster import DagsterRun, RunRecord, RunsFilter

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.records import StateWrite
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import StoreError
from phlo_hooks.events import HookEvent
from phlo_hooks.producers import run_view
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.dagster_private import RUNLESS_RUN_ID, log_cursor
from phlo_hooks.producers.run_retries import RunRetries
from phlo_hooks.producers.runlog import RELEVANT, Recorded, RecordReader, RunFacts, RunLog, T, recorded
from phlo_hooks.producers.translate import translate_run, translate_runless

logger = logging.getLogger("phlo_hooks.tail")

# How far apart two machines' clocks, or a write and its commit, may be.
LOOKBACK = timedelta(minutes=10)
# A worker that was given up for dead may still write, and a run's end takes Dagster several writes: this long
# after it a run is looked at for the last time.
LINGER = timedelta(minutes=2)
_RUN_PAGE = 200
# Large enough to be worth a transaction, small enough to keep it short.
_FLUSH_EVENTS = 2_000
# What can have been reported from outside of runs between the loading of the code and the first tick.
_RUNLESS_START = 1_000
_WATERMARK, _RUNLESS, _RUN = "watermark", "runless", "run/"
# Where each location's tail says which assets it knows, so that the others leave them to it.
TAILS, _LOCATION = "tails", "location/"


@dataclass
class CollectReport:
    """What one pass of the tail did."""

    runs: int = 0
    events: int = 0
    new: int = 0
    complete: bool = True

    def __str__(self) -> str:
        rest = "" if self.complete else "; out of time, more in the next tick"
        return f"read {self.runs} runs, recorded {self.new} new of {self.events} events{rest}"


@dataclass(frozen=True)
class _Mark:
    """How far a run was read: up to `cursor`, with `shown` of its attempts noted for the run view."""

    cursor: str | None = None
    shown: int = 0
    ended: str | None = None
    closed: bool = False
    failed: bool = False

    @property
    def due(self) -> bool:
        """Whether to look at the run: while it is open, and once more well after its end."""
        if self.ended is None:
            return True
        return not self.closed and utc_now() - datetime.fromisoformat(self.ended) > LINGER


@dataclass
class _Pending:
    """What waits for the next transaction."""

    batch: list[tuple[HookEvent, Any]] = field(default_factory=list)
    state: list[StateWrite] = field(default_factory=list)


class Tail:
    """Records events from the log of a Dagster instance.

    Args:
        instance: whose log.
        catalog: what the definitions say of the assets.
        store: where its cursors are.
        recorder: where events go.
        bus: knows which hooks want an event.
        scope: the code location; the runs of others are left to their own tails.
        since: how far back to look the first time.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instance = instance
        self._catalog = catalog
        self._store = store
        self._recorder = recorder
        self._bus = bus
        self._scope = scope
        # Dagster compares its own UTC times with whatever stands in a filter, and looks at no zone.
        self._since = since.astimezone(timezone.utc)
        self._clock = clock
        self._namespace = f"tail:{scope}"
        self._pending = _Pending()
        self._retries = RunRetries.of(instance)

    def collect(self, budget: float) -> CollectReport:
        """Record what happened since the last time, for at most about `budget` seconds.

        Raises:
            StoreUnavailableError: the store is down; what was not recorded is read again next time.
        """
        report, deadline, now = CollectReport(), self._clock() + budget, utc_now()
        watermark, since = self._position()
        marks = self._marks()
        self._introduce()
        self._collect_runless(since, report)
        for record in self._runs(max(watermark - LOOKBACK, since), marks):
            if self._clock() >= deadline:
                report.complete = False
                break
            self._collect_run(record, marks.get(record.dagster_run.run_id), report)
            watermark = max(watermark, min(record.update_timestamp, now))
            self._flush(report, _FLUSH_EVENTS)
        else:
            watermark = now
        position = {"updated": watermark.isoformat(), "since": since.isoformat()}
        self._pending.state.append(self._write(_WATERMARK, position))
        self._flush(report)
        self._store.expire()
        return report

    def collect_run(self, run_id: str) -> CollectReport:
        """Record what is known of one run now."""
        report = CollectReport()
        record = self._instance.get_run_record_by_id(run_id)
        if record is not None:
            self._collect_run(record, None, report)
            self._flush(report)
        return report

    def _runs(self, since: datetime, marks: dict[str, _Mark]) -> Iterator[RunRecord]:
        """Runs that are due: those that changed, oldest change first, then others; the rest is forgotten."""
        seen: set[str] = set()
        last: list[RunRecord] = []
        for record in self._changed(since):
            run_id = record.dagster_run.run_id
            if run_id in seen or not self._is_ours(record):
                continue
            seen.add(run_id)
            mark = marks.get(run_id, _Mark())
            if mark.ended is None:
                yield record
            elif mark.due:
                last.append(record)
        yield from last
        unseen = {run_id: mark for run_id, mark in marks.items() if run_id not in seen}
        yield from self._found([run_id for run_id, mark in unseen.items() if mark.due])
        self._forget(run_id for run_id, mark in unseen.items() if mark.closed)

    def _changed(self, since: datetime) -> Iterator[RunRecord]:
        size = _RUN_PAGE
        while True:
            page = self._instance.get_run_records(
                RunsFilter(updated_after=since), limit=size, order_by="update_timestamp", ascending=True
            )
            yield from page
            if len(page) < size:
                return
            # Back by the clock's smallest step: runs of one instant may stand on both sides of a page's end,
            # or fill more than a page.
            since = page[-1].update_timestamp - timedelta(microseconds=1)
            size = 2 * size if page[0].update_timestamp == page[-1].update_timestamp else _RUN_PAGE

    def _found(self, run_ids: list[str]) -> Iterator[RunRecord]:
        """The runs of these ids; what was deleted meanwhile is forgotten."""
        for start in range(0, len(run_ids), _RUN_PAGE):
            chosen = run_ids[start : start + _RUN_PAGE]
            records = self._instance.get_run_records(RunsFilter(run_ids=chosen))
            yield from records
            self._forget(set(chosen) - {record.dagster_run.run_id for record in records})

    def _is_ours(self, record: RunRecord) -> bool:
        # A run that was executed in its own process has no location; its assets have.
        return RunFacts.of(record.dagster_run).location in (None, self._scope)

    def _introduce(self) -> None:
        """Tell the tails of other locations which assets are ours."""
        key, ours = _LOCATION + self._scope, sorted(self._catalog.assets)
        known = self._store.get_state(TAILS, key)
        if known is None or known.value != ours:
            self._pending.state.append(StateWrite(TAILS, key, ours))

    @cached_property
    def _theirs(self) -> frozenset[str]:
        """The assets of other locations; what nobody knows is told by whoever comes first."""
        others = (each for each in self._store.list_state(TAILS) if each.key != _LOCATION + self._scope)
        return frozenset(key for each in others for key in each.value)

    def _is_theirs(self, asset_keys: AbstractSet[str]) -> bool:
        """Whether what no location claims for itself is about the assets of another one only."""
        if not asset_keys or asset_keys & self._catalog.assets.keys():
            return False
        return not self._theirs.isdisjoint(asset_keys)

    def _collect_run(self, record: RunRecord, mark: _Mark | None, report: CollectReport) -> None:
        run_id = record.dagster_run.run_id
        try:
            if mark is None or self._has_news(run_id, mark):
                self._read_run(record.dagster_run, mark or _Mark(), report)
            elif mark.ended is None and record.dagster_run.is_finished:
                # It ended without a word in its log, as when a run is marked by hand.
                self._remember(run_id, replace(mark, ended=utc_now().isoformat()))
            elif mark.ended is not None:
                self._remember(run_id, replace(mark, closed=True))
        except StoreError:
            raise
        except Exception:
            # One run that cannot be read must not keep all others from being read. With a mark it is tried
            # again in each tick; the log says so once.
            if mark is None or not mark.failed:
                logger.exception("run %s cannot be read; it is tried again", run_id)
            self._remember(run_id, replace(mark or _Mark(), failed=True))

    def _has_news(self, run_id: str, mark: _Mark) -> bool:
        page = self._instance.get_records_for_run(run_id, cursor=mark.cursor, of_type=RELEVANT, limit=1)
        return bool(page.records)

    def _read_run(self, run: DagsterRun, mark: _Mark, report: CollectReport) -> None:
        reader = RecordReader(self._instance, run.run_id)
        log = self._log(run, tuple(reader))
        if log is None:
            self._remember(run.run_id, mark)
            return
        if log.run.location is None and self._is_theirs(log.planned_assets):
            self._remember(run.run_id, _Mark(reader.cursor, ended=utc_now().isoformat(), closed=True))
            return
        self._add(translate_run(log, self._catalog), report)
        report.runs += 1
        attempts = log.ended_attempts
        fresh = enumerate(attempts[mark.shown :], mark.shown)
        self._pending.state += [run_view.todo(run.run_id, number, each) for number, each in fresh]
        ended = utc_now().isoformat() if log.ended else None
        self._remember(run.run_id, _Mark(reader.cursor, len(attempts), ended))

    def _log(self, run: DagsterRun, records: tuple[Recorded, ...]) -> RunLog | None:
        """What is known of a run; None while it is about to end, and will be known better in a moment."""
        log = RunLog(RunFacts.of(run, self._retries), records)
        if not self._is_ending(run, log):
            return log
        # Or was its row read long before its log?
        run = self._instance.get_run_by_id(run.run_id) or run
        log = RunLog(RunFacts.of(run, self._retries), records)
        return None if self._is_ending(run, log) else log

    def _is_ending(self, run: DagsterRun, log: RunLog) -> bool:
        """Whether Dagster is at it: it writes the end into the log, then the run's state, then its tags."""
        if log.ended is None or utc_now() - log.ended.timestamp > LINGER:
            return False
        retried = log.ended.type is T.RUN_FAILURE and self._instance.run_retries_enabled
        return not run.is_finished or (retried and log.run.will_retry is None)

    def _collect_runless(self, since: datetime, report: CollectReport) -> None:
        known = self._store.get_state(self._namespace, _RUNLESS)
        cursor = known.value["cursor"] if known else self._runless_start(since)
        records = tuple(RecordReader(self._instance, RUNLESS_RUN_ID, cursor))
        for record in records:
            self._add_runless(record, report)
        # A number is given out before its record can be read, and a lower one may come later.
        settled = list(takewhile(lambda each: utc_now() - each.timestamp > LINGER, records))
        if settled:
            cursor = log_cursor(settled[-1].storage_id)
        if known is None or settled:
            self._pending.state.append(self._write(_RUNLESS, {"cursor": cursor}))

    def _add_runless(self, record: Recorded, report: CollectReport) -> None:
        if self._is_theirs(record.asset_keys):
            return
        try:
            self._add(translate_runless([record], self._catalog), report)
        except Exception:
            logger.exception("record %d, from outside of runs, could not be translated", record.storage_id)

    def _runless_start(self, since: datetime) -> str:
        """The first time, read backwards: what happened before there was a tail is not told."""
        page = self._instance.get_records_for_run(
            RUNLESS_RUN_ID, of_type=RELEVANT, limit=_RUNLESS_START, ascending=False
        )
        found = [recorded(each.event_log_entry, each.storage_id) for each in page.records]
        old = [each.storage_id for each in found if each is not None and each.timestamp < since]
        return log_cursor(old[0] if old else page.records[-1].storage_id - 1 if page.records else 0)

    def _add(self, events: Iterable[HookEvent], report: CollectReport) -> None:
        for event in events:
            self._pending.batch.append((event, self._bus.match(event)))
            report.events += 1

    def _flush(self, report: CollectReport, at_least: int = 0) -> None:
        pending = self._pending
        if len(pending.batch) < at_least:
            return
        self._pending = _Pending()
        report.new += len(self._recorder.record(pending.batch, pending.state))

    def _position(self) -> tuple[datetime, datetime]:
        """How far it has come, and where it once began."""
        known = self._store.get_state(self._namespace, _WATERMARK)
        if known is None:
            return self._since, self._since
        updated, since = known.value["updated"], known.value["since"]
        return datetime.fromisoformat(updated), datetime.fromisoformat(since)

    def _marks(self) -> dict[str, _Mark]:
        found = self._store.list_state(self._namespace, prefix=_RUN)
        return {item.key.removeprefix(_RUN): _Mark(**item.value) for item in found}

    def _remember(self, run_id: str, mark: _Mark) -> None:
        self._pending.state.append(self._write(_RUN + run_id, asdict(mark)))

    def _forget(self, run_ids: Iterable[str]) -> None:
        now = utc_now()
        gone = (StateWrite(self._namespace, _RUN + run_id, None, now) for run_id in run_ids)
        self._pending.state += gone

    def _write(self, key: str, value: Any) -> StateWrite:
        return StateWrite(self._namespace, key, value)


def read_run(instance: dg.DagsterInstance, run_id: str, catalog: Catalog) -> list[HookEvent]:
    """The events of a run as its log stands; none of a run that the instance does not have."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return []
    facts = RunFacts.of(run, RunRetries.of(instance))
    return translate_run(RunLog(facts, tuple(RecordReader(instance, run_id))), catalog)
