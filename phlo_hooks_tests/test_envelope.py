"""What all events share: versions, shared fields, and the place of an event."""

from __future__ import annotations

import uuid

import pytest

from phlo_hooks.envelope import EVENT_VERSION, redacted, suggest
from phlo_hooks.errors import InvalidEventError, UnsupportedVersionError
from phlo_hooks.events import HookCorrelation, HookEvent, IngestionEvent, RunEvent, TelemetryEvent
from phlo_hooks.redaction import Redactor
from phlo_hooks_tests.samples import NOON, full_event

NEWER = {"event_type": "ingestion.end", "asset_key": "a", "version": "1.99", "rows_deleted": 3}


def test_version_is_ours_by_default():
    """An event says which version it is of."""
    assert EVENT_VERSION == full_event(IngestionEvent).version


def test_newer_minor_version_is_kept_and_passed_on():
    """A field that only a newer release knows goes through this one unharmed, with its version."""
    event = HookEvent.from_dict(NEWER)
    assert (3, "1.99") == (event.rows_deleted, event.version)
    assert event == HookEvent.from_json(event.to_json())
    assert event == HookEvent.from_cloudevent(event.to_cloudevent())


def test_newer_fields_within_parts_are_kept():
    """The parts of an event are as open as the event."""
    event = HookEvent.from_dict(
        {**NEWER, "error": {"message": "m", "hint": "h"}, "correlation": {"shard": 4}}
    )
    back = HookEvent.from_json(event.to_json())
    assert ("h", 4) == (back.error.hint, back.correlation.shard)


def test_older_field_set_has_no_unknown_fields():
    """The same field under our own version is a misspelling."""
    with pytest.raises(InvalidEventError, match="unknown field 'rows_deleted'"):
        HookEvent.from_dict({**NEWER, "version": EVENT_VERSION})


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.0"])
def test_unknown_major_version(version):
    """Another major version may mean anything: it is refused, with what to do."""
    with pytest.raises(
        UnsupportedVersionError, match=rf"version {version}, this release reads 1\.x: upgrade"
    ):
        HookEvent.from_dict({**NEWER, "version": version})


@pytest.mark.parametrize("version", ["1", "one", "1.2.3", "", None])
def test_version_that_is_none(version):
    """A version has two numbers."""
    with pytest.raises(InvalidEventError, match=r"is not 'major\.minor'"):
        HookEvent.from_dict({**NEWER, "version": version})


def test_shared_fields_stand_in_both_places():
    """Phlo's plugins read `event.run_id`, ours `event.correlation.run_id`: one value."""
    event = IngestionEvent(event_type="ingestion.end", asset_key="a", run_id="r", partition_key="p")
    assert ("r", "a", "p") == (event.run_id, event.correlation.asset_key, event.correlation.partition_key)


def test_shared_fields_come_from_the_correlation():
    """Given once, on either side, is enough."""
    event = IngestionEvent(event_type="ingestion.end", correlation=HookCorrelation(asset_key="a"))
    assert "a" == event.asset_key


def test_placed_takes_the_place():
    """An event emitted in a step gets the step's run, asset and partition, and their id."""
    where = HookCorrelation(run_id="r", step_key="s", attempt=2, asset_key="a", partition_key="p")
    event = TelemetryEvent(event_type="telemetry.metric", name="rows", timestamp=NOON).placed(where)
    direct = TelemetryEvent(event_type="telemetry.metric", name="rows", timestamp=NOON, correlation=where)
    assert direct == event


def test_placed_keeps_what_the_event_says():
    """An event about another asset stays about that one."""
    where = HookCorrelation(run_id="r", asset_key="a", partition_key="p")
    event = IngestionEvent(event_type="ingestion.end", asset_key="b").placed(where)
    assert ("b", "b", "r", "p") == (
        event.asset_key,
        event.correlation.asset_key,
        event.run_id,
        event.partition_key,
    )


def test_placed_keeps_an_id_that_was_given():
    """Who names an event has a reason."""
    where = HookCorrelation(run_id="r")
    event = TelemetryEvent(event_type="telemetry.metric", name="rows", event_id="mine").placed(where)
    assert "mine" == event.event_id


def test_placed_counts():
    """Two like events in one step are two events."""
    where = HookCorrelation(run_id="r")
    event = TelemetryEvent(event_type="telemetry.metric", name="rows")
    assert event.placed(where, 0).event_id != event.placed(where, 1).event_id


def test_placed_changes_nothing():
    """The original is as it was."""
    event = TelemetryEvent(event_type="telemetry.metric", name="rows")
    before = event.model_dump()
    event.placed(HookCorrelation(run_id="r", asset_key="a"))
    assert before == event.model_dump()


def test_redacted_keeps_the_id():
    """It is the same thing, told without its secret."""
    event = full_event(RunEvent, error="login failed for hunter22")
    clean = redacted(event, Redactor(["hunter22"]))
    assert event.event_id == clean.event_id
    assert "login failed for [redacted]" == clean.error.message


def test_redacted_is_free_when_nothing_is_found():
    """Most events hold no secret: they pass as they are."""
    event = full_event(RunEvent)
    assert event is redacted(event, Redactor(["hunter22"]))


@pytest.mark.parametrize(
    ("name", "message"),
    [("tabel", "; did you mean 'table'?"), ("zzz", "; known: column, table")],
    ids=["close", "far"],
)
def test_suggest(name, message):
    """A misspelling gets the right word, anything else gets the list."""
    assert message == suggest(name, ["table", "column"])


def test_event_without_a_run_is_a_thing_of_its_own():
    """No coordinates, no derived id."""
    first, second = (TelemetryEvent(event_type="telemetry.log", name="x") for _ in range(2))
    assert first.event_id != second.event_id
    assert 4 == uuid.UUID(first.event_id).version
