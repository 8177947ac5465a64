"""What it costs to record, claim, settle and count, beside a thousand and a million stored events.

    python benchmarks/scale.py [--stored 1000 1000000] [--rounds 30] [--stores sqlite postgresql] [--quick]

The small and the large store take turns within each round; the ratios are those of the medians. What is
stored is settled, as nearly all is in a store in use; beside it 50 deliveries are claimed and settled.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

from filling import fill
from relay import event
from rich.console import Console
from rich.table import Table
from stores import KINDS, NewUrl, databases

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.records import Settlement, Target, Want
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.events import HookEvent
from phlo_hooks.registration import HookRegistration

AIM = 1.5
HOOK = "bench.post"
EACH = 50
Times = dict[str, list[float]]


class Subject:
    """A store of one size, and what is done with it."""

    def __init__(self, url: str, stored: int) -> None:
        self.stored, self.times = stored, Times()
        fill(url, event(0), Target(HOOK), stored, settled=True)
        self.store = HookStore(url)
        self._bus = HookBus(outbox=Recorder(self.store))
        self._bus.register(HookRegistration("post", _never, delivery="queued"), plugin_name="bench")

    def round(self, first: int) -> None:
        """Emit, claim, count and settle; each is timed."""
        for number in range(first, first + EACH):
            emitted = event(number)
            self._time("emit an event", lambda one=emitted: self._bus.emit(one))
        self._time("count what is open", lambda: self.store.pending_count(hooks=[HOOK]))
        self._time("find the oldest", lambda: self.store.oldest_pending(hooks=[HOOK]))
        if hasattr(self.store, "health"):
            self._time("health", self.store.health)
        claims = self._time(f"claim {EACH}", self._claim)
        if len(claims) != EACH:
            raise SystemExit(f"{len(claims)} of {EACH} deliveries were claimed: nothing to compare")
        settled = [Settlement.delivered(claim.delivery_id) for claim in claims]
        self._time(f"settle {EACH}", lambda: self.store.settle(settled, owner="me"))

    def _claim(self):
        return self.store.claim([Want(HOOK, EACH, lease=60.0)], scopes=["bench", ""], owner="me")

    def _time(self, what: str, work: Callable):
        began = time.perf_counter()
        result = work()
        self.times.setdefault(what, []).append(time.perf_counter() - began)
        return result


def _never(event: HookEvent) -> None:
    """Queued, and no relay runs here."""


def measure(new_url: NewUrl, stored: list[int], rounds: int) -> list[Subject]:
    """All sizes, in turn; the first round only warms up."""
    subjects = [Subject(new_url(), each) for each in stored]
    with ExitStack() as stack:
        for subject in subjects:
            stack.enter_context(subject.store.connected())
        for number in range(rounds + 1):
            for subject in subjects:
                subject.round(number * EACH)
            if not number:
                for subject in subjects:
                    subject.times.clear()
    for subject in subjects:
        subject.store.close()
    return subjects


def table_of(results: dict[str, list[Subject]], stored: list[int]) -> Table:
    table = Table("store", "what", *(f"{each:,}, ms" for each in stored), "ratio", "aim")
    for kind, subjects in results.items():
        for what in subjects[0].times:
            medians = [statistics.median(subject.times[what]) for subject in subjects]
            ratio = medians[-1] / medians[0]
            met = f"{AIM}: {'met' if ratio <= AIM else 'MISSED'}"
            table.add_row(kind, what, *(f"{each * 1000:.2f}" for each in medians), f"{ratio:.2f}", met)
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stored", type=int, nargs="+", default=[1000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--stores", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--quick", action="store_true", help="up to 20,000 stored events, three rounds")
    options = parser.parse_args()
    stored, rounds = ([1000, 20_000], 3) if options.quick else (options.stored, options.rounds)
    logging.disable(logging.CRITICAL)
    with databases(options.stores) as makers:
        results = {kind: measure(new_url, stored, rounds) for kind, new_url in makers.items()}
    Console(width=110).print(table_of(results, stored))


if __name__ == "__main__":
    main()
