"""What the events of a run must be together. Each is valid alone; see `spec`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phlo_hooks_tests.capabilities.openlineage.spec.formats import time_of

Event = Mapping[str, Any]

TERMINAL = frozenset({"COMPLETE", "FAIL", "ABORT"})
_WITHIN = frozenset({"RUNNING", "OTHER"})
_SIDES = ("inputs", "outputs")


def is_terminal(event: Event) -> bool:
    """Whether it ends its run."""
    return event.get("eventType") in TERMINAL


def runs_of(events: Sequence[Event]) -> dict[str, list[Event]]:
    """Run events by their run, in order."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if "run" in event:
            found.setdefault(event["run"]["runId"], []).append(event)
    return found


def once(events: Sequence[Event]) -> list[Event]:
    """Without exact repetitions: a delivery whose answer was lost is made again."""
    return [json.loads(each) for each in dict.fromkeys(json.dumps(event, sort_keys=True) for event in events)]


def errors_of_runs(events: Sequence[Event], *, unfinished: bool = False) -> list[str]:
    """What is wrong with the runs that these events tell of.

    Args:
        events: in the order they came.
        unfinished: a run may have no end yet.
    """
    found = [
        error for run_id, of_run in runs_of(events).items() for error in _of_run(run_id, of_run, unfinished)
    ]
    return [*found, *_emptied(events)]


def datasets_of(event: Event, side: str) -> set[tuple[str, str]]:
    """Namespace and name of each of its `inputs` or `outputs`."""
    return {(each["namespace"], each["name"]) for each in event.get(side, [])}


def job_of(event: Event) -> tuple[str, str]:
    """Namespace and name."""
    return event["job"]["namespace"], event["job"]["name"]


def _of_run(run_id: str, events: Sequence[Event], unfinished: bool) -> Iterator[str]:
    jobs = {job_of(event) for event in events}
    types = [event.get("eventType", "") for event in events]
    about = f"run {run_id} of {' and '.join(sorted(name for _, name in jobs))} ({', '.join(types)})"
    if len(jobs) > 1:
        yield f"{about}: its events name {len(jobs)} jobs"
    if types[0] != "START" or types.count("START") != 1:
        yield f"{about}: begins with exactly one START, and first of all"
        return
    ends = [number for number, each in enumerate(types) if each in TERMINAL]
    if unfinished and _WITHIN.issuperset(types[1:]):
        return
    if len(ends) != 1:
        yield f"{about}: has {len(ends)} of COMPLETE, FAIL and ABORT, not one"
        return
    (end,) = ends
    if not _WITHIN.issuperset(types[1:end]) or not {"OTHER"}.issuperset(types[end + 1 :]):
        yield f"{about}: OTHER and RUNNING may come before its end, OTHER after it"
    yield from _between(about, events[0], events[end])


def _between(about: str, start: Event, end: Event) -> Iterator[str]:
    if time_of(end["eventTime"]) < time_of(start["eventTime"]):
        yield f"{about}: ended at {end['eventTime']}, before it began, {start['eventTime']}"
    # Most receivers read nothing but the last event: what only the first one says is lost on them.
    for side in _SIDES:
        if lost := datasets_of(start, side) - datasets_of(end, side):
            yield f"{about}: {side} of its START are not repeated at its end: {sorted(lost)}"
    for part in ("run", "job"):
        if lost_keys := start[part].get("facets", {}).keys() - end[part].get("facets", {}).keys():
            yield f"{about}: {part} facets of its START are not repeated at its end: {sorted(lost_keys)}"


def _emptied(events: Sequence[Event]) -> Iterator[str]:
    """A failure that names no datasets wipes the edges that the last success drew."""
    known: set[tuple[tuple[str, str], str]] = set()
    for event in events:
        if "job" not in event:
            continue
        for side in _SIDES:
            if event.get(side):
                known.add((job_of(event), side))
            elif is_terminal(event) and (job_of(event), side) in known:
                about = f"job {event['job']['name']}: {event['eventType']} of run {event['run']['runId']}"
                yield f"{about} has no {side}, and an earlier event had some"
