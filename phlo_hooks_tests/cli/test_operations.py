"""`phlo-hooks hooks`, `health` and `store`, and what all commands have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from phlo_hooks.cli import cli, hooks
from phlo_hooks.cli.metrics import exposition, start_metrics_server
from phlo_hooks.delivery.health import HookHealth
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.delivery.upgrade import HEAD
from phlo_hooks.errors import ConfigurationError, MissingExtraError
from phlo_hooks.producers import tail
from phlo_hooks_tests.cli.conftest import Console
from phlo_hooks_tests.cli.projects import make_project
from phlo_hooks_tests.delivery.helpers import HOOK, make_entries, states

ROOT = Path(__file__).parents[2]
CANARY = "s3cr3t-canary"


# -- hooks -----------------------------------------------------------------------------------------


def test_a_hook_is_switched(console: Console, hook_store: HookStore) -> None:
    """Off, with a reason that everybody sees, and on."""
    assert console.out("hooks", "disable", HOOK, "--reason", "noisy") == f"{HOOK} disabled\n"
    assert console.json("hooks", "disable", HOOK, "--reason", "noisy") == [
        {"hook": HOOK, "state": "disabled", "changed": False}
    ]
    line = console.out("hooks", "list").splitlines()[1].split()
    assert (line[0], line[1], line[-1]) == (HOOK, "disabled", "noisy")
    assert "noisy" in console.run("health", code=2).stdout
    assert console.out("hooks", "enable", HOOK) == f"{HOOK} enabled\n"
    assert console.out("hooks", "enable", HOOK) == f"{HOOK} was enabled already\n"
    assert [("closed", "enabled")] == [(h["state"], h["reason"]) for h in console.json("hooks", "list")]


def test_a_hook_is_switched_in_every_location(console: Console, hook_store: HookStore) -> None:
    """In all that have a tail or a circuit, or in the one that is named."""
    hook_store.put_state(hooks.TAILS, f"{hooks.LOCATION}sales", {})
    hook_store.put_state("circuit", f"{HOOK} finance", {"state": "open"})
    console.run("hooks", "disable", HOOK, "--reason", "noisy")
    assert {"", "sales", "finance"} == hook_store.circuit_scopes(HOOK)
    console.run("hooks", "enable", HOOK, "--scope", "sales")
    entries = {entry.key: entry.value["state"] for entry in hook_store.list_state("circuit")}
    assert entries == {HOOK: "disabled", f"{HOOK} sales": "closed", f"{HOOK} finance": "disabled"}


def test_where_locations_are_found() -> None:
    """The tail sensor's own words, which cost Dagster to import."""
    assert (hooks.TAILS, hooks.LOCATION) == (tail.TAILS, tail._LOCATION)


def test_a_hook_that_is_misspelt(console: Console, hook_store: HookStore) -> None:
    """Would be switched without any effect."""
    assert f"did you mean {HOOK!r}?" in console.error("hooks", "disable", "plugin.hok", "--reason", "x")
    assert "phlo-hooks hooks list has those there are" in console.error("hooks", "enable", "zzz")
    assert hook_store.list_state("circuit") == []


# -- health ----------------------------------------------------------------------------------------


def test_health_is_degraded(console: Console) -> None:
    """By a dead letter: the exit code is for scripts, the table for people."""
    out = console.run("health", code=2).stdout
    row = out.splitlines()[1]
    assert row.split()[:6] == [HOOK, "closed", "1", "0", "0", "1"]
    assert "1 dead" in row and "410" in row
    (document,) = console.json("health", code=2)
    assert (document["healthy"], document["hooks"][0]["problems"]) == (False, ["1 dead"])


def test_health_is_good(console: Console, hook_store: HookStore) -> None:
    """Once the dead letter is dealt with, unless what waits has been waiting for too long."""
    hook_store.discard(hooks.Selection(ids=[make_id(0)]), "x")
    console.run("health")
    console.run("health", "--max-age", "15m")
    assert "oldest waits for" in console.run("health", "--max-age", "0s", code=2).stdout
    assert console.json("health", "--hook", "never.seen")[0]["hooks"][0]["hook"] == "never.seen"
    assert "write 90s, 15m, 2h or 3d" in console.error("health", "--max-age", "soon")


def make_id(number: int) -> str:
    return make_entries(1, first=number)[0].event.event_id


def test_health_cannot_be_told(tmp_path: Path) -> None:
    """Is an error, which a probe can tell from a degraded deployment; so is an option that is not there."""
    console = Console(f"sqlite:///{tmp_path}/none.db")
    assert "there is no hook store" in console.error("health")
    assert "No such option" in console.error("health", "--bogus")


