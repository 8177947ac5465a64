"""The size of an event: at most 256 KiB, and what was cut is said."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from phlo_hooks.events import (
    BackfillEvent,
    ExternalEvent,
    HookEvent,
    IngestionEvent,
    LineageEvent,
    RunEvent,
    TelemetryEvent,
)
from phlo_hooks.limits import MAX_BYTES, bounded
from phlo_hooks_tests.samples import full_event

BIG = 400_000


def ingestion(**fields) -> HookEvent:
    return IngestionEvent(event_type="ingestion.end", asset_key="a", run_id="r", **fields)


SHAPES = {
    "one text": (ingestion(metadata={"preview": "x" * BIG}), ["metadata.preview"]),
    "one text of wide letters": (ingestion(metadata={"preview": "漢" * BIG}), ["metadata.preview"]),
    "one text of escapes": (ingestion(metadata={"preview": '"\n' * BIG}), ["metadata.preview"]),
    "a list": (ingestion(metadata={"rows": list(range(BIG))}), ["metadata.rows"]),
    "a list of one text": (ingestion(metadata={"rows": ["x" * BIG]}), ["metadata.rows.0"]),
    "a deep text": (ingestion(metadata={"a": {"b": [{"c": "x" * BIG}]}}), ["metadata.a.b.0.c"]),
    "many small entries": (ingestion(metadata={f"k{n}": n for n in range(BIG // 10)}), ["metadata"]),
    "many small metrics": (ingestion(metrics={f"k{n}": n for n in range(BIG // 10)}), ["metrics"]),
    "many middling texts": (ingestion(metadata={f"k{n}": "x" * 300 for n in range(5_000)}), ["metadata"]),
    "two texts": (
        ingestion(metadata={"a": "x" * BIG, "b": "y" * BIG}),
        ["metadata.a", "metadata.b"],
    ),
    "several fields": (
        ingestion(metadata={"a": "x" * BIG}, error={"message": "m", "stack": "s" * BIG}),
        ["error.stack", "metadata.a"],
    ),
    "columns": (ingestion(columns=[{"name": f"column_{n}"} for n in range(20_000)]), ["columns"]),
    "tags": (ingestion(tags={f"tag_{n}": "v" * 20 for n in range(20_000)}), ["tags"]),
    "edges": (LineageEvent(edges=[(f"a/{n}", "b") for n in range(30_000)]), ["asset_keys", "edges"]),
    "a failed step's stack": (
        RunEvent(event_type="run.failure", failed_steps=[{"step_key": "s", "error": {"message": "x" * BIG}}]),
        ["failed_steps.0.error.message"],
    ),
    "partitions by status": (
        BackfillEvent(
            event_type="backfill.end", backfill_id="b", partitions={f"s{n}": n for n in range(40_000)}
        ),
        ["partitions"],
    ),
    "a value": (TelemetryEvent(event_type="telemetry.log", name="n", value="x" * BIG), ["value"]),
    "a huge number": (ExternalEvent(event_type="a.b", data={"n": 10**4_000, "x": "x" * BIG}), ["data.x"]),
    "newer field": (ingestion(version="1.9", preview={"t": "x" * BIG}), ["preview.t"]),
}


@pytest.mark.parametrize(("event", "cut"), SHAPES.values(), ids=SHAPES)
def test_many_shapes_are_cut_to_size(event, cut):
    """Whatever is large is cut, soon, and listed; the event stays one, with its id."""
    start = time.perf_counter()
    result = bounded(event)
    took = time.perf_counter() - start
    size = len(result.to_json().encode())
    assert MAX_BYTES >= size
    assert cut == list(result.truncated)
    assert (event.event_id, event.correlation) == (result.event_id, result.correlation)
    assert result == HookEvent.from_json(result.to_json())
    # Cutting must not be what holds up a run. It takes 0.1 s on an idle machine.
    assert 5 > took
    assert MAX_BYTES / 2 < size, "more was cut than had to be"


def test_what_fits_is_left_alone():
    """Most events are a hundredth of the limit."""
    event = full_event(IngestionEvent)
    assert event is bounded(event)


@pytest.mark.parametrize("size", [-2_000, -100, 0, 100])
def test_around_the_limit(size):
    """An event of just the limit passes whole."""
    bare = len(ingestion(metadata={"t": ""}, timestamp="2013-01-01T00:00:00Z").to_json())
    event = ingestion(metadata={"t": "x" * (MAX_BYTES - bare + size)}, timestamp="2013-01-01T00:00:00Z")
    assert (size <= 0) == (event is bounded(event))
    assert MAX_BYTES >= len(bounded(event).to_json().encode())


def test_cut_twice():
    """What was cut before stays listed."""
    once = bounded(ingestion(metadata={"a": "x" * BIG}))
    twice = bounded(once, 10_000)
    assert ("metadata.a",) == twice.truncated
    assert 10_000 >= len(twice.to_json().encode())


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.text(max_size=6),
        st.recursive(
            st.text(max_size=400) | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=6), inner, max_size=9)
            ),
            max_leaves=40,
        ),
        max_size=12,
    )
)
def test_any_metadata_is_cut_to_size(content):
    """A small limit on small metadata stands for the large one on large metadata."""
    event = ingestion(metadata=content)
    assert 1_500 >= len(bounded(event, 1_500).to_json().encode())
