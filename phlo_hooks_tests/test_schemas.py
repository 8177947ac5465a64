"""The committed JSON Schemas: guarded against silent change, and true of real events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from phlo_hooks.envelope import EVENT_VERSION
from phlo_hooks.events import HookEvent, IngestionEvent
from phlo_hooks.schemas import as_text, event_classes, event_schemas, file_name, main
from phlo_hooks_tests.samples import every_event, full_event

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
SCHEMAS = event_schemas()
COMMAND = "python -m phlo_hooks.schemas docs/schemas"


def errors_of(event: HookEvent) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[type(event).__name__], format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(json.loads(event.to_json()))]


@pytest.mark.parametrize("name", SCHEMAS)
def test_committed_schema_is_the_generated_one(name):
    """A changed event needs a new version: others read by the one they know."""
    schema = SCHEMAS[name]
    path = FOLDER / file_name(schema)
    assert path.exists(), f"{path.name} is missing: run `{COMMAND}` and commit it"
    assert schema == json.loads(path.read_text(encoding="utf-8")), (
        f"{name} has changed and its version is still {EVENT_VERSION}: raise EVENT_VERSION in "
        f"phlo_hooks/envelope.py, then run `{COMMAND}` and commit what it writes"
    )


def test_no_schema_without_a_class():
    """The file of a class that is gone misleads."""
    current = {path.name for path in FOLDER.glob(f"*.{EVENT_VERSION}.json")}
    assert {file_name(schema) for schema in SCHEMAS.values()} == current


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_schemas_are_schemas(schema):
    """They follow the dialect that they name, each under an id of its own."""
    Draft202012Validator.check_schema(schema)
    assert f"urn:phlo-hooks:event:{schema['title']}:{EVENT_VERSION}" == schema["$id"]


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.event_type)
def test_full_events_are_valid(event):
    """A real event of every class, with every field set."""
    assert [] == errors_of(event)


@pytest.mark.parametrize("cls", event_classes(), ids=lambda cls: cls.__name__)
def test_every_type_of_a_class_is_valid(cls):
    """Each of its event types is in the schema."""
    for event_type in cls.event_types:
        assert [] == errors_of(full_event(cls, event_type=event_type))


def test_schemas_can_fail():
    """A status that is none, a type of another class: the schema says no."""
    schema = SCHEMAS["IngestionEvent"]
    good = json.loads(full_event(IngestionEvent).to_json())
    for changes in ({"status": "fine"}, {"event_type": "run.start"}, {"metrics": 3}, {"timestamp": 3}):
        assert list(Draft202012Validator(schema).iter_errors({**good, **changes})), changes
    without_id = {name: value for name, value in good.items() if name != "event_id"}
    assert list(Draft202012Validator(schema).iter_errors(without_id))


def test_main_writes_them(tmp_path):
    """The command of the message above does what it says."""
    main([str(tmp_path / "new")])
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()}
    assert {file_name(schema): as_text(schema) for schema in SCHEMAS.values()} == written
