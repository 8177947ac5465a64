"""Runs and relays that are killed at random instants: every event comes, under the id that it must have.

`PHLO_HOOKS_KILLS` says how many are killed (20), `PHLO_HOOKS_SEED` repeats the moments of an earlier time.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import crash
from phlo_hooks_tests.e2e.conftest import NewInstance
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.receiver import Receiver

KILLS = int(os.environ.get("PHLO_HOOKS_KILLS", "20"))
SEED = int(os.environ.get("PHLO_HOOKS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
# What goes on at the same time.
CREW = ("run", "relay", "run", "relay")
# Seconds from one kill to the next, at most: a run takes about as long.
MOST_BETWEEN = 0.8
# Seconds that the receiver takes over an event: long enough for a relay to be killed meanwhile.
DELAY = 0.02
PATIENCE = 120 + KILLS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300 + 5 * KILLS)]

# Children of a server that has loaded everything already: a process is a fork, not seconds of imports.
_processes = multiprocessing.get_context("forkserver")


class Member:
    """A process that runs jobs, or relays.

    Args:
        kind: which of the two.
        arguments: the folder of its Dagster instance, the receiver's port, the file for what it prints.
    """

    def __init__(self, kind: str, *arguments: object) -> None:
        self.kind = kind
        self._ready, ready = _processes.Pipe(duplex=False)
        self._process = _processes.Process(target=crash.work, args=(kind, *arguments, ready), daemon=True)
        self._process.start()
        ready.close()

    def wait(self) -> None:
        """Until it is at work; a process that has ended is found to be ready, too."""
        self._ready.poll(PATIENCE)

    def kill(self) -> bool:
        """SIGKILL; whether it was alive."""
        alive = self._process.is_alive()
        self._process.kill()
        self._process.join()
        self._ready.close()
        return alive


class Crew:
    """Processes at work, each replaced when it has been killed.

    Args:
        arguments: of each `Member`.
    """

    def __init__(self, *arguments: object) -> None:
        self._arguments = arguments
        self._members = [Member(kind, *arguments) for kind in CREW]
        self.killed = 0

    def kill_one(self) -> None:
        """Kill a process, whichever it is, wherever it is, and start another."""
        number = random.randrange(len(self._members))
        member = self._members[number]
        member.wait()
        time.sleep(random.uniform(0, MOST_BETWEEN))
        self.killed += member.kill()
        self._members[number] = Member(member.kind, *self._arguments)

    def end(self) -> None:
        """Kill them all."""
        for member in self._members:
            member.kill()


@contextmanager
def crew(instance: dg.DagsterInstance, port: int, log: Path) -> Iterator[Crew]:
    """All at work; at the end all are killed."""
    _processes.set_forkserver_preload(["phlo_hooks_tests.e2e.crash"])
    members = Crew(instance.root_directory, port, str(log))
    try:
        yield members
    finally:
        members.end()


def until(done: Callable[[], bool]) -> None:
    """Wait for it to come true."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def fail_what_was_killed(instance: dg.DagsterInstance) -> int:
    """What Dagster's run monitoring does once it finds that a worker is gone; how many there were."""
    open_runs = [run for run in instance.get_runs() if not run.is_finished]
    for run in open_runs:
        instance.report_run_failed(run, "Run worker died")
    return len(open_runs)


def drain(instance: dg.DagsterInstance, port: int) -> dict[DeliveryState, int]:
    """Ticks until nothing waits, neither for an attempt nor for the end of a lease; how deliveries ended."""
    runtime = runtime_of(crash.hooked(port))
    store = runtime.store(instance)

    def through() -> bool:
        tick(instance, runtime, "")
        return store.pending_count() == 0

    until(through)
    counts = {state: number for (_, state), number in store.counts().items()}
    store.close()
    return counts


@pytest.mark.parametrize(
    "storage",
    [
        pytest.param("sharded", id="SQLite"),
        pytest.param("postgres", id="PostgreSQL", marks=pytest.mark.postgres),
    ],
)
def test_nothing_is_lost(
    storage: str, new_instance: NewInstance, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each event of each run in Dagster's log was received; some came twice, none under another id."""
    random.seed(SEED)
    began = time.monotonic()
    with new_instance(storage) as instance, Receiver(delay=DELAY) as receiver:
        with crew(instance, receiver.port, tmp_path / "log") as members:
            until(lambda: receiver.counts.total() > 0)
            while members.killed < KILLS:
                members.kill_one()
        failed_by_themselves = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        died = fail_what_was_killed(instance)
        states = drain(instance, receiver.port)
        expected = crash.expected_ids(instance)
        runs = instance.get_runs_count()

    figures = {
        "seed": SEED,
        "kills": KILLS,
        "runs": runs,
        "runs killed": died,
        "events": len(expected),
        "lost": len(expected - receiver.ids),
        "unexpected": len(receiver.ids - expected),
        "redelivered": receiver.repeated,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(figures)  # noqa: T201  # what the proof is for
    for name, value in figures.items():
        record_property(name, value)
    assert expected - receiver.ids == set()
    assert [receiver.bodies[each] for each in receiver.ids - expected] == []
    assert set(states) == {DeliveryState.DELIVERED}
    assert failed_by_themselves == 0, "a run was harmed"
    assert runs > died, "no run came to its end: nothing is proved"
