"""The event catalogue as JSON Schemas, for whoever reads events without this package.

    $ python -m phlo_hooks.schemas docs/schemas

A schema describes an event as `to_json` writes it. Fields that a newer minor version adds are allowed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phlo_hooks import events
from phlo_hooks.envelope import EVENT_VERSION, HookEvent

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ENVELOPE = ("event_id", "event_type", "version", "timestamp", "producer")


def event_classes() -> tuple[type[HookEvent], ...]:
    """Every class of the catalogue that an event can be of, by name."""
    public = (getattr(events, name) for name in sorted(events.__all__))
    return tuple(
        each
        for each in public
        if isinstance(each, type) and issubclass(each, HookEvent) and each not in _ABSTRACT
    )


_ABSTRACT = (events.HookEvent, events.AssetEvent)


def event_schemas() -> dict[str, dict[str, Any]]:
    """One JSON Schema for each event class, by the class's name."""
    return {each.__name__: _schema(each) for each in event_classes()}


def file_name(schema: dict[str, Any]) -> str:
    """`<ClassName>.<version>.json`: a new version leaves the file of the old one as it was."""
    return f"{schema['title']}.{schema['version']}.json"


def as_text(schema: dict[str, Any]) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _schema(cls: type[HookEvent]) -> dict[str, Any]:
    schema = cls.model_json_schema(mode="serialization")
    properties = {**schema["properties"]}
    if cls.event_types:
        properties["event_type"] = {"enum": list(cls.event_types), "title": "Event Type"}
    return {
        **schema,
        "$schema": DIALECT,
        "$id": f"urn:phlo-hooks:event:{cls.__name__}:{EVENT_VERSION}",
        "version": EVENT_VERSION,
        "properties": properties,
        "required": sorted({*schema.get("required", ()), *_ENVELOPE}),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one file for each event class into a folder."""
    parser = argparse.ArgumentParser(prog="python -m phlo_hooks.schemas", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="such as docs/schemas")
    folder: Path = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for schema in event_schemas().values():
        (folder / file_name(schema)).write_text(as_text(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
