"""`phlo-hooks openlineage`, on a store that real runs have written, with a backend that validates."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phlo_hooks.cli.openlineage import backfilling, printing, sending
from phlo_hooks.delivery.relay import Relay, RelayReport
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.openlineage.spec import errors_of
from phlo_hooks_tests.cli.lineage_lake import HOOK, LOCATION, Lake, lines, opened

KEYS = ["marts/report", "raw/orders"]
ALL = ("--since", "1h", "--yes")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A project that nothing has happened to."""
    with opened(tmp_path) as lake:
        yield lake


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, str]]:
    """A project whose job has run and was told of, and the run's id. Look at it, do not change it."""
    with opened(tmp_path_factory.mktemp("ran")) as lake:
        yield lake, lake.run()


def jobs(events: list[Any]) -> list[tuple[str, str]]:
    """Each event's type, and the job that it is of."""
    return [(each["eventType"], each["job"]["name"]) for each in events]


# -- preview of definitions ------------------------------------------------------------------------


def test_definitions_without_anything_but_a_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """No instance, no store, no URL: the datasets, and the jobs that compute them, all of it valid."""
    monkeypatch.delenv("LINEAGE_URL")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    found = lines(lake.command("preview", environment={"DAGSTER_HOME": None}))
    assert [errors for event in found if (errors := errors_of(event))] == []
    assert [each["job"]["name"] for each in found if "job" in each] == KEYS
    names = [each["dataset"]["name"] for each in found if "dataset" in each]
    assert names == ["marts/report", "orders"]
    assert [each["name"] for each in found[1]["inputs"]] == ["orders"]
    assert lake.backend.server.requests == []


def test_definitions_with_a_store_without_anything(lake: Lake) -> None:
    """An instance on which nothing has run yet: it is read, and no store is made."""
    before = {each for each in Path(lake.instance.root_directory).rglob("*") if "hooks" in each.name}
    assert len(lines(lake.command("preview"))) == 4
    assert {each for each in Path(lake.instance.root_directory).rglob("*") if "hooks" in each.name} == before


def test_the_summary(ran: tuple[Lake, str]) -> None:
    """A row for each event: what, of which job and run, from where to where, with which facets."""
    lake, run_id = ran
    rows = lake.out("preview", "--summary", "--asset", "marts/report").splitlines()
    assert rows[1].split()[:2] == ["dataset", "marts/report"]
    assert rows[2].split()[:5] == ["job", "marts/report", "orders", "->", "marts/report"]
    assert "jobType" in rows[2]
    assert rows[3:] == ["jobs in dagster: 1", "datasets in dagster: 1", "datasets in s3://lake: 1"]
    rows = lake.out("preview", "--summary", "--run", run_id).splitlines()
    assert rows[1].split()[:3] == ["START", "nightly", run_id[:8]]


