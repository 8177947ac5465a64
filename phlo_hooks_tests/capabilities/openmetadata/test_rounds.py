"""Rounds through all that the definitions hold: each event goes through all of it, whatever comes between."""

from __future__ import annotations

import pytest

from phlo_hooks.capabilities.openmetadata.rounds import Rounds
from phlo_hooks.errors import RetryLater
from phlo_hooks.memory import MemoryState

KEYS = ["a", "b", "c"]


def go(state: MemoryState, event_id: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], bool]:
    """One call that has time for one key; what was written, and whether that was the last call."""
    now = iter(range(100))
    monkeypatch.setattr("phlo_hooks.capabilities.openmetadata.rounds.time.monotonic", lambda: next(now))
    written: list[str] = []
    try:
        Rounds("tables", state, budget=1.5).go(event_id, KEYS, written.append)
    except RetryLater:
        return written, False
    return written, True


def test_two_events_that_take_turns_both_come_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither begins anew because of the other: two deployments in one outage."""
    state, ended = MemoryState(), dict.fromkeys(("first", "second"), False)
    for _ in range(4):
        for event_id in [each for each in ended if not ended[each]]:
            ended[event_id] = go(state, event_id, monkeypatch)[1]
    assert ended == {"first": True, "second": True}


def test_a_round_that_is_replayed_begins_at_the_first_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that went well, and took several calls."""
    state = MemoryState()
    while not go(state, "event", monkeypatch)[1]:
        pass
    assert go(state, "event", monkeypatch)[0] == ["a"]
