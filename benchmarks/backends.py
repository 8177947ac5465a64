"""What a backend that is slow or down does to a run: with phlo-hooks, and with the peer.

    python benchmarks/backends.py [--rounds 7] [--peer /path/to/python] [--quick]

Runs ten assets that do nothing, in process, on default SQLite: without hooks, and with one that posts each
event to the backend, which `phlo-hooks relay` does in a process beside. Both take turns within each round.
`--peer` is a Python that has dagster-openlineage (README.md says how); it runs once for each backend, which
takes minutes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import statistics
import subprocess
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import location
from location import relaying
from receiver import BEHAVIOURS, Receiver, running
from rich.console import Console
from rich.table import Table
from runs import chain, measure

ASSETS = 10
AIM = 1.05
_PEER_TIMEOUT = 600.0


class Round(NamedTuple):
    """Seconds of a run without hooks and of one with: of the clock, and of the processor."""

    bare: tuple[float, float]
    hooked: tuple[float, float]

    @property
    def wall(self) -> float:
        return self.hooked[0] / self.bare[0]

    @property
    def cpu(self) -> float:
        return self.hooked[1] / self.bare[1]


class Result(NamedTuple):
    """What became of the runs on one backend."""

    rounds: list[Round]
    posted: int
    peer: dict[str, float] | None


def on_backend(behaviour: str, rounds: int, peer: str | None) -> Result:
    """Runs with a relay beside that posts to such a backend; then the peer, once."""
    with running(behaviour) as receiver:
        os.environ.update(BENCH_PORT=str(receiver.port), BENCH_ASSETS=str(ASSETS))
        with dg.instance_for_test() as instance, relaying():
            results = take_turns(instance, receiver, rounds)
            posted = settled_count(receiver) if behaviour == "fast" else count(receiver)
        return Result(results, posted, run_peer(peer, receiver.url) if peer else None)


def take_turns(instance: dg.DagsterInstance, receiver: Receiver, rounds: int) -> list[Round]:
    """The definitions of the location, as a run's own process loads them."""
    plain, hooked = chain(ASSETS).resolve_implicit_global_asset_job_def(), load_hooked()
    for job in (plain, hooked):
        job.execute_in_process(instance=instance)
    time.sleep(2)  # the relay is through with what it makes of the first runs
    count(receiver)
    found = []
    for number in range(rounds):
        first, second = (plain, hooked) if number % 2 else (hooked, plain)
        took = {id(first): measure(first, instance), id(second): measure(second, instance)}
        found.append(Round(took[id(plain)], took[id(hooked)]))
    return found


def load_hooked() -> dg.JobDefinition:
    """With the port that is current: the module reads it when it is loaded."""
    return importlib.reload(location).defs.resolve_implicit_global_asset_job_def()


def count(receiver: Receiver) -> int:
    """How many posts came since this was asked last; none where nobody listens."""
    try:
        return len(receiver.received())
    except OSError:
        return 0


def settled_count(receiver: Receiver) -> int:
    """How many posts came, once no more come."""
    total, quiet = count(receiver), 0
    while quiet < 4:
        time.sleep(0.5)
        more = count(receiver)
        total, quiet = total + more, 0 if more else quiet + 1
    return total


def run_peer(python: str, url: str) -> dict[str, float] | None:
    """One run with the peer's storage, and one without it, in its own environment."""
    command = [python, str(Path(__file__).with_name("openlineage_peer.py")), url, "--assets", str(ASSETS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PEER_TIMEOUT)
    if done.returncode:
        print(f"the peer failed: {done.stderr.splitlines()[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def table_of(results: dict[str, Result]) -> Table:
    ours = ("phlo-hooks / bare", "from", "to", "processor", "/ fast", "posts")
    title = f"Time of a run of {ASSETS} assets that do nothing"
    table = Table("backend", "bare, s", *ours, "peer / bare", title=title)
    fast = median_wall(results["fast"].rounds) if "fast" in results else None
    for name, result in results.items():
        walls = [each.wall for each in result.rounds]
        table.add_row(
            name,
            f"{statistics.median(each.bare[0] for each in result.rounds):.2f}",
            f"{statistics.median(walls):.3f}",
            f"{min(walls):.2f}",
            f"{max(walls):.2f}",
            f"{statistics.median(each.cpu for each in result.rounds):.3f}",
            f"{statistics.median(walls) / fast:.2f}" if fast else "",
            str(result.posted),
            peer_text(result.peer),
        )
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def median_wall(rounds: list[Round]) -> float:
    return statistics.median(each.wall for each in rounds)


def peer_text(peer: dict[str, float] | None) -> str:
    if peer is None:
        return "not run"
    return f"{peer['wrapped'] / peer['bare']:.1f} ({peer['wrapped']:.1f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--backends", nargs="+", choices=BEHAVIOURS, default=list(BEHAVIOURS))
    parser.add_argument("--peer", help="a Python that has dagster-openlineage")
    parser.add_argument("--quick", action="store_true", help="one round on two backends, without the peer")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.backends, options.peer = 1, ["fast", "refuses"], None
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    results = {name: on_backend(name, options.rounds, options.peer) for name in options.backends}
    console = Console(width=120)
    console.print(table_of(results))
    for name, result in results.items():
        ratio = median_wall(result.rounds)
        met = "met" if ratio <= AIM else "MISSED"
        console.print(f"{name}: {ratio:.3f} (aim: at most {AIM}): {met}", highlight=False)


if __name__ == "__main__":
    main()
