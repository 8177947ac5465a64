"""The catalogue: what each event takes, refuses, keeps and gives back."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given

from phlo_hooks import events
from phlo_hooks.envelope import class_for, known_event_types
from phlo_hooks.errors import InvalidEventError
from phlo_hooks.events import (
    ErrorInfo,
    ExternalEvent,
    HookEvent,
    IngestionEvent,
    LineageEvent,
    QualityResultEvent,
    RunEvent,
    TelemetryEvent,
)
from phlo_hooks.schemas import event_classes
from phlo_hooks_tests.samples import FULL, NOON, every_event, full_event, metadata, values

EVERY_TYPE = [(name, cls) for cls in event_classes() for name in cls.event_types]


def by_type(event: HookEvent) -> str:
    return event.event_type


def test_every_class_has_a_sample():
    """A new class must get a full sample, or the round trips below would not cover it."""
    assert sorted(FULL) == [cls.__name__ for cls in event_classes()]


@pytest.mark.parametrize("cls", event_classes(), ids=lambda cls: cls.__name__)
def test_a_sample_sets_every_field(cls):
    """A new field must be in the sample, so that its round trip is tested."""
    envelope = set(HookEvent.model_fields) | {"asset_key", "partition_key"}
    assert set() == set(cls.model_fields) - envelope - set(FULL[cls.__name__])


@pytest.mark.parametrize("event", every_event(), ids=by_type)
def test_json_round_trip(event):
    """What `to_json` writes, `from_json` reads back equal, of the same class."""
    back = HookEvent.from_json(event.to_json())
    assert type(event) is type(back)
    assert event == back


@pytest.mark.parametrize("event", every_event(), ids=by_type)
def test_dict_round_trip(event):
    """A dump in Python's types builds the same event."""
    assert event == HookEvent.from_dict(event.model_dump())


@given(metadata)
def test_any_metadata_survives_json(content):
    """Whatever is in metadata becomes plain once, and then stays the same for good."""
    event = IngestionEvent(event_type="ingestion.end", asset_key="a", metadata=content, metrics=content)
    assert event == HookEvent.from_json(event.to_json())


@given(values)
def test_any_telemetry_value_survives_json(value):
    """A metric's value may be anything, NaN and NumPy's scalars too."""
    event = TelemetryEvent(event_type="telemetry.metric", name="m", value=value)
    assert event == HookEvent.from_json(event.to_json())


@pytest.mark.parametrize(("event_type", "cls"), EVERY_TYPE, ids=[name for name, _ in EVERY_TYPE])
def test_event_type_finds_its_class(event_type, cls):
    """An event type belongs to one class."""
    assert cls is class_for(event_type)


def test_event_types_are_unique():
    """No two classes claim one type."""
    names = [name for name, _ in EVERY_TYPE]
    assert sorted(set(names)) == sorted(names)
    assert set(names) <= set(known_event_types())


def test_unclaimed_type_is_external():
    """An event of another system needs no class of ours."""
    event = HookEvent.from_dict({"event_type": "airflow.dag.done", "data": {"dag": "x"}})
    assert ExternalEvent is type(event)
    assert {"dag": "x"} == event.data


@pytest.mark.parametrize("event_type", ["airflow", "airflow.", ".done", "air flow.done", ""])
def test_external_type_needs_a_system(event_type):
    """A type without a system is refused, with the form it should have."""
    with pytest.raises(InvalidEventError, match=r"'system\.name'"):
        ExternalEvent(event_type=event_type)


def test_your_own_class_is_found():
    """A subclass that names its types is what its events come back as."""

    class AirbyteSync(ExternalEvent):
        event_types = ("airbyte.sync_done_in_a_test",)

        rows: int = 0

    back = HookEvent.from_json(AirbyteSync(rows=3).to_json())
    assert (AirbyteSync, 3) == (type(back), back.rows)


