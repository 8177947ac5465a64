"""The run's event view in the Dagster UI: one row per step attempt that says what was told to whom.

The tail notes which attempts have ended in the same transaction as their events, and the rows are written
once their deliveries have been tried. So a row costs the run nothing, and says how it went. Whether it is
there already, after a tick that was killed or a note that was made again, the run's own log says.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from phlo_hooks.delivery.history import events_of_run
from phlo_hooks.delivery.records import DeliveryRecord, StateWrite
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import HookEvent, HookStatusEvent
from phlo_hooks.producers.dagster_private import report_row
from phlo_hooks.producers.runlog import StepAttempt
from phlo_hooks.state import StateEntry

_NAMESPACE = "run_view"
# Who takes a note has so many seconds to write its row; then it is taken for dead.
_TAKEN, _TAKEN_FOR = "taken_at", 60.0
# The UI opens a row in a dialog: beyond this it is the CLI's turn.
_MAX_LINES = 50
_MAX_ERROR = 200
# Marks a row as ours, and says which attempt, or which event, it is about.
_ATTEMPT = "phlo_hooks/attempt"
_EVENT = "phlo_hooks/event_id"


def todo(run_id: str, number: int, attempt: StepAttempt) -> StateWrite:
    """A note that the row of the run's attempt of this number is to be written."""
    value = {"run_id": run_id, "step_key": attempt.step_key, "attempt": attempt.attempt}
    return StateWrite(_NAMESPACE, f"{run_id}/{number:06}", value)


def news(event: HookStatusEvent) -> tuple[StateWrite, ...]:
    """A note that the bus's own news is to be shown in the run that it belongs to."""
    run_id = event.correlation.run_id
    # The trials of an outage, every few minutes, would bury the run that they happen to be made with.
    if run_id is None or event.event_type == "hook.probe":
        return ()
    value = {"run_id": run_id, "event_id": event.event_id, "about": f"{event.event_type} {event.hook}"}
    return (StateWrite(_NAMESPACE, f"{run_id}/{event.event_id}", value),)


def show(instance: dg.DagsterInstance, store: HookStore, budget: float) -> int:
    """Write the rows that are noted, for at most about `budget` seconds; return how many."""
    deadline = time.monotonic() + budget
    by_run: dict[str, list[StateEntry]] = {}
    for note in store.list_state(_NAMESPACE):
        by_run.setdefault(note.value["run_id"], []).append(note)
    return sum(_show_run(instance, store, run_id, notes, deadline) for run_id, notes in by_run.items())


def _show_run(
    instance: dg.DagsterInstance, store: HookStore, run_id: str, notes: Iterable[StateEntry], deadline: float
) -> int:
    if time.monotonic() >= deadline:
        return 0
    rows = _Rows(instance, store, run_id)
    shown = 0
    for together in _rows_of(notes):
        if time.monotonic() >= deadline:
            break
        mine = [note for note in together if _take(note, store)]
        shown += rows.write(mine)
        for note in mine:
            store.delete_state(_NAMESPACE, note.key)
    return shown


def _take(note: StateEntry, store: HookStore) -> bool:
    """Whether the note is ours: another tail, or a relay beside it, may be at it, or have it already."""
    now = store.clock().timestamp()
    if now - note.value.get(_TAKEN, 0.0) < _TAKEN_FOR:
        return False
    taken = {**note.value, _TAKEN: now}
    return store.compare_and_set(_NAMESPACE, note.key, note.version, taken)


def _rows_of(notes: Iterable[StateEntry]) -> list[list[StateEntry]]:
    """The notes of each row: of one hook's dead letters, many; else a row of its own for each note."""
    found: dict[str, list[StateEntry]] = {}
    for note in notes:
        about = note.value.get("about", "")
        same = found.setdefault(about if about.startswith("hook.dead_letter") else note.key, [])
        same.append(note)
    pages = (range(0, len(each), _MAX_LINES) for each in found.values())
    return [
        each[start : start + _MAX_LINES]
        for each, page in zip(found.values(), pages, strict=True)
        for start in page
    ]


class _Rows:
    """The rows of one run, as far as they are there, and what further ones are made of."""

    def __init__(self, instance: dg.DagsterInstance, store: HookStore, run_id: str) -> None:
        self._instance = instance
        self._run = instance.get_run_by_id(run_id)
        self._there = set(_rows_there(instance, run_id))
        events = list(events_of_run(store, run_id))
        self._events = _by_place(events)
        self._by_id = {event.event_id: event for event in events}
        self._deliveries = _by_event(store.deliveries(run_id=run_id))

    def write(self, notes: Sequence[StateEntry]) -> bool:
        """Write the row of these notes, unless it is there; say whether it was written."""
        new = [note for note in notes if _mark(note) not in self._there]
        if self._run is None or not new:
            return False
        row = self._news(new) if "event_id" in new[0].value else self._attempt(new[0])
        if row is not None:
            report_row(self._instance, self._run, *row, new[0].value.get("step_key"))
        return row is not None

    def _attempt(self, note: StateEntry) -> _Row | None:
        own = self._events.get(_place(note))
        if not own:
            return None
        told = [delivery for event in own for delivery in self._deliveries.get(event.event_id, ())]
        return _message(own, told), _metadata(note, own, told)

    def _news(self, notes: Sequence[StateEntry]) -> _Row | None:
        found = (self._by_id.get(note.value["event_id"]) for note in notes)
        events = [event for event in found if isinstance(event, HookStatusEvent)]
        if not events:
            return None
        facts = {"hook": events[0].hook, "reason": events[-1].reason}
        metadata = {name: dg.MetadataValue.text(value) for name, value in facts.items() if value}
        given_up = [event.about_event_id for event in events if event.about_event_id]
        if given_up:
            metadata["given up"] = dg.MetadataValue.text(" ".join(given_up))
        marks = " ".join(event.event_id for event in events)
        return _headline(events), {**metadata, _EVENT: dg.MetadataValue.text(marks)}


