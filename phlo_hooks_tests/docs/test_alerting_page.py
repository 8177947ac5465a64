"""`docs/capabilities/alerting.md`: its tables are those of the code, and its timelines are what happens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from phlo_hooks.capabilities.alerting import QuietHours, Rule
from phlo_hooks.capabilities.alerting.facts import Facts
from phlo_hooks.capabilities.alerting.signals import SIGNALS
from phlo_hooks.capabilities.alerting.templates import words_of
from phlo_hooks.events import ErrorInfo, HookEvent
from phlo_hooks_tests.capabilities.alerting import bench
from phlo_hooks_tests.docs.pages import DOCS, ROOT, blocks, table

PAGE = DOCS / "capabilities" / "alerting.md"
MONDAY = bench.NOON.replace(hour=0)
DAYS = ("Mon", "Tue", "Wed")
_MARK = re.compile(r"<!-- timeline(?P<one_run>: one run)? -->")
_ROW = re.compile(r"^\| (?P<when>[\w :]+) \| (?P<what>.*?) ?\| (?P<sent>.*?) ?\|$")
_NAME = re.compile(r"`([^`]+)`")


def test_every_signal_is_in_the_table() -> None:
    """With its event types and severity, in the order of the code."""
    rows = [
        (_NAME.findall(name), _NAME.findall(types), severity)
        for name, types, severity, _ in table(PAGE, "signal")
    ]
    assert rows == [([each.name], list(each.event_types), each.severity) for each in SIGNALS]


def test_every_field_of_a_rule_is_in_the_table() -> None:
    """With its default, in the order of the code."""
    rows = [(_NAME.findall(name), default) for name, _, default in table(PAGE, "field")]
    assert rows == [([name], _default(field)) for name, field in Rule.model_fields.items()]


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    return "" if field.default in (None, []) else f"`{field.default!r}`"


def test_every_word_of_a_template_is_listed() -> None:
    """What `words_of` gives, and the message."""
    facts = Facts(
        "id",
        "run.failure",
        "run.failure",
        "problem",
        "ERROR",
        "job",
        "Job failed",
        "2026-01-01T00:00:00+00:00",
    )
    section = PAGE.read_text(encoding="utf-8").partition("## Templates")[2].partition("\n## ")[0]
    assert {*words_of(facts, 1, MONDAY), "message"} <= set(_NAME.findall(section))


def test_the_message_in_slack_is_a_golden_one() -> None:
    """The same one as in the pictures, whose mail and card have to be drawn anew when it changes."""
    (shown,) = (block for block in blocks(PAGE) if block.language == "json")
    name = shown.note.removeprefix("<!-- golden: ").removesuffix(" -->")
    golden = json.loads((ROOT / "phlo_hooks_tests/e2e/golden_alerts/slack.json").read_text(encoding="utf-8"))
    assert golden[name] == json.loads(shown.code)


# -- timelines -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Timeline:
    """What a rule does, as the page tells it: (when, what happens, what is sent)."""

    title: str
    code: str
    one_run: bool
    rows: list[tuple[str, str, str]]


def timelines() -> Iterator[Timeline]:
    """Each marked table, with the python block before it."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    python = [block for block in blocks(PAGE) if block.language == "python"]
    for number, line in enumerate(lines):
        if found := _MARK.match(line):
            code = [block.code for block in python if block.line < number][-1]
            title = [text for text in lines[:number] if text.startswith("#")][-1].lstrip("# ")
            table = lines[number + 3 :]
            end = next(i for i, text in enumerate(table) if not text.startswith("|"))
            rows = [row.groups() for row in map(_ROW.match, table[:end]) if row]
            assert len(rows) == end
            yield Timeline(title, code, bool(found["one_run"]), rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("timeline", list(timelines()), ids=lambda timeline: timeline.title)
def test_a_timeline_is_what_happens(timeline: Timeline) -> None:
    """Its events are played through its rules; the messages, times and recipients are those of the table."""
    names: dict[str, Any] = {}
    exec(timeline.code, {"Rule": Rule, "QuietHours": QuietHours}, names)  # noqa: S102
    rules = [value for value in names.values() if isinstance(value, Rule)]
    events = [event for when, what, _ in timeline.rows for event in events_of(what, moment(when), timeline)]
    simulation = bench.play(*rules)
    simulation.play(events)
    simulation.until(max(moment(when) for when, *_ in timeline.rows))
    told = [(f"{sent.at:%a %H:%M}", f"{sent.recipient}: {sent.message.title}") for sent in simulation.sent]
    expected = [
        (f"{moment(when):%a %H:%M}", name) for when, _, sent in timeline.rows for name in _NAME.findall(sent)
    ]
    assert told == expected


def moment(text: str) -> datetime:
    *day, clock = text.split()
    hours, minutes = clock.split(":")
    return MONDAY + timedelta(days=DAYS.index(day[0]) if day else 0, hours=int(hours), minutes=int(minutes))


def events_of(what: str, when: datetime, timeline: Timeline) -> Iterator[HookEvent]:
    """The events that a cell speaks of, such as "`orders` fails with `OSError`"."""
    run = {"run_id": "run1"} if timeline.one_run else {}
    for part in filter(None, what.split(", then ")):
        names = _NAME.findall(part)
        if part.startswith("check"):
            yield bench.check(when, name=names[0], step_key=names[1], asset_key=names[1], **run)
        elif part.startswith("run"):
            blocked = ErrorInfo(message="checks failed", error_class="DagsterAssetCheckFailedError")
            yield bench.run(
                when, "failure", steps=names[1:] or ["orders"], job=names[0], step_error=blocked, **run
            )
        else:
            error = ErrorInfo(message="disk full", error_class=names[1]) if len(names) > 1 else None
            more: dict[str, Any] = {"error": error} if error else {}
            yield bench.asset(when, "failure" if "fails" in part else "success", names[0], **more, **run)