def test_prometheus(console: Console) -> None:
    """As Prometheus' own parser reads it."""
    text = console.run("health", "--prometheus", code=2).stdout
    samples = {
        (sample.name, sample.labels.get("hook"), sample.labels.get("state")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["phlo_hooks_store_up", None, None] == 1
    assert samples["phlo_hooks_pending_deliveries", HOOK, None] == 1
    assert samples["phlo_hooks_retrying_deliveries", HOOK, None] == 0
    assert samples["phlo_hooks_in_flight_deliveries", HOOK, None] == 0
    assert samples["phlo_hooks_dead_letters", HOOK, None] == 1
    assert samples["phlo_hooks_oldest_delivery_age_seconds", HOOK, None] >= 0
    assert samples["phlo_hooks_delivered_per_second", HOOK, None] == pytest.approx(1 / 300)
    circuit = {state: value for (name, _, state), value in samples.items() if "circuit" in name}
    assert circuit == {"closed": 1, "half_open": 0, "open": 0, "disabled": 0}


def test_metrics_are_served(hook_store: HookStore) -> None:
    """As they are at each request; without the store, that it is down, and nothing of where it is."""
    server = start_metrics_server(hook_store, 0)
    try:
        assert f'phlo_hooks_dead_letters{{hook="{HOOK}"}} 1.0' in scrape(server.port)
        hook_store.discard(hooks.Selection(), "x")
        assert f'phlo_hooks_dead_letters{{hook="{HOOK}"}} 0.0' in scrape(server.port)
        with pytest.raises(ConfigurationError, match="choose another port"):
            start_metrics_server(hook_store, server.port)
    finally:
        server.close()
    down = start_metrics_server(HookStore(f"postgresql://u:{CANARY}@127.0.0.1:1/db", timeout=1), 0)
    try:
        text = scrape(down.port)
        assert "phlo_hooks_store_up 0.0" in text
        assert CANARY not in text and HOOK not in text
    finally:
        down.close()


def scrape(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def test_metrics_without_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says which extra it is in."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for call in (
        lambda: exposition([HookHealth(HOOK)]),
        lambda: start_metrics_server(HookStore.in_memory(), 0),
    ):
        with pytest.raises(MissingExtraError, match=r"pip install 'phlo-hooks\[metrics\]'"):
            call()


# -- store -----------------------------------------------------------------------------------------


def test_a_store_is_made(tmp_path: Path) -> None:
    """Once; its status tells nothing, and makes nothing, before."""
    console = Console(f"sqlite:///{tmp_path}/new.db")
    result = console.run("store", "status", code=1)
    assert "version       none" in result.stdout
    assert "run phlo-hooks store upgrade" in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert console.out("store", "upgrade").endswith(f"new.db: nothing -> {HEAD}\n")
    assert console.out("store", "upgrade").endswith(f"has version {HEAD} already\n")
    (status,) = console.json("store", "status")
    assert (status["version"], status["current"], status["open"], status["first_event"]) == (
        HEAD,
        True,
        0,
        None,
    )


def test_status(console: Console) -> None:
    """What is in it."""
    out = console.out("store", "status")
    assert "open          1\ndead          1\nfirst event   20" in out


@pytest.mark.parametrize(
    ("stamp", "message"), [("0001", "run phlo-hooks store upgrade"), ("9999", "upgrade phlo-hooks here")]
)
def test_tables_of_another_release(console: Console, hook_store: HookStore, stamp: str, message: str) -> None:
    """Are not migrated by a command that was to list something."""
    from sqlalchemy import create_engine, text

    engine = create_engine(hook_store.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE hook_alembic_version SET version_num = :stamp"), {"stamp": stamp})
    for command in (["events", "list"], ["health"], ["store", "status"]):
        assert message in console.error(*command)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM hook_alembic_version")).scalar() == stamp
    engine.dispose()


def test_prune(console: Console, hook_store: HookStore) -> None:
    """What is older than so many days; what is dead or open stays."""
    expected = {"deliveries": 0, "events": 0, "state": 0, "complete": True}
    assert console.json("store", "prune", "--older-than", "1") == [expected]
    assert (
        console.out("store", "prune", "--older-than", "0")
        == "deleted 1 deliveries, 1 events, 0 expired values\n"
    )
    assert states(hook_store) == ["dead", "pending"]
    result = console.run("store", "prune", "--older-than", "0", "--budget", "0")
    assert "deleted 0 deliveries" in result.stdout


# -- all commands ----------------------------------------------------------------------------------

COMMANDS = [
    ["events", "list"],
    ["events", "show", "x"],
    ["events", "tail"],
    ["events", "export"],
    ["deliveries", "list"],
    ["deliveries", "retry", "--all"],
    ["deliveries", "discard", "--all", "--reason", "x", "-y"],
    ["dead-letters", "list"],
    ["dead-letters", "show", "x"],
    ["dead-letters", "retry", "--all"],
    ["dead-letters", "discard", "--all", "--reason", "x", "-y"],
    ["replay", "--all", "-y"],
    ["hooks", "list"],
    ["hooks", "enable", "x"],
    ["hooks", "disable", "x", "--reason", "x"],
    ["health"],
    ["store", "upgrade"],
    ["store", "status"],
    ["store", "prune", "--older-than", "1"],
]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"postgresql://user:{CANARY}@127.0.0.1:1/db", id="down"),
        pytest.param(f"postgresql://127.0.0.1:1/db?user=u&password={CANARY}", id="in the query"),
        pytest.param(f"oracle://user:{CANARY}@127.0.0.1/db", id="unknown database"),
        pytest.param(f"postgresql://user:{CANARY}@127.0.0.1:port/db", id="not a URL"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_password_is_never_shown(command: list[str], url: str) -> None:
    """Neither in what is printed nor in what is raised, whichever command it is."""
    result = CliRunner().invoke(cli, [*command, "--store", url])
    assert result.exit_code == 1
    assert "Error: " in result.output
    trace = "".join(traceback.format_exception(*result.exc_info)) if result.exc_info else ""
    assert CANARY not in result.output + trace


def test_the_store_of_the_environment(
    console: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An option comes first, then the variable, then the Dagster instance; else it is asked for."""
    runner = CliRunner()
    said = runner.invoke(cli, ["health"])
    assert "which hook store? Give --store URL" in said.output and said.exit_code == 1
    monkeypatch.setenv("PHLO_HOOKS_STORE_URL", console.url)
    assert HOOK in runner.invoke(cli, ["health"]).output
    assert "no hook store" in runner.invoke(cli, ["health", "--store", str(tmp_path / "other.db")]).output


@pytest.mark.parametrize("command", [*COMMANDS, ["relay"], ["demo"], []], ids=" ".join)
def test_every_command_has_help(command: list[str]) -> None:
    """With each of its options explained."""
    words = [word for word in command if not word.startswith("-") and word not in ("x", "1")]
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.output


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_commands_on_a_project(tmp_path: Path) -> None:
    """The store of DAGSTER_HOME and that of the definitions are one; a new hook gets the history, once."""
    project = make_project(tmp_path)
    environment = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT)}
    environment.pop("PHLO_HOOKS_STORE_URL", None)

    def python(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def ours(*arguments: str, code: int = 0) -> list[dict[str, object]]:
        out = python("-m", "phlo_hooks", *arguments, "--json", code=code)
        return [json.loads(line) for line in out.splitlines()]

    python("lake_defs.py")
    told = [each["event_type"] for each in ours("events", "list")]
    assert told == ["run.start", "ingestion.start", "ingestion.end"]
    (health,) = ours("health", "-f", "lake_defs.py")
    waiting = health["hooks"][0]
    hook, number = waiting["hook"], waiting["pending"]
    assert (hook.partition(".")[0], number) == ("file", 3)
    ours("hooks", "disable", hook, "--reason", "noisy", "-f", "lake_defs.py")
    assert ours("hooks", "list")[0]["state"] == "disabled"
    file = (tmp_path / "lake_defs.py").read_text()
    project.write("lake_defs.py", file.replace('"file": File', '"later": File'))
    replay = ("replay", "--all", "--new-hook", hook.replace("file.", "later."), "-f", "lake_defs.py", "--yes")
    # The three of the run, and that the hook was disabled: for its location, and for runs that have none.
    assert [5] == [each["deliveries"] for each in ours(*replay, "--dry-run")]
    assert [5] == [each["deliveries"] for each in ours(*replay)]
    assert [0] == [each["deliveries"] for each in ours(*replay)]
    assert {"file", "later"} == {each["hook"].partition(".")[0] for each in ours("deliveries", "list")}
    python("-m", "phlo_hooks", "replay", "--all", "--new-hook", "no.hook", "-f", "lake_defs.py", "-y", code=1)


def test_no_dagster_where_none_is_needed(console: Console) -> None:
    """It takes seconds to import."""
    code = (
        "import sys\nfrom phlo_hooks.cli import cli\n"
        f"cli(['health', '--store', {console.url!r}], standalone_mode=False)\n"
        "assert 'dagster' not in sys.modules and 'alembic' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
