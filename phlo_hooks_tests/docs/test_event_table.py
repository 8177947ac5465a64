"""`docs/events.md` lists the event catalogue, no more and no less."""

from __future__ import annotations

import re

from phlo_hooks import events
from phlo_hooks.events import AssetEvent, ExternalEvent, HookEvent
from phlo_hooks_tests.docs.pages import DOCS

_ROW = re.compile(r"^\| \[?`(?P<name>\w+Event)`.*?\| (?P<types>.*?) \| (?P<fields>.*?) \|")


def test_every_class_is_in_the_table():
    """Class, event types and fields, once each."""
    page = (DOCS / "events.md").read_text(encoding="utf-8")
    rows = [found for line in page.splitlines() if (found := _ROW.match(line))]
    assert sorted((row["name"], _names(row["types"]), _names(row["fields"])) for row in rows) == sorted(
        (cls.__name__, _types(cls), _own_fields(cls)) for cls in _concrete()
    )


def _concrete() -> list[type[HookEvent]]:
    found = [value for value in vars(events).values() if isinstance(value, type)]
    return [cls for cls in found if issubclass(cls, HookEvent) and cls not in (HookEvent, AssetEvent)]


def _types(cls: type[HookEvent]) -> list[str]:
    return ["system.name"] if cls is ExternalEvent else list(cls.event_types)


def _own_fields(cls: type[HookEvent]) -> list[str]:
    """What the class adds to its parent; the envelope and the asset fields stand in tables of their own."""
    parent = AssetEvent if issubclass(cls, AssetEvent) else HookEvent
    return [name for name in cls.model_fields if name not in parent.model_fields]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell)
