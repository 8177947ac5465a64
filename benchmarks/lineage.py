"""OpenLineage events that arrive, and what they cost a run: phlo-hooks, and dagster-openlineage.

    python benchmarks/lineage.py [--rounds 5] [--runs 20] [--peer /path/to/python] [--quick]

Runs ten assets that do nothing, in process, on default SQLite, while the backend answers, hangs for 2 s,
refuses connections or answers 500, and heals it then. Counts the events that it has in the end, each once:
another attempt at the same event is no event. Then, so many runs before anything looks at them: the peer's
sensor ticks, and `phlo-hooks relay --once` runs. `--peer` is a Python that has dagster-openlineage (README.md
says how); with a backend that is down, each of its runs takes minutes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import statistics
import subprocess
import sys
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import lineage_location
from location import relaying
from receiver import BEHAVIOURS, Receiver, running
from rich.console import Console
from rich.table import Table
from runs import chain, measure

ASSETS = 10
_PEER = str(Path(__file__).with_name("openlineage_peer.py"))
_PEER_TIMEOUT = 900.0
# After it, what is still missing counts as lost.
_PATIENCE = 240.0
_QUIET = 3.0


class Outcome(NamedTuple):
    """Seconds of a run, without and with, and how many events the backend has of those that it should."""

    bare: float
    told: float
    delivered: int
    expected: int

    def __str__(self) -> str:
        return f"{self.delivered} of {self.expected}"


def ours(behaviour: str, rounds: int, per_run: int) -> Outcome:
    """Runs with a relay beside, on a backend that behaves so for as long as they take."""
    # The relay finds the runs without hooks, too: they are of assets that it knows.
    expected = per_run * (rounds + 1) * 2
    with dg.instance_for_test() as instance, ExitStack() as backend:
        receiver = backend.enter_context(running(behaviour))
        plain, told = chain(ASSETS).resolve_implicit_global_asset_job_def(), job_on(receiver)
        with relaying(lineage_location.__file__):
            plain.execute_in_process(instance=instance)
            told.execute_in_process(instance=instance)
            took = [(measure(plain, instance)[0], measure(told, instance)[0]) for _ in range(rounds)]
            had = accepted(receiver, behaviour)
            backend.close()
            healed = backend.enter_context(running("fast", receiver.port))
            had |= settled(healed, expected - len(had), _PATIENCE)
    bare, with_hooks = (statistics.median(each) for each in zip(*took, strict=True))
    return Outcome(bare, with_hooks, len(had), expected)


def of_one_run() -> int:
    """How many events a run is told by."""
    with running("fast") as receiver, dg.instance_for_test() as instance:
        job_on(receiver).execute_in_process(instance=instance)
        relay_once()
        return len(settled(receiver))


def between_ticks(runs: int, per_run: int) -> tuple[Outcome, float]:
    """So many runs before the relay looks; and how long it takes then."""
    with running("fast") as receiver, dg.instance_for_test() as instance:
        job = job_on(receiver)
        for _ in range(runs):
            job.execute_in_process(instance=instance)
        began = time.perf_counter()
        relay_once()
        took = time.perf_counter() - began
        return Outcome(0, 0, len(settled(receiver)), runs * per_run), took


def job_on(receiver: Receiver) -> dg.JobDefinition:
    """With the port that is current: the module reads it when it is loaded."""
    os.environ.update(BENCH_PORT=str(receiver.port), BENCH_ASSETS=str(ASSETS))
    return importlib.reload(lineage_location).defs.resolve_implicit_global_asset_job_def()


def relay_once() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "phlo_hooks", "relay", "--once"]
    subprocess.run([*command, "-f", lineage_location.__file__], check=True, capture_output=True)


def accepted(receiver: Receiver, behaviour: str) -> set[str]:
    """What the backend has taken so far: nothing, where it refuses or answers 500."""
    return events_of(receiver) if behaviour in ("fast", "hangs") else set()


def settled(receiver: Receiver, wanted: int = 0, patience: float = 0.0) -> set[str]:
    """What came, once no more comes; where more is wanted, only after some patience."""
    had, began, last = set[str](), time.monotonic(), time.monotonic()
    while time.monotonic() - last < _QUIET or (len(had) < wanted and time.monotonic() - began < patience):
        time.sleep(0.25)
        new = events_of(receiver) - had
        had, last = had | new, time.monotonic() if new else last
    return had


def events_of(receiver: Receiver) -> set[str]:
    """Each event once, however often it was sent."""
    return {identity(json.loads(body)) for _, body in receiver.received()}


def identity(event: dict[str, Any]) -> str:
    run = event.get("run", {}).get("runId")
    return json.dumps([run, event.get("eventType"), event["eventTime"], event["job"]["name"]])


def of_peer(python: str, behaviour: str) -> Outcome | None:
    """One run with the peer's storage; what it has not sent when the run is over is gone with its process."""
    with running(behaviour) as receiver:
        took = ask_peer(python, receiver.url, "--assets", str(ASSETS))
        had = len(accepted(receiver, behaviour))
    return Outcome(took["bare"], took["wrapped"], had, had) if took else None