REFUSED = {
    "unknown field": ({"tabel_name": "x"}, r"unknown field 'tabel_name'; did you mean 'table_name'\?"),
    "unknown field, nothing close": ({"zzz": 1}, r"unknown field 'zzz'; known: .*asset_key"),
    "missing field": ({"asset_key": None}, "asset_key"),
    "wrong type name": ({"event_type": "ingestion.ended"}, "did you mean 'ingestion.end'"),
    "type of another class": ({"event_type": "run.start"}, "'run.start' is not one of IngestionEvent"),
    "naive datetime": ({"timestamp": datetime(2013, 1, 1)}, "timezone"),  # noqa: DTZ001  # the point
    "naive datetime as text": ({"timestamp": "2013-01-01T00:00:00"}, "timezone"),
    "unknown status": ({"status": "failed"}, "status"),
    "empty producer": ({"producer": ""}, "producer"),
    "tags that are no text": ({"tags": {"n": 1}}, "tags"),
    "correlation of another kind": ({"correlation": "run-1"}, "correlation is a str"),
    "two asset keys": (
        {"correlation": {"asset_key": "raw/other"}},
        "asset_key is 'raw/orders' here and 'raw/other' in its correlation",
    ),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(changes, message):
    """Bad input is refused where the event is built, in a sentence that names the class and the value."""
    fields = {"event_type": "ingestion.end", "asset_key": "raw/orders", **changes}
    with pytest.raises(InvalidEventError, match=message) as caught:
        IngestionEvent(**fields)
    assert str(caught.value).startswith("invalid IngestionEvent: ")


def test_several_errors_in_one_message():
    """All that is wrong is said at once."""
    with pytest.raises(InvalidEventError, match=r"asset_key.*check_name"):
        QualityResultEvent(event_type="quality.result")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "a JSON list, not an object"),
        ("{}", "no 'event_type'"),
        ('{"event_type": 3}', "no 'event_type'"),
    ],
    ids=["broken", "list", "empty", "type is a number"],
)
def test_text_that_is_no_event(text, message):
    """A reader is told why a text is not an event."""
    with pytest.raises(InvalidEventError, match=message):
        HookEvent.from_json(text)


def test_frozen():
    """An event cannot be changed, nor can what it is made of."""
    event = full_event(IngestionEvent)
    for part, name in ((event, "status"), (event.correlation, "run_id"), (event.error, "message")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(part, name, "other")


def test_timestamps_are_utc():
    """One instant has one form, wherever it was written."""
    paris = NOON.astimezone(timezone(timedelta(hours=2)))
    event = full_event(IngestionEvent, timestamp=paris)
    assert timezone.utc == event.timestamp.tzinfo
    assert full_event(IngestionEvent) == event


def test_a_single_type_need_not_be_named():
    """`LineageEvent` can only be of one type."""
    assert "lineage.edges" == LineageEvent().event_type


def test_lineage_names_the_ends_of_its_edges():
    """The assets of the edges are listed once each, in order."""
    event = LineageEvent(edges=[("a", "c"), ("b", "c")])
    assert ("a", "c", "b") == event.asset_keys


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [("warning", "WARN"), ("warn", "WARN"), ("Error", "ERROR"), ("CRITICAL", "CRITICAL"), (None, None)],
)
def test_severities_have_one_spelling(given_name, kept):
    """Dagster, dbt and Phlo spell severities each in its own way."""
    event = full_event(QualityResultEvent, severity=given_name)
    assert kept == event.severity


def test_unknown_severity_is_refused():
    """A severity that no filter knows would never alert anyone."""
    with pytest.raises(InvalidEventError, match="severity 'fatal' is not one of INFO"):
        full_event(QualityResultEvent, severity="fatal")


def test_error_may_be_text():
    """Phlo passes an error as text."""
    event = full_event(IngestionEvent, error="boom")
    assert ErrorInfo(message="boom") == event.error
    assert "boom" == str(event.error)


def test_error_that_is_no_utf8():
    """A failure that mentions a file name which is not text is an event all the same."""
    event = RunEvent(event_type="run.failure", error="cannot read \udcff.csv")
    assert event == HookEvent.from_json(event.to_json())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have(value):
    """A drift from a baseline of zero is infinite; it must not become another value when it is read back."""
    event = full_event(events.DriftEvent, change=value)
    assert event.change is None
    assert event == HookEvent.from_json(event.to_json())


MODULES = [
    "phlo_hooks",
    "phlo_hooks.events",
    "phlo_hooks.bus",
    "phlo_hooks.registration",
    "phlo_hooks.plugins",
]


@pytest.mark.parametrize("module", MODULES)
def test_core_imports_nothing_heavy(module):
    """A script that emits, or a client of the collector, must not pay for Dagster or a database."""
    code = (
        f"import sys, {module}; "
        "print(*sorted({'dagster', 'sqlalchemy', 'alembic', 'httpx', 'httpx2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "" == done.stdout.strip()