def _headline(events: Sequence[HookStatusEvent]) -> str:
    event = events[-1]
    what = {
        "hook.dead_letter": f"gave up delivering {_count(len(events), 'event')} to {event.hook}",
        "hook.disabled": f"{event.hook} is not called for now, its circuit is {event.state}",
        "hook.enabled": f"{event.hook} is called again",
    }[event.event_type]
    return f"Hook Bus: {what}: {_short(event.reason or '')}"


_Row = tuple[str, "dict[str, dg.MetadataValue]"]


_Place = tuple["str | None", "int | None"]


def _place(note: StateEntry) -> _Place:
    return note.value["step_key"], note.value["attempt"]


def _mark(note: StateEntry) -> _Place | str:
    """How the row of a note is known among those of its run."""
    event_id: str | None = note.value.get("event_id")
    return event_id or _place(note)


def _by_place(events: Iterable[HookEvent]) -> dict[_Place, list[HookEvent]]:
    found: dict[_Place, list[HookEvent]] = {}
    for event in events:
        found.setdefault((event.correlation.step_key, event.correlation.attempt), []).append(event)
    return found


def _by_event(deliveries: Iterable[DeliveryRecord]) -> dict[str, list[DeliveryRecord]]:
    found: dict[str, list[DeliveryRecord]] = {}
    for delivery in deliveries:
        found.setdefault(delivery.event_id, []).append(delivery)
    return found


def _rows_there(instance: dg.DagsterInstance, run_id: str) -> Iterator[_Place | str]:
    """What has a row in the run's log: attempts, and news."""
    page = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    for record in page.records:
        event = record.event_log_entry.get_dagster_event()
        metadata = event.engine_event_data.metadata
        attempt, about = metadata.get(_ATTEMPT), metadata.get(_EVENT)
        if isinstance(attempt, dg.IntMetadataValue) and attempt.value:
            yield event.step_key, attempt.value
        if isinstance(about, dg.TextMetadataValue) and about.value:
            yield from about.value.split()


def _message(events: Sequence[HookEvent], deliveries: Sequence[DeliveryRecord]) -> str:
    states = Counter(each.state.value for each in deliveries)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"Hook Bus: {_count(len(events), 'event')}, {told or 'no hook wants them'}"


def _metadata(
    note: StateEntry, events: Sequence[HookEvent], deliveries: Sequence[DeliveryRecord]
) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {"events": dg.MetadataValue.md(_event_table(events))}
    if deliveries:
        metadata["deliveries"] = dg.MetadataValue.md(_delivery_table(deliveries))
    for key in sorted({e.correlation.asset_key for e in events if e.correlation.asset_key})[:5]:
        metadata[f"asset {key}"] = dg.MetadataValue.asset(dg.AssetKey.from_user_string(key))
    metadata[_ATTEMPT] = dg.MetadataValue.int(note.value["attempt"])
    return metadata


def _event_table(events: Sequence[HookEvent]) -> str:
    rows = [
        (
            event.event_type,
            event.correlation.asset_key or "",
            _outcome(event),
            event.correlation.partition_key or "",
            f"`{event.event_id}`",
        )
        for event in events
    ]
    return _table(("event", "asset", "outcome", "partition", "id"), rows)


def _outcome(event: HookEvent) -> str:
    passed = getattr(event, "passed", None)
    if passed is not None:
        name = getattr(event, "check_name", "")
        return f"{name} passed" if passed else f"{name} failed ({getattr(event, 'severity', None)})"
    error = getattr(event, "error", None)
    return _short(str(error)) if error else str(getattr(event, "status", None) or "")


def _delivery_table(deliveries: Sequence[DeliveryRecord]) -> str:
    rows = [
        (each.hook, each.event_type, each.state.value, str(each.attempts), _short(each.last_error or ""))
        for each in deliveries
    ]
    return _table(("hook", "event", "state", "attempts", "last error"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows[:_MAX_LINES]]
    text = "\n".join(f"| {' | '.join(_cells(line))} |" for line in lines)
    rest = len(rows) - _MAX_LINES
    return f"{text}\n\n… and {rest} more" if rest > 0 else text


def _cells(line: Iterable[str]) -> Iterable[str]:
    return (cell.replace("|", "\\|").replace("\n", " ") for cell in line)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_ERROR else f"{text[:_MAX_ERROR]}…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