def peer_between_ticks(python: str, runs: int) -> tuple[int, int, int] | None:
    """Events after one run before the first tick, and after many; and the ticks that it took."""
    counts = []
    for number in (1, runs):
        with running("fast") as receiver:
            done = ask_peer(python, receiver.url, "--sensor-runs", str(number))
            if done is None:
                return None
            counts.append(len(events_of(receiver)))
    return counts[0], counts[1], int(done["ticks"])


def ask_peer(python: str, url: str, *arguments: str) -> dict[str, float] | None:
    done = subprocess.run(
        [python, _PEER, url, *arguments], check=False, capture_output=True, text=True, timeout=_PEER_TIMEOUT
    )
    if done.returncode:
        print(f"the peer failed: {done.stderr.splitlines()[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def table_of(results: dict[str, tuple[Outcome, Outcome | None]]) -> Table:
    title = f"A run of {ASSETS} assets that do nothing, and the OpenLineage events that arrive"
    peer = ("peer: run, s", "peer / bare", "peer: events")
    table = Table("backend", "bare, s", "phlo-hooks: run, s", "/ bare", "events", *peer, title=title)
    most = max((theirs.delivered for _, theirs in results.values() if theirs), default=0)
    for name, (own, theirs) in results.items():
        row = [f"{own.bare:.2f}", f"{own.told:.2f}", f"{own.told / own.bare:.2f}", str(own)]
        table.add_row(name, *row, *peer_cells(theirs, most))
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def peer_cells(theirs: Outcome | None, most: int) -> tuple[str, str, str]:
    if theirs is None:
        return "not run", "", ""
    events = str(theirs._replace(expected=most))
    return f"{theirs.told:.1f}", f"{theirs.told / theirs.bare:.1f}", events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20, help="before anything looks at them")
    parser.add_argument("--backends", nargs="+", choices=BEHAVIOURS, default=list(BEHAVIOURS))
    parser.add_argument("--peer", help="a Python that has dagster-openlineage")
    parser.add_argument("--quick", action="store_true", help="one round on two backends, without the peer")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.runs, options.backends, options.peer = 1, 2, ["fast", "refuses"], None
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    per_run = of_one_run()
    results = {
        name: (ours(name, options.rounds, per_run), of_peer(options.peer, name) if options.peer else None)
        for name in options.backends
    }
    own, took = between_ticks(options.runs, per_run)
    console = Console(width=140)
    console.print(table_of(results))
    print(f"{options.runs} runs before anything looks: phlo-hooks {own}, in {took:.1f} s")
    theirs = peer_between_ticks(options.peer, options.runs) if options.peer else None
    if theirs:
        one, many, ticks = theirs
        outcome = f"{many} of {one * options.runs}, in {ticks} ticks"
        print(f"{options.runs} runs before anything looks: peer {outcome}")
    for name, outcome in [*((name, own) for name, (own, _) in results.items()), ("between two ticks", own)]:
        met = "met" if outcome.delivered == outcome.expected else "MISSED"
        print(f"{name}: {outcome} (aim: all): {met}")


if __name__ == "__main__":
    main()