def test_people_get_it_indented(ran: tuple[Lake, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal; `--json` is one document for each line there too."""
    lake, _ = ran
    monkeypatch.setattr(printing, "to_terminal", lambda: True)
    arguments = ("preview", "--asset", "raw/orders")
    out = lake.out(*arguments)
    assert out.startswith('{\n  "')
    assert len(lake.json(*arguments)) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("--asset", "marts/reprt"), "did you mean 'marts/report'?", id="misspelt"),
        pytest.param(("--asset", "salaries"), "leaves it out by include or exclude", id="excluded"),
        pytest.param(("--run", "4711"), "no run '4711': neither the hook store nor", id="no such run"),
        pytest.param(("--resource", "lineage"), "no OpenLineageResource has the key", id="no such key"),
        pytest.param(("--summary", "--json"), "give it or --json, not both", id="two forms"),
    ],
)
def test_what_cannot_be_previewed(ran: tuple[Lake, str], arguments: tuple[str, ...], message: str) -> None:
    """An error that names it and says what to do."""
    assert message in ran[0].error("preview", *arguments)


def test_which_resource(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several all, or the one that is named; of none there is nothing to say."""
    monkeypatch.setenv("LINEAGE_RESOURCES", "openlineage second")
    assert len(lines(lake.command("preview"))) == 8
    assert len(lines(lake.command("preview", "--resource", "second"))) == 4
    monkeypatch.setenv("LINEAGE_RESOURCES", "")
    assert "no OpenLineageResource is among the resources" in lake.error("preview")
    assert "resources={'openlineage': OpenLineageResource(…)}" in lake.error("preview")


# -- preview of a run ------------------------------------------------------------------------------


def test_a_run_is_what_was_sent(ran: tuple[Lake, str]) -> None:
    """To the letter, and looking changes nothing."""
    lake, run_id = ran
    before, requests = lake.kept(), len(lake.backend.server.requests)
    assert lines(lake.command("preview", "--run", run_id)) == lake.backend.events
    assert lines(lake.command("preview", "--run", run_id)) == lake.backend.events
    assert (lake.kept(), len(lake.backend.server.requests)) == (before, requests)
    assert len(lake.backend.events) >= 8


def test_a_run_of_one_asset(ran: tuple[Lake, str]) -> None:
    """Its own events, and those of its checks."""
    lake, run_id = ran
    found = lines(lake.command("preview", "--run", run_id, "--asset", "marts/*"))
    assert sorted(set(jobs(found))) == [
        ("COMPLETE", "marts/report"),
        ("COMPLETE", "marts/report.not_empty"),
        ("START", "marts/report"),
        ("START", "marts/report.not_empty"),
    ]


def test_a_run_that_only_dagster_knows(lake: Lake) -> None:
    """Its log is translated as the tail does it; nothing is recorded of it."""
    run_id = lake.bare_run()
    before = lake.kept()
    found = lines(lake.command("preview", "--run", run_id))
    assert [errors for event in found if (errors := errors_of(event))] == []
    assert {("START", "raw/orders"), ("COMPLETE", "marts/report")} <= set(jobs(found))
    assert lake.kept() == before == []
    assert lake.backend.server.requests == []


# -- backfill --------------------------------------------------------------------------------------


def test_what_happened_before_the_resource_was_there(lake: Lake) -> None:
    """Is sent once it is, each run in its order; and once more, the same, when that is asked for again."""
    runs = [lake.run(resources=""), lake.run(resources="")]
    assert lake.backend.events == []
    out = lake.out("backfill", *ALL)
    first = lake.backend.events
    assert f"openlineage in {LOCATION}: " in out
    assert f"{len(lake.store.deliveries())} sent" in out
    lake.backend.check_lifecycle()
    parents = {
        each["run"]["facets"]["parent"]["run"]["runId"] for each in first if "parent" in each["run"]["facets"]
    }
    assert parents == set(runs)
    lake.backend.clear()
    lake.out("backfill", *ALL)
    assert lake.backend.events == first


def test_runs_of_which_a_part_was_sent(lake: Lake) -> None:
    """What is missing of a run does not come after its end: all of it is sent, in order."""
    run_id = lake.run()
    sent = lake.backend.events
    lake.backend.clear()
    # As if the resource had come in the middle of the run.
    store = lake.store
    with sqlite3.connect(store.url.database) as connection:
        connection.execute("DELETE FROM hook_deliveries WHERE id IN (SELECT id FROM hook_deliveries LIMIT 3)")
    [queued, outcome] = lake.json("backfill", *ALL)
    assert (queued["queued"], outcome["sent"]) == (len(store.deliveries(run_id=run_id)),) * 2
    assert lake.backend.events == sent


def test_a_dry_run(lake: Lake) -> None:
    """Says how many it would be, and does nothing."""
    lake.run(resources="")
    before = lake.kept()
    [said] = lake.json("backfill", "--since", "1h", "--dry-run")
    assert said["events"] > 5
    assert said["dry_run"] is True
    assert lake.kept() == before
    assert f"{said['events']} events would be sent" in lake.out("backfill", "--since", "1h", "--dry-run")


def test_nobody_confirms(lake: Lake) -> None:
    """In a script `--yes` is needed."""
    lake.run(resources="")
    assert "add --yes" in lake.error("backfill", "--since", "1h")
    assert lake.store.deliveries() == []


def test_only_what_is_asked_for(lake: Lake) -> None:
    """From `--since` to before `--until`."""
    lake.run(resources="")
    [said] = lake.json("backfill", "--since", "2h", "--until", "1h", "--dry-run")
    assert said["events"] == 0


def test_left_to_the_relay(lake: Lake) -> None:
    """`--no-send` queues; the relay of the deployment sends."""
    lake.run(resources="")
    [queued] = lake.json("backfill", *ALL, "--no-send")
    assert lake.backend.events == []
    assert len(lake.store.deliveries()) == queued["queued"] > 5
    lake.run()
    assert len(lake.backend.events) > queued["queued"]


def test_a_backend_that_is_down(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for a while; then it is said how many are left, and why. They are kept."""
    monkeypatch.setattr(sending, "PATIENCE", 1.5)
    lake.run(resources="")
    lake.backend.always(Fault.answer(503, b"down for maintenance"))
    *_, said = lake.json("backfill", *ALL, code=1)
    assert (said["sent"], said["dead"]) == (0, 0)
    assert said["left"] == len(lake.store.deliveries()) > 5
    assert "503" in said["reason"]


def test_a_backend_that_refuses(lake: Lake) -> None:
    """What it will never take is given up, and the command says where to look."""
    lake.run(resources="")
    lake.backend.next(Fault.answer(400, b"no such thing"))
    result = lake.command("backfill", *ALL, code=1)
    assert "1 given up (phlo-hooks dead-letters list)" in result.stdout


def test_a_hook_that_is_switched_off(lake: Lake) -> None:
    """Is not called: the command says so at once, instead of waiting."""
    lake.run(resources="")
    lake.store.disable(HOOK, "backend moves", scope=LOCATION)
    *_, said = lake.json("backfill", *ALL, code=1)
    assert (said["sent"], said["reason"]) == (0, "the circuit is disabled, backend moves")


def test_ctrl_c(lake: Lake) -> None:
    """It ends well, and what is left stays queued."""
    lake.run(resources="")
    lake.backend.always(Fault.answer(503, b""))
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    handler = signal.getsignal(signal.SIGINT)
    timer.start()
    *_, said = lake.json("backfill", *ALL, code=1)
    assert (said["sent"], said["left"]) == (0, len(lake.store.deliveries()))
    assert signal.getsignal(signal.SIGINT) is handler


def test_runs_of_other_code_locations(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are none of this one's business, though they are in the same store."""
    lake.run(resources="")
    monkeypatch.setattr(backfilling, "run_locations", lambda instance: lambda run_id: "elsewhere")
    [said] = lake.json("backfill", "--since", "1h", "--dry-run")
    assert said["events"] == 0
    monkeypatch.setattr(backfilling, "run_locations", lambda instance: lambda run_id: "sales")
    [said] = lake.json("backfill", "--since", "1h", "--dry-run", "--location", "sales")
    assert said["events"] > 5
    assert said["location"] == "sales"


def test_a_relay_beside_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What that one sends is waited for, and not counted as sent here."""
    lake.run(resources="")
    make = Runtime.relay

    def forestalled(self: Runtime, *arguments: Any, **options: Any) -> Relay:
        ours, other = (make(self, *arguments, **options) for _ in range(2))

        def run(budget: float) -> RelayReport:
            other.run(budget)
            return RelayReport()

        monkeypatch.setattr(ours, "run", run)
        return ours

    monkeypatch.setattr(Runtime, "relay", forestalled)
    *_, said = lake.json("backfill", *ALL)
    assert (said["sent"], said["left"], said["reason"]) == (0, 0, "")
    assert said["elsewhere"] == len(lake.store.deliveries()) > 5
    assert len(lake.backend.events) > 5
