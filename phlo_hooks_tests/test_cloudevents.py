"""CloudEvents: ours without loss, others as external events, nonsense refused."""

from __future__ import annotations

import json

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given

from phlo_hooks.cloudevents import VERSION_ATTRIBUTE
from phlo_hooks.errors import InvalidEventError, UnsupportedVersionError
from phlo_hooks.events import ExternalEvent, HookEvent, IngestionEvent, RunEvent, TelemetryEvent
from phlo_hooks_tests.samples import every_event, full_event, metadata


def by_type(event):
    return event.event_type


@pytest.mark.parametrize("event", every_event(), ids=by_type)
def test_round_trip(event):
    """Nothing is lost on the way through JSON text and back."""
    text = json.dumps(event.to_cloudevent(), allow_nan=False)
    back = HookEvent.from_cloudevent(json.loads(text))
    assert type(event) is type(back)
    assert event == back


@given(metadata)
def test_any_metadata_survives(content):
    """Whatever a user puts into it."""
    event = IngestionEvent(event_type="ingestion.end", asset_key="a", metadata=content)
    text = json.dumps(event.to_cloudevent(), allow_nan=False)
    assert event == HookEvent.from_cloudevent(json.loads(text))


@pytest.mark.parametrize("event", every_event(), ids=by_type)
def test_the_official_library_reads_it(event):
    """The CloudEvents SDK parses and validates what we write, and finds the same values."""
    ours = event.to_cloudevent()
    headers = {"content-type": "application/cloudevents+json"}
    theirs = from_http_event(HTTPMessage(headers, json.dumps(ours).encode()))
    assert (ours["id"], ours["source"], ours["type"], ours["data"], event.timestamp, event.version) == (
        theirs.get_id(),
        theirs.get_source(),
        theirs.get_type(),
        theirs.get_data(),
        theirs.get_time(),
        theirs.get_extension(VERSION_ATTRIBUTE),
    )


@pytest.mark.parametrize("event", every_event(), ids=by_type)
def test_attribute_names_are_legal(event):
    """The specification allows lower-case letters and digits only."""
    assert [] == [name for name in event.to_cloudevent() if not (name.isalnum() and name.islower())]


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (full_event(IngestionEvent), "raw/orders"),
        (RunEvent(event_type="run.start", run_id="r"), "r"),
        (TelemetryEvent(event_type="telemetry.log", name="x"), None),
    ],
    ids=["asset", "run", "neither"],
)
def test_subject(event, subject):
    """The asset, else the run, else no subject at all: null is not allowed."""
    cloudevent = event.to_cloudevent()
    assert subject == cloudevent.get("subject")
    assert (subject is not None) == ("subject" in cloudevent)


FOREIGN = {"specversion": "1.0", "id": "7", "source": "/airbyte", "type": "com.airbyte.sync", "custom": "x"}


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"rows": 3}, {"rows": 3}),
        ([1, 2], {"data": [1, 2]}),
        ("text", {"data": "text"}),
        (None, {"data": None}),
    ],
    ids=["object", "list", "text", "nothing"],
)
def test_another_systems_event(data, kept):
    """It comes as an external event, with its extension attributes."""
    event = HookEvent.from_cloudevent({**FOREIGN, "data": data})
    assert ExternalEvent is type(event)
    assert ("7", "/airbyte", "com.airbyte.sync") == (event.event_id, event.producer, event.event_type)
    assert {**kept, "cloudevent": {"custom": "x"}} == event.data


def test_our_type_without_our_version():
    """Who writes our events by hand need not know our extension attribute."""
    event = HookEvent.from_cloudevent({**FOREIGN, "type": "ingestion.end", "data": {"asset_key": "a"}})
    assert (IngestionEvent, "a") == (type(event), event.asset_key)


REFUSED = {
    "no id": ({"id": None}, "'id' is missing"),
    "empty source": ({"source": ""}, "'source' is missing"),
    "number as type": ({"type": 3}, "'type' is missing or not text"),
    "older specification": ({"specversion": "0.3"}, "'0.3' is unknown: send 1.0"),
    "our type, data is a list": ({"type": "ingestion.end", "data": []}, "invalid IngestionEvent"),
    "our type, data is text": ({"type": "ingestion.end", "data": "x"}, "is not an object"),
    "our type, field missing": ({"type": "ingestion.end", "data": {}}, "asset_key"),
    "our type, field unknown": ({"type": "run.start", "data": {"stat": "x"}}, "did you mean"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(changes, message):
    """A sender is told what is wrong with its event."""
    with pytest.raises(InvalidEventError, match=message):
        HookEvent.from_cloudevent({**FOREIGN, **changes})


def test_unknown_major_version():
    """An event of a release to come is refused as such."""
    cloudevent = {**full_event(IngestionEvent).to_cloudevent(), VERSION_ATTRIBUTE: "2.0"}
    with pytest.raises(UnsupportedVersionError, match="reads 1"):
        HookEvent.from_cloudevent(cloudevent)
