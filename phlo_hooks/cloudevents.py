"""Events as CloudEvents 1.0 in JSON, and back, without loss.

Source of the rules: CloudEvents specification 1.0.2, sections "Context Attributes" and "JSON Event Format".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from phlo_hooks.envelope import HookEvent, class_for, known_event_types
from phlo_hooks.errors import InvalidEventError
from phlo_hooks.events import ExternalEvent

SPEC_VERSION = "1.0"
# Extension attribute names may hold lower-case letters and digits only.
VERSION_ATTRIBUTE = "phloversion"
_REQUIRED = ("specversion", "id", "source", "type")
_ATTRIBUTES = ("event_id", "event_type", "version", "timestamp", "producer")


def to_cloudevent(event: HookEvent) -> dict[str, Any]:
    """The event as a JSON-able CloudEvent in structured mode."""
    body = json.loads(event.to_json())
    attributes = {name: body.pop(name) for name in _ATTRIBUTES}
    cloudevent = {
        "specversion": SPEC_VERSION,
        "id": attributes["event_id"],
        "source": attributes["producer"],
        "type": attributes["event_type"],
        "time": attributes["timestamp"],
        VERSION_ATTRIBUTE: attributes["version"],
        "datacontenttype": "application/json",
        "data": body,
    }
    subject = event.correlation.asset_key or event.correlation.run_id
    return {**cloudevent, "subject": subject} if subject else cloudevent


def from_cloudevent(cloudevent: Mapping[str, Any]) -> HookEvent:
    """The event in a CloudEvent: one of ours as it was, any other as an `ExternalEvent`.

    Raises:
        InvalidEventError: a required attribute is missing, or `data` does not fit its type.
    """
    for name in _REQUIRED:
        if not isinstance(cloudevent.get(name), str) or not cloudevent[name]:
            raise InvalidEventError(f"not a CloudEvent: {name!r} is missing or not text")
    if cloudevent["specversion"] != SPEC_VERSION:
        raise InvalidEventError(f"CloudEvents {cloudevent['specversion']!r} is unknown: send 1.0")
    envelope = {
        "event_id": cloudevent["id"],
        "event_type": cloudevent["type"],
        "producer": cloudevent["source"],
    }
    if cloudevent.get("time"):
        envelope["timestamp"] = cloudevent["time"]
    return _ours(cloudevent, envelope) or _foreign(cloudevent, envelope)


def _ours(cloudevent: Mapping[str, Any], envelope: dict[str, Any]) -> HookEvent | None:
    if VERSION_ATTRIBUTE not in cloudevent and cloudevent["type"] not in known_event_types():
        return None
    data = cloudevent.get("data") or {}
    if not isinstance(data, Mapping):
        raise InvalidEventError(f"data of {cloudevent['type']!r} is not an object")
    version = cloudevent.get(VERSION_ATTRIBUTE)
    stated = {"version": version} if version else {}
    return class_for(cloudevent["type"])(**{**data, **envelope, **stated})


def _foreign(cloudevent: Mapping[str, Any], envelope: dict[str, Any]) -> ExternalEvent:
    known = {*_REQUIRED, "time", "data", "datacontenttype"}
    attributes = {name: value for name, value in cloudevent.items() if name not in known}
    data = cloudevent.get("data")
    body = dict(data) if isinstance(data, Mapping) else {"data": data}
    extensions = {"cloudevent": attributes} if attributes else {}
    return ExternalEvent(**envelope, data={**body, **extensions})
