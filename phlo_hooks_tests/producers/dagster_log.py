"""What Dagster recorded of a run, and what it shows of definitions, made comparable with another's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import dagster as dg
from dagster import DagsterEvent, DagsterEventType as T
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value

from phlo_hooks.producers.sensor import SENSOR_NAME
from phlo_hooks.producers.step_hook import HOOK_NAME, RESOURCE_KEY

# What differs from one run to the next of the very same definitions.
_VOLATILE = (
    (re.compile(r"\b[\d.]+(e-\d+)?m?s\b"), "<time>"),
    (re.compile(r'("(duration_ms|timestamp)": )[\d.]+'), r"\g<1>0"),
    (re.compile(r'("(pid|log_key)": )("\w*"|\d+)'), r"\g<1>null"),
    (re.compile(r'(\(pid: |_class__": "TextMetadataEntryData", "text": ")\d+'), r"\g<1>0"),
    (re.compile(r'("storage_id": )\d+'), r"\g<1>0"),
    (re.compile(r"/tmp/[^/]+/storage"), "<storage>"),
    (re.compile(r'("dagster/input_event_pointer/[^"]*": )"\d+"'), r'\g<1>"0"'),
)
# Where Dagster says which resources it sets up, ours is among them.
_OURS = (
    (re.compile(r"(resources \[[^\]]*)\bhooks(, )?"), r"\g<1>"),
    (
        re.compile(
            r'\{"__class__": "EventMetadataEntry", [^{]*\{[^}]*\}, "label": "hooks(:init_time)?"\}(, )?'
        ),
        "",
    ),
)
STEP_ENDS = {T.STEP_SUCCESS, T.STEP_FAILURE, T.STEP_UP_FOR_RETRY}


def events_of(instance: dg.DagsterInstance, run_id: str) -> list[DagsterEvent]:
    """What Dagster recorded of a run."""
    records = instance.get_records_for_run(run_id).records
    found = (record.event_log_entry.dagster_event for record in records)
    return [event for event in found if event is not None]


def told(events: Iterable[DagsterEvent]) -> list[str]:
    """Events as text, without those of the bus and without what differs from one run to the next."""
    theirs = (event for event in events if not _is_ours(event))
    # Dagster keeps the hooks of a step in a set: which comes first is chance.
    steps = groupby(theirs, lambda event: event.is_hook_event and event.step_key)
    return [
        line
        for is_hook, group in steps
        for line in (sorted(map(_scrubbed, group)) if is_hook else map(_scrubbed, group))
    ]


def _is_ours(event: DagsterEvent) -> bool:
    """The step hook leaves one line for each attempt; a resource is set up although none was before."""
    return is_step_hook(event) or "initialization of resources [hooks]." in (event.message or "")


def is_step_hook(event: DagsterEvent) -> bool:
    """Completed, that is: an error of it would be an event that was not there without it."""
    return event.event_type is T.HOOK_COMPLETED and f'hook "{HOOK_NAME}"' in (event.message or "")


def _scrubbed(event: DagsterEvent) -> str:
    text = serialize_value(event)
    for pattern, instead in (*_VOLATILE, *_OURS):
        text = pattern.sub(instead, text)
    return text


def snapshot(defs: dg.Definitions) -> Any:
    """All that Dagster's UI and daemon ever see of definitions, but for what is ours."""
    snap = json.loads(serialize_value(RepositorySnap.from_def(defs.get_repository_def())))
    return _without_ours(snap)


def _without_ours(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ours(item) for item in value if not _names_us(item)]
    if isinstance(value, dict):
        return {key: _without_ours(item) for key, item in value.items() if key not in _CONFIG}
    return value


# The launchpad's schema has a place for each resource that a job needs, ours among them.
_CONFIG = {"config_schema_snapshot", "root_config_key", "config_field_snap"}
IS_FIRST_SUPPORTED = dg.__version__.startswith("1.12.")
if IS_FIRST_SUPPORTED:
    # It makes a plain sensor of any whose job is bound to a resource, as it does for its own resources.
    _CONFIG |= {"sensor_type", "asset_keys"}


def _names_us(item: Any) -> bool:
    return isinstance(item, dict) and item.get("name") in (RESOURCE_KEY, SENSOR_NAME)
