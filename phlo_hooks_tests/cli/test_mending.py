"""`phlo-hooks deliveries`, `dead-letters` and `replay`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, text

from phlo_hooks.delivery.store import HookStore
from phlo_hooks_tests.cli.conftest import ERROR, Console
from phlo_hooks_tests.delivery.helpers import HOOK, claim, deliver, make_event, states

IDS = [make_event(n).event_id for n in range(3)]


# -- deliveries ------------------------------------------------------------------------------------


def test_deliveries_are_listed(console: Console) -> None:
    """With the first line of their error."""
    lines = console.out("deliveries", "list").splitlines()
    assert [line.split()[5] for line in lines[1:]] == ["dead", "delivered", "pending"]
    assert "410 \\x1b[31m[red]Gone" in lines[1]
    assert "line 2" not in lines[1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param([], ["dead", "delivered", "pending"], id="all"),
        pytest.param(["--state", "dead", "--state", "pending"], ["dead", "pending"], id="states"),
        pytest.param(["--hook", "plugin.*", "-n", "1"], ["pending"], id="hook, the newest"),
        pytest.param(["--hook", "other.*"], [], id="another hook"),
        pytest.param(["--scope", "loc"], [], id="another location"),
        pytest.param([IDS[1]], ["delivered"], id="id"),
        pytest.param(["--asset", "raw/table_2"], ["pending"], id="asset"),
    ],
)
def test_deliveries_can_be_chosen(console: Console, options: list[str], expected: list[str]) -> None:
    """By id, state, hook, location and by what their events are."""
    assert expected == [each["state"] for each in console.json("deliveries", "list", *options)]


def test_deliveries_are_retried(console: Console, hook_store: HookStore) -> None:
    """The dead ones of the selection."""
    assert console.out("deliveries", "retry", "--hook", HOOK) == "1 delivery due now; a relay makes them\n"
    assert states(hook_store) == ["pending", "delivered", "pending"]
    assert console.json("deliveries", "retry", "--all") == [{"retried": 0}]


def test_deliveries_are_discarded(console: Console, hook_store: HookStore) -> None:
    """What is dead or open, with the reason."""
    out = console.out("deliveries", "discard", IDS[0], IDS[2], "--reason", "sent by hand", "--yes")
    assert out == "2 deliveries discarded\n"
    assert states(hook_store) == ["suppressed", "delivered", "suppressed"]
    assert hook_store.deliveries()[0].last_error == "discarded: sent by hand"


@pytest.mark.parametrize(
    "command",
    [
        ["deliveries", "retry"],
        ["deliveries", "discard", "--reason", "x"],
        ["dead-letters", "retry"],
        ["dead-letters", "discard", "--reason", "x"],
        ["replay"],
    ],
    ids=" ".join,
)
def test_all_of_them_must_be_asked_for(console: Console, hook_store: HookStore, command: list[str]) -> None:
    """Without a criterion nothing changes."""
    assert "which deliveries? Give event ids, --hook, --type" in console.error(*command)
    assert states(hook_store) == ["dead", "delivered", "pending"]


@pytest.mark.parametrize(
    "command",
    [["deliveries", "discard", "--reason", "x"], ["dead-letters", "discard", "--reason", "x"], ["replay"]],
    ids=" ".join,
)
def test_nobody_is_there_to_confirm(console: Console, hook_store: HookStore, command: list[str]) -> None:
    """A script must say that it means it."""
    assert "nobody is there to confirm it; add --yes" in console.error(*command, "--all")
    assert states(hook_store) == ["dead", "delivered", "pending"]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)], ids=["yes", "no", "enter"])
def test_somebody_is_asked(
    console: Console, hook_store: HookStore, terminal: Callable[[], None], answer: str, code: int
) -> None:
    """And told how many it would be."""
    terminal()
    result = console.run("replay", "--all", code=code, answer=answer)
    assert "replay 2 deliveries. Go on? [y/N]" in result.stderr
    assert states(hook_store).count("pending") == (3 if code == 0 else 1)


# -- dead letters ----------------------------------------------------------------------------------


def test_dead_letters_are_listed(console: Console) -> None:
    """Only those."""
    assert [IDS[0]] == [each["event_id"] for each in console.json("dead-letters", "list")]
    assert [IDS[0]] == [
        each["event_id"] for each in console.json("dead-letters", "list", "--hook", "plugin.*")
    ]


def test_a_dead_letter_is_explained(console: Console, hook_store: HookStore) -> None:
    """The event, its attempts, and every error, as the relay keeps them."""
    errors = '[{"attempt": 1, "at": "2026-03-14T09:00:00Z", "error": "503"}, {"attempt": 2, "at": "t2", "error": "410"}]'
    engine = create_engine(hook_store.url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE hook_deliveries SET errors = :errors WHERE id = 1"), {"errors": errors}
        )
    engine.dispose()
    out = console.out("dead-letters", "show", IDS[0])
    assert out.splitlines()[0] == "ingestion.end raw/table_0"
    assert "  attempt 1 at 2026-03-14T09:00:00Z: 503\n  attempt 2 at t2: 410\n" in out
    assert f"phlo-hooks dead-letters retry {IDS[0]} --hook {HOOK}" in out
    (document,) = console.json("dead-letters", "show", IDS[0])
    assert [(1, "503"), (2, "410")] == [(each["attempt"], each["error"]) for each in document["errors"]]
    assert document["what"] == "ingestion.end raw/table_0"


def test_a_dead_letter_of_an_older_release(console: Console) -> None:
    """Has but its last error."""
    out = console.out("dead-letters", "show", IDS[0], "--hook", HOOK)
    assert "410 \\x1b[31m[red]Gone\nTraceback: line 2" in out
    (document,) = console.json("dead-letters", "show", IDS[0])
    assert (document["last_error"], document["errors"]) == (ERROR, [])


def test_no_dead_letter(console: Console) -> None:
    """Says where to look."""
    said = console.error("dead-letters", "show", IDS[1], "--hook", "x.y")
    assert f"event {IDS[1]!r} has no dead letter of x.y: phlo-hooks dead-letters list" in said


def test_dead_letters_are_retried(console: Console, hook_store: HookStore) -> None:
    """And what waits for a later time is not."""
    assert console.json("dead-letters", "retry", "--all") == [{"retried": 1}]
    assert states(hook_store) == ["pending", "delivered", "pending"]


def test_dead_letters_are_discarded(console: Console, hook_store: HookStore) -> None:
    """And what is open is not."""
    assert console.json("dead-letters", "discard", "--all", "--reason", "x", "-y") == [{"discarded": 1}]
    assert states(hook_store) == ["suppressed", "delivered", "pending"]


# -- replay ----------------------------------------------------------------------------------------


def test_replay(console: Console, hook_store: HookStore) -> None:
    """Under the same id."""
    result = console.run("replay", IDS[1], "--yes")
    assert result.stdout == "1 delivery replayed\n"
    assert "finish it with --settled-before 20" in result.stderr
    claims = claim(hook_store)
    assert {IDS[1]: 1, IDS[2]: 0} == {each.event.event_id: each.replays for each in claims}


@pytest.mark.parametrize(
    ("options", "number"),
    [
        pytest.param(["--all"], 2, id="all"),
        pytest.param(["--state", "dead"], 1, id="dead"),
        pytest.param(["--state", "pending"], 0, id="what is open"),
        pytest.param(["--hook", "plugin.*", "--since", "2026-03-14"], 2, id="hook and time"),
        pytest.param(["--type", "ingestion.end", "--asset", "raw/table_0"], 1, id="type and asset"),
        pytest.param(["--run", "run-2"], 0, id="run"),
    ],
)
def test_a_dry_run_counts(console: Console, hook_store: HookStore, options: list[str], number: int) -> None:
    """And changes nothing; the replay itself then changes as many."""
    assert console.json("replay", "--dry-run", *options) == [{"deliveries": number, "dry_run": True}]
    assert states(hook_store) == ["dead", "delivered", "pending"]
    assert console.json("replay", "--yes", *options)[0]["deliveries"] == number


def test_an_interrupted_replay_is_finished(console: Console, hook_store: HookStore) -> None:
    """What was replayed and delivered meanwhile is not replayed again."""
    (first,) = console.json("replay", IDS[1], "--yes")
    deliver(hook_store, *claim(hook_store))
    (second,) = console.json("replay", "--all", "--yes", "--settled-before", first["settled_before"])
    assert second["deliveries"] == 1
    assert [1, 1, 0] == [each.replays for each in hook_store.deliveries()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--all"], "name them with -m, -f or -w", id="no definitions"),
        pytest.param(["--hook", "x.y"], "has no deliveries yet: choose events by id", id="hook"),
        pytest.param(["--state", "dead"], "has no deliveries yet: choose events by id", id="state"),
    ],
)
def test_history_that_cannot_be_given(console: Console, options: list[str], message: str) -> None:
    """Says what is missing."""
    assert message in console.error("replay", "--new-hook", "new.hook", *options)
