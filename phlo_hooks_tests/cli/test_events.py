"""`phlo-hooks events`."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from phlo_hooks.cli import events
from phlo_hooks.cli.events import follow
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import HookEvent
from phlo_hooks_tests.cli.conftest import Console
from phlo_hooks_tests.delivery.helpers import HOOK, make_entries, make_event

IDS = [make_event(n).event_id for n in range(3)]


def spoil(store: HookStore, row: int) -> None:
    """An event that a release to come has recorded."""
    engine = create_engine(store.url)
    with engine.begin() as connection:
        body = json.dumps({"event_type": "ingestion.end", "version": "9.0"})
        connection.execute(
            text("UPDATE hook_events SET body = :body WHERE id = :row"), {"body": body, "row": row}
        )
    engine.dispose()


def test_list(console: Console) -> None:
    """The newest last, in UTC."""
    lines = console.out("events", "list", "--limit", "2").splitlines()
    assert lines[0].split() == ["time", "event", "id", "what"]
    assert [line.split()[2] for line in lines[1:]] == IDS[1:]
    assert lines[1].startswith("2026-03-14 09:26:53")
    assert "ingestion.end raw/table_1" in lines[1]


def test_list_as_json(console: Console) -> None:
    """One document a line, with the whole event."""
    found = console.json("events", "list", "--asset", "raw/table_?")
    assert [each["event_id"] for each in found] == IDS
    assert found[0]["timestamp"] == "2026-03-14T09:26:53.589793Z"
    assert HookEvent.from_dict(found[0]["event"]) == make_event(0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(["--type", "ingestion.*"], IDS, id="type"),
        pytest.param(["--asset", "raw/table_2"], IDS[2:], id="asset"),
        pytest.param(["--run", "run-2"], [], id="run"),
        pytest.param(["--since", "2026-03-14T09:26:53Z"], IDS, id="since"),
        pytest.param(["--since", "2026-03-14T10:27:00+01:00"], [], id="since, in another zone"),
        pytest.param(["--until", "2026-03-14T09:26:53"], [], id="until"),
        pytest.param(["--until", "0s"], IDS, id="until now"),
        pytest.param(["--since", "1h"], [], id="so long ago"),
    ],
)
def test_what_is_listed_can_be_chosen(console: Console, options: list[str], expected: list[str]) -> None:
    """By type, asset, run and time."""
    assert expected == [each["event_id"] for each in console.json("events", "list", *options)]


@pytest.mark.parametrize("when", ["yesterday", "", "2026-99-99", "9999999999999w", "-1h"])
def test_a_time_that_is_none(console: Console, when: str) -> None:
    """Says how to write one."""
    assert "is not a time: write 2026-03-14T09:00, or 2h, 3d" in console.error(
        "events", "list", f"--since={when}"
    )


def test_show(console: Console) -> None:
    """The whole event, and where it went; what a receiver wrote cannot reach the terminal."""
    out = console.out("events", "show", IDS[0])
    assert '"asset_key": "raw/table_0"' in out
    assert HOOK in out and "dead" in out
    assert "410 \\x1b[31m[red]Gone" in out
    assert "\x1b" not in out
    (document,) = console.json("events", "show", IDS[0])
    assert document["event"]["asset_key"] == "raw/table_0"
    assert [(HOOK, "dead", 1)] == [(d["hook"], d["state"], d["attempts"]) for d in document["deliveries"]]


def test_show_what_is_not_there(console: Console) -> None:
    """Says where to look."""
    said = console.error("events", "show", "nothing")
    assert "event 'nothing' is not in HookStore(" in said
    assert "phlo-hooks events list has the ids" in said


def test_tail(hook_store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones, then each new one once, also when it was committed later than its number says."""
    number = iter(range(3, 99))
    monkeypatch.setattr(
        events.time, "sleep", lambda _: hook_store.record(make_entries(1, first=next(number)))
    )
    found = [each.event_id for each in islice(follow(hook_store, Selection(), lines=2, interval=0), 5)]
    assert found == [make_event(n).event_id for n in (1, 2, 3, 4, 5)]


def test_tail_of_what_comes_late(hook_store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that was free when a higher one was seen is filled: its transaction took longer."""
    engine = create_engine(hook_store.url)

    def move(event: int, row: int) -> None:
        where = {"row": row, "event": make_event(event).event_id}
        with engine.begin() as connection:
            connection.execute(text("UPDATE hook_events SET id = :row WHERE event_id = :event"), where)

    def fill(_: float) -> None:
        hook_store.record(make_entries(1, first=8))
        move(8, row=7)

    hook_store.record(make_entries(4, first=3))
    move(6, row=9)
    following = follow(hook_store, Selection(), lines=0, interval=0)
    monkeypatch.setattr(events.time, "sleep", fill)
    assert next(following).id == 7
    engine.dispose()


def test_tail_of_a_burst(hook_store: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a page at once: all of it, in order, without a pause in between."""
    pauses: list[float] = []

    def burst(interval: float) -> None:
        pauses.append(interval)
        hook_store.record(make_entries(1200, first=3))

    monkeypatch.setattr(events.time, "sleep", burst)
    found = [each.id for each in islice(follow(hook_store, Selection(), lines=1, interval=9), 1201)]
    assert found == list(range(3, 1204))
    assert pauses == [9]


def test_tail_prints(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until Ctrl-C."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(events.time, "sleep", interrupt)
    assert "ingestion.end raw/table_2" in console.run("events", "tail", "-n", "1", code=1).stdout
    out = console.run("events", "tail", "-n", "3", "--json", code=1).stdout
    assert IDS == [json.loads(line)["event_id"] for line in out.splitlines()]


def test_export(console: Console, tmp_path: Path) -> None:
    """CloudEvents, one a line, from which the same events can be read."""
    file = tmp_path / "events.jsonl"
    result = console.run("events", "export", "-o", str(file), "--type", "ingestion.end")
    assert (result.stdout, result.stderr) == ("", "3 events exported\n")
    read = [HookEvent.from_cloudevent(json.loads(line)) for line in file.read_text().splitlines()]
    assert read == [make_event(n) for n in range(3)]
    assert console.run("events", "export").stdout == file.read_text()


def test_export_says_how_far_it_is(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the events, not among them."""
    monkeypatch.setattr(events, "_PROGRESS_SECONDS", -1)
    result = console.run("events", "export")
    assert "1 events so far, up to " in result.stderr
    assert len(result.stdout.splitlines()) == 3


def test_an_event_that_cannot_be_read(console: Console, hook_store: HookStore) -> None:
    """Is listed by its columns, and an export without it does not pass for a whole one."""
    spoil(hook_store, 2)
    assert "ingestion.end (cannot be read: IngestionEvent has version 9.0" in console.out("events", "list")
    result = console.run("events", "export", code=1)
    assert len(result.stdout.splitlines()) == 2
    assert (
        f"1 events cannot be read by this release and are not in the export, the first is {IDS[1]}"
        in result.stderr
    )


def test_nothing_recorded(tmp_path: Path) -> None:
    """A mistyped path is not made into an empty store."""
    said = Console(f"sqlite:///{tmp_path}/typo/hooks.db").error("events", "list")
    assert f"there is no hook store at sqlite:///{tmp_path}/typo/hooks.db" in said
    assert "--store" in said and "phlo-hooks store upgrade" in said
    assert list(tmp_path.iterdir()) == []
