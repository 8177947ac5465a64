"""Ids: the same coordinates give the same id, any other coordinate another one."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from phlo_hooks.events import DriftEvent, HookCorrelation, IngestionEvent, TelemetryEvent
from phlo_hooks.identity import derive_event_id, random_event_id
from phlo_hooks_tests.samples import NOON

PLACE = HookCorrelation(run_id="r", step_key="s", attempt=1, asset_key="a", partition_key="p", check_name="c")
BASE = derive_event_id("ingestion.end", PLACE)


def test_stable():
    """Ids are stored for months: this one must never change, whatever the release."""
    assert "822db232-77e9-5e7d-8193-0bc5414b96c5" == BASE
    assert 5 == uuid.UUID(BASE).version


COORDINATES = ("run_id", "step_key", "attempt", "asset_key", "partition_key", "check_name")


@pytest.mark.parametrize("name", COORDINATES)
@pytest.mark.parametrize("other", [None, 2, "other"], ids=["missing", "number", "text"])
def test_any_other_coordinate_gives_another_id(name, other):
    """Each coordinate counts, also when it is missing."""
    assert BASE != derive_event_id("ingestion.end", PLACE.model_copy(update={name: other}))


OTHERS = {
    "type": derive_event_id("ingestion.start", PLACE),
    "ordinal": derive_event_id("ingestion.end", PLACE, ordinal=1),
    "subject": derive_event_id("ingestion.end", PLACE, "rows"),
    "another subject": derive_event_id("ingestion.end", PLACE, "bytes"),
    "two subjects": derive_event_id("ingestion.end", PLACE, "rows", "bytes"),
}


def test_type_ordinal_and_subject_count():
    """What is told apart has ids of its own."""
    assert len(OTHERS) + 1 == len({BASE, *OTHERS.values()})


@pytest.mark.parametrize("name", ["job_name", "backfill_id", "parent_run_id", "correlation_id", "trace_id"])
def test_what_is_no_coordinate_does_not_count(name):
    """The step hook knows the trace, the tail does not: one id all the same."""
    assert BASE == derive_event_id("ingestion.end", PLACE.model_copy(update={name: "x"}))


@given(st.text(), st.text())
def test_coordinates_do_not_run_into_one_another(first, second):
    """`a` + `bc` is not `ab` + `c`."""
    one = HookCorrelation(run_id="r", asset_key=first, partition_key=second)
    two = HookCorrelation(run_id="r", asset_key=first + second, partition_key="")
    same = (first, second) == (first + second, "")
    assert same == (derive_event_id("ingestion.end", one) == derive_event_id("ingestion.end", two))


def test_the_clock_does_not_count():
    """Seen a day later, by another producer, with other metadata: the same thing."""
    seen = {"event_type": "ingestion.end", "correlation": PLACE}
    first = IngestionEvent(**seen, timestamp=NOON, producer="step")
    later = IngestionEvent(
        **seen, timestamp=NOON + timedelta(days=1), producer="tail", metadata={"rows": 3}, status="success"
    )
    assert first.event_id == later.event_id


def test_the_subject_is_part_of_the_id():
    """Two metrics of one step are two events."""
    names = [TelemetryEvent(event_type="telemetry.metric", name=n, run_id="r").event_id for n in ("a", "b")]
    assert 2 == len(set(names))
    drifts = [DriftEvent(metric=m, asset_key="a", run_id="r").event_id for m in ("rows", "nulls")]
    assert 2 == len(set(drifts))


def test_random_ids_differ():
    """Without coordinates there is nothing to derive from."""
    assert random_event_id() != random_event_id()
