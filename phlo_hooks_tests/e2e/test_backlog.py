"""200 real runs between two ticks: each of them is told, once, whatever happens to the ticks."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import golden, lake
from phlo_hooks_tests.e2e.conftest import ROOT, NewInstance
from phlo_hooks_tests.e2e.speed import no_fsync

# The runs are made for whichever test comes first.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

RUNS = 200
ROWS = (
    golden.Row("run.start", status="started"),
    golden.Row("ingestion.start", "tiny", 1, "tiny", status="started"),
    golden.Row("ingestion.end", "tiny", 1, "tiny", status="success"),
    golden.Row("run.success", status="success"),
)


@dataclass(frozen=True)
class Backlog:
    """The runs, and the ids of all events that there are to tell."""

    instance: dg.DagsterInstance
    run_ids: list[str]

    @property
    def event_ids(self) -> set[str]:
        return {golden.expected_id(run_id, row) for run_id in self.run_ids for row in ROWS}


@pytest.fixture(scope="module")
def backlog(new_instance: NewInstance) -> Iterator[Backlog]:
    """Default storage, as `dagster dev` has it. No test adds to it: each has a store of its own."""
    with no_fsync(), new_instance("sharded") as instance:
        job = dg.Definitions(assets=[lake.tiny], executor=dg.in_process_executor)
        definition = job.resolve_implicit_global_asset_job_def()
        runs = [definition.execute_in_process(instance=instance) for _ in range(RUNS)]
        yield Backlog(instance, [run.run_id for run in runs])


@dataclass
class Place:
    """Where the events of one test go."""

    folder: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/hooks.db"

    @property
    def lines(self) -> Path:
        return self.folder / "lines.jsonl"

    @property
    def runtime(self) -> Runtime:
        resources = lake.small(self.url, str(self.lines)).resources or {}
        runtime: Runtime = resources["hooks"].runtime
        return runtime

    def recorded(self) -> list[str]:
        with closing(HookStore(self.url)) as store:
            return [record.event_id for record in store.events(limit=100_000)]

    def count(self) -> int:
        """How many events are recorded; asked while another process is at it, so it must be cheap."""
        if not (self.folder / "hooks.db").exists():
            return 0
        with closing(sqlite3.connect(self.folder / "hooks.db")) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            events = "hook_events" in tables
            return connection.execute("SELECT count(*) FROM hook_events").fetchone()[0] if events else 0

    def delivered(self) -> list[str]:
        return [json.loads(line)["id"] for line in self.lines.read_text().splitlines()]

    def states(self) -> set[DeliveryState]:
        with closing(HookStore(self.url)) as store:
            return {state for _, state in store.counts()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def ticks(backlog: Backlog, place: Place, budget: float) -> list[str]:
    """Ticks, until one has nothing left to do; what each said."""
    said: list[str] = []
    while not said or "out of time" in said[-1] or "still due" in said[-1] or " 0 new" not in said[-1]:
        said.append(tick(backlog.instance, place.runtime, "", budget=budget))
        assert len(said) < 1000
    return said


def test_every_run_is_told_once(backlog: Backlog, place: Place) -> None:
    """Nothing is lost, nothing comes twice; a run-status sensor of Dagster's own would be at its fifth run."""
    ticks(backlog, place, budget=300)
    assert set(place.recorded()) == backlog.event_ids
    assert Counter(place.delivered()) == Counter(backlog.event_ids)


def test_ticks_keep_within_their_budget(backlog: Backlog, place: Place) -> None:
    """A backlog that takes many ticks: each ends in time, and goes on where the one before it stopped."""
    took, said = [], [""]
    while "out of time" in said[-1] or not said[-1]:
        began = time.monotonic()
        said.append(tick(backlog.instance, place.runtime, "", budget=0.2))
        took.append(time.monotonic() - began)
    # Half of the budget is for reading. What is under way at its end, a delivery or a row of the run view, is
    # brought to its end, and the machine may be busy with other tests.
    assert max(took) < 0.2 + 5.0 + 5.0
    assert "out of time" in said[1], "the first tick did it all: the backlog is too small for its budget"
    ticks(backlog, place, budget=300)
    assert set(place.recorded()) == backlog.event_ids
    assert Counter(place.delivered()) == Counter(backlog.event_ids)


def killed_tick(backlog: Backlog, place: Place, after: int) -> int:
    """A tick in a process of its own, which is killed once there are so many events; how many there are then."""
    code = f"from phlo_hooks_tests.e2e import lake; lake.tick_slowly({place.url!r}, {str(place.lines)!r})"
    environment = {**os.environ, "DAGSTER_HOME": backlog.instance.root_directory, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        while process.poll() is None and place.count() < after:
            time.sleep(0.02)
        assert process.poll() is None, "the tick ended before it was killed"
        # Anywhere in what it does from one transaction to the next.
        time.sleep(random.uniform(0, 0.05))
    finally:
        process.kill()
        process.wait()
    return place.count()


def test_ticks_that_are_killed(backlog: Backlog, place: Place) -> None:
    """SIGKILL at three moments; what was committed stays, the rest is read again by the next tick."""
    counts = [killed_tick(backlog, place, after) for after in (50, 250, 500)]
    assert 50 <= counts[0] < counts[1] < counts[2] < len(backlog.event_ids)
    ticks(backlog, place, budget=300)
    assert sorted(place.recorded()) == sorted(backlog.event_ids)
    assert Counter(place.delivered()) == Counter(backlog.event_ids)
    assert place.states() == {DeliveryState.DELIVERED}
