"""The tail: reads Dagster's own log and records what nobody else could say.

It finds runs by when they last changed, and each time looks back further than it has come, because clocks
differ and transactions commit late; which runs it has read to their end it marks in the store, together
with their events. What it reads twice is recorded once, since an event's id comes from the thing itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from dagster import RunRecord, RunsFilter

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.records import StateWrite
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.events import HookEvent
from phlo_hooks.producers import run_view
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.dagster_private import RUNLESS_RUN_ID, log_cursor
from phlo_hooks.producers.runlog import RELEVANT, RecordReader, RunFacts, RunLog, recorded
from phlo_hooks.producers.translate import translate_run, translate_runless

logger = logging.getLogger("phlo_hooks.tail")

# How far apart two machines' clocks, or a write and its commit, may be.
LOOKBACK = timedelta(minutes=10)
# A worker that was given up for dead may still write: its run is looked at for this long after its end.
LINGER = timedelta(minutes=2)
_RUN_PAGE = 200
# Large enough to be worth a transaction, small enough to keep it short.
_FLUSH_EVENTS = 2_000
# What can have been reported from outside of runs between the loading of the code and the first tick.
_RUNLESS_START = 1_000
_WATERMARK, _RUNLESS, _RUN = "watermark", "runless", "run/"


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
        self._since = since
        self._clock = clock
        self._namespace = f"tail:{scope}"
        self._pending = _Pending()

    def collect(self, budget: float) -> CollectReport:
        """Record what happened since the last time, for at most about `budget` seconds.

        Raises:
            StoreUnavailableError: the store is down; what was not recorded is read again next time.
        """
        report, deadline, now = CollectReport(), self._clock() + budget, utc_now()
        marks = self._marks()
        watermark = self._watermark()
        for record in self._runs(watermark, marks):
            if self._clock() >= deadline:
                report.complete = False
                break
            self._collect_run(record, marks.get(record.dagster_run.run_id), report)
            watermark = max(watermark, min(record.update_timestamp, now))
            self._flush(report, _FLUSH_EVENTS)
        else:
            watermark = now
        if report.complete:
            self._collect_runless(report)
        self._pending.state.append(self._write(_WATERMARK, {"updated": watermark.isoformat()}))
        self._flush(report)
        return report

    def collect_run(self, run_id: str) -> CollectReport:
        """Record what is known of one run now."""
        report = CollectReport()
        record = self._instance.get_run_record_by_id(run_id)
        if record is not None:
            self._collect_run(record, None, report)
            self._flush(report)
        return report

    def _runs(self, watermark: datetime, marks: dict[str, Any]) -> Iterator[RunRecord]:
        """Runs that changed since, oldest change first, then those that were open and did not."""
        seen: set[str] = set()
        for record in self._changed(watermark - LOOKBACK):
            run_id = record.dagster_run.run_id
            if run_id not in seen and self._is_ours(record):
                yield record
            seen.add(run_id)
        still_open = [run_id for run_id, mark in marks.items() if not mark["ended"] and run_id not in seen]
        for start in range(0, len(still_open), _RUN_PAGE):
            chosen = still_open[start : start + _RUN_PAGE]
            yield from self._instance.get_run_records(RunsFilter(run_ids=chosen))

    def _changed(self, since: datetime) -> Iterator[RunRecord]:
        while True:
            page = self._instance.get_run_records(
                RunsFilter(updated_after=since),
                limit=_RUN_PAGE,
                order_by="update_timestamp",
                ascending=True,
            )
            yield from page
            if len(page) < _RUN_PAGE:
                return
            # Back by the clock's smallest step: runs of one instant may stand on both sides of a page's end.
            since = max(page[-1].update_timestamp - timedelta(microseconds=1), page[0].update_timestamp)

    def _is_ours(self, record: RunRecord) -> bool:
        # A run that was executed in its own process has no location: the first tail to see it takes it.
        return RunFacts.of(record.dagster_run).location in (None, self._scope)

    def _collect_run(self, record: RunRecord, mark: Any, report: CollectReport) -> None:
        run_id = record.dagster_run.run_id
        try:
            if mark is None or self._has_news(run_id, mark):
                self._read_run(record, mark, report)
            elif mark["ended"] is None and record.dagster_run.is_finished:
                # It ended without a word in its log, as when a run is marked by hand.
                self._pending.state.append(self._mark(run_id, {**mark, "ended": utc_now().isoformat()}))
        except (ValueError, TypeError, KeyError, AttributeError):
            # One run that cannot be read must not keep all others from being read.
            logger.exception("run %s could not be translated; it is tried again", run_id)

    def _has_news(self, run_id: str, mark: Any) -> bool:
        ended = mark["ended"] and datetime.fromisoformat(mark["ended"])
        if ended and utc_now() - ended > LINGER:
            return False
        page = self._instance.get_records_for_run(
            run_id, cursor=mark["cursor"], of_type=RELEVANT, limit=1
        )
        return bool(page.records)

    def _read_run(self, record: RunRecord, mark: Any, report: CollectReport) -> None:
        run_id = record.dagster_run.run_id
        reader = RecordReader(self._instance, run_id)
        log = RunLog(RunFacts.of(record.dagster_run), tuple(reader))
        self._add(translate_run(log, self._catalog), report)
        report.runs += 1
        ended = log.ended_attempts
        known = mark["shown"] if mark else 0
        self._pending.state += [run_view.todo(run_id, attempt) for attempt in ended[known:]]
        value = {
            "cursor": reader.cursor,
            "ended": utc_now().isoformat() if log.ended else None,
            "shown": len(ended),
        }
        self._pending.state.append(self._mark(run_id, value))

    def _collect_runless(self, report: CollectReport) -> None:
        known = self._store.get_state(self._namespace, _RUNLESS)
        if known is None:
            self._start_runless(report)
            return
        reading = RecordReader(self._instance, RUNLESS_RUN_ID, known.value["cursor"])
        records = tuple(reading)
        if records:
            self._add(translate_runless(records, self._catalog), report)
            self._pending.state.append(self._write(_RUNLESS, {"cursor": reading.cursor}))

    def _start_runless(self, report: CollectReport) -> None:
        """The first time, read backwards: what happened before there was a tail is not told."""
        page = self._instance.get_records_for_run(
            RUNLESS_RUN_ID, of_type=RELEVANT, limit=_RUNLESS_START, ascending=False
        )
        found = [recorded(each.event_log_entry, each.storage_id) for each in page.records]
        fresh = [each for each in found if each is not None and each.timestamp >= self._since]
        self._add(translate_runless(reversed(fresh), self._catalog), report)
        newest = page.records[0].storage_id if page.records else 0
        self._pending.state.append(self._write(_RUNLESS, {"cursor": log_cursor(newest)}))

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

    def _marks(self) -> dict[str, Any]:
        found = self._store.list_state(self._namespace, prefix=_RUN)
        return {item.key.removeprefix(_RUN): item.value for item in found}

    def _watermark(self) -> datetime:
        known = self._store.get_state(self._namespace, _WATERMARK)
        return datetime.fromisoformat(known.value["updated"]) if known else self._since + LOOKBACK

    def _mark(self, run_id: str, value: dict[str, Any]) -> StateWrite:
        ended = value["ended"] and datetime.fromisoformat(value["ended"])
        # Past the look-back nobody asks for it any more.
        expires = (ended + 3 * LOOKBACK).timestamp() if ended else None
        return StateWrite(self._namespace, _RUN + run_id, value, expires)

    def _write(self, key: str, value: Any) -> StateWrite:
        return StateWrite(self._namespace, key, value)
