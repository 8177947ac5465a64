"""What `emit` costs, against the buses one might use instead: ratios from one process.

    $ python benchmarks/emit.py

See README.md beside this file for what is compared, and how the peers that are missing get here.
"""

from __future__ import annotations

import argparse
import gc
import logging
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from phlo_hooks.bus import HookBus
from phlo_hooks.events import IngestionEvent
from phlo_hooks.registration import HookFilter, HookRegistration

WANTED = "ingestion.end"
OTHERS = ("run.success", "transform.end", "publish.end", "quality.result", "lineage.edges")
CASES = [(hooks, matching) for hooks in (10, 100) for matching in (0, 1, hooks)]
BARE = "bare loop"
OURS = "phlo-hooks"

seen: list[tuple[str, str | None]] = []


def handle(event: Any) -> None:
    """A small honest handler: it reads two fields and keeps them."""
    seen.append((event.asset_key, event.status))


def copy_of(function: Any, name: str = "handle") -> Any:
    """The same code as another object: some buses call one function once, however often it is registered."""
    return type(function)(function.__code__, function.__globals__, name)


def types_of(hooks: int, matching: int) -> list[str]:
    """What each hook wants: the matching ones are spread among the others."""
    every = hooks // matching if matching else 0
    return [
        WANTED
        if every and number % every == 0 and number // every < matching
        else OTHERS[number % len(OTHERS)]
        for number in range(hooks)
    ]


class Peer(NamedTuple):
    """One bus: `prepare` gets the types that the hooks want and returns what emits one event."""

    name: str
    prepare: Callable[[Sequence[str]], Callable[[], object]]


def bare_loop(wanted: Sequence[str]) -> Callable[[], object]:
    """The floor: the matching handlers are known, one after the other is called, and that is all."""
    event = IngestionEvent(event_type=WANTED, asset_key="raw/orders", status="success")
    handlers = [handle for name in wanted if name == WANTED]

    def emit() -> None:
        for handler in handlers:
            handler(event)

    return emit


def phlo_hooks(wanted: Sequence[str]) -> Callable[[], object]:
    bus = HookBus()
    for number, name in enumerate(wanted):
        hook = HookRegistration(f"hook_{number}", handle, filters=HookFilter(event_types={name}))
        bus.register(hook, plugin_name="bench")
    event = IngestionEvent(event_type=WANTED, asset_key="raw/orders", status="success")
    return lambda: bus.emit(event)


def phlo(wanted: Sequence[str]) -> Callable[[], object]:
    from phlo.hooks.bus import HookBus as PhloBus
    from phlo.hooks.events import IngestionEvent as PhloEvent
    from phlo.plugins.hooks import HookFilter as PhloFilter, HookRegistration as PhloRegistration

    bus = PhloBus()
    # It would look for installed plugins at the first emit, and add hooks of its own.
    bus._discovered = True  # noqa: SLF001
    for number, name in enumerate(wanted):
        hook = PhloRegistration(f"hook_{number}", handle, filters=PhloFilter(event_types={name}))
        bus.register(hook, plugin_name="bench")
    fields = {"asset_key": "raw/orders", "table_name": "orders", "group_name": "raw", "status": "success"}
    event = PhloEvent(event_type=WANTED, **fields)
    return lambda: bus.emit(event)


def baselinr(wanted: Sequence[str]) -> Callable[[], object]:
    """It has no filters: each hook looks at the type itself, as its own hooks do."""
    from baselinr.events import BaseEvent, EventBus

    class Hook:
        def __init__(self, name: str) -> None:
            self.name = name

        def handle_event(self, event: Any) -> None:
            if event.event_type == self.name:
                handle(event)

    class LoadEvent(BaseEvent):
        asset_key = "raw/orders"
        status = "success"

    bus = EventBus()
    for name in wanted:
        bus.register(Hook(name))
    event = LoadEvent(event_type=WANTED, timestamp=datetime.now(timezone.utc), metadata={})
    return lambda: bus.emit(event)


def pluggy(wanted: Sequence[str]) -> Callable[[], object]:
    """One hook specification for each event type, as pluggy is meant to be used: it filters by name."""
    from pluggy import HookimplMarker, HookspecMarker, PluginManager

    spec, implementation = HookspecMarker("bench"), HookimplMarker("bench")
    methods = {name: name.replace(".", "_") for name in (WANTED, *OTHERS)}

    def specify(event: Any) -> None:
        """Nothing: only its signature counts."""

    def make(method: str, function: Callable[[Any], None], marker: Any) -> object:
        return type("Holder", (), {method: staticmethod(marker(copy_of(function, method)))})()

    manager = PluginManager("bench")
    for method in methods.values():
        manager.add_hookspecs(make(method, specify, spec))
    for name in wanted:
        manager.register(make(methods[name], handle, implementation))
    event = IngestionEvent(event_type=WANTED, asset_key="raw/orders", status="success")
    call = getattr(manager.hook, methods[WANTED])
    return lambda: call(event=event)


def blinker(wanted: Sequence[str]) -> Callable[[], object]:
    """One signal for each event type; weak references off, as nothing else holds the handlers."""
    from blinker import Namespace

    signals = Namespace()
    for name in wanted:
        signals.signal(name).connect(copy_of(handle), weak=False)
    event = IngestionEvent(event_type=WANTED, asset_key="raw/orders", status="success")
    return lambda: signals.signal(event.event_type).send(event)


PEERS = [
    Peer(BARE, bare_loop),
    Peer(OURS, phlo_hooks),
    Peer("phlo", phlo),
    Peer("baselinr", baselinr),
    Peer("pluggy", pluggy),
    Peer("blinker", blinker),
]


def present(peers: Sequence[Peer], console: Console) -> list[Peer]:
    """Those that can be imported here; the others are named with the reason."""
    found = []
    for peer in peers:
        try:
            peer.prepare([WANTED])()
        except ImportError as exc:
            console.print(f"left out: {peer.name}: {exc}")
        else:
            found.append(peer)
    return found


def measure(
    peers: Sequence[Peer], hooks: int, matching: int, rounds: int, seconds: float
) -> dict[str, float]:
    """Median microseconds of one emit, each peer in turn within every round: noise meets all alike."""
    emits = {peer.name: peer.prepare(types_of(hooks, matching)) for peer in peers}
    counts = {}
    for name, emit in emits.items():
        seen.clear()
        emit()
        if len(seen) != matching:
            raise SystemExit(f"{name} called {len(seen)} of {matching} handlers: nothing to compare")
        counts[name] = max(1, int(seconds / time_of(emit, 20)))
    times: dict[str, list[float]] = {name: [] for name in emits}
    for _ in range(rounds):
        for name, emit in emits.items():
            times[name].append(time_of(emit, counts[name]))
    return {name: statistics.median(values) * 1e6 for name, values in times.items()}


def time_of(emit: Callable[[], object], count: int) -> float:
    """Seconds of one call, from `count` calls without the garbage collector.

    Of the processor, not of the clock: nothing here waits, and other programs do not count.
    """
    gc.collect()
    gc.disable()
    start = time.process_time()
    for _ in range(count):
        emit()
    took = time.process_time() - start
    gc.enable()
    seen.clear()
    return took / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="how often each peer is measured")
    parser.add_argument("--seconds", type=float, default=0.005, help="how long one measurement takes")
    options = parser.parse_args()
    # A peer that logs each emit at DEBUG pays for the check, as in production, not for the line.
    logging.basicConfig(level=logging.WARNING)
    console = Console(width=110)
    peers = present(PEERS, console)
    results = {case: measure(peers, *case, options.rounds, options.seconds) for case in CASES}
    console.print(f"Python {platform.python_version()} on {platform.machine()}, {date.today()}")  # noqa: DTZ011
    console.print(microseconds(peers, results))
    console.print(ratios(peers, results))
    verdict(results, console)


Results = dict[tuple[int, int], dict[str, float]]


def microseconds(peers: Sequence[Peer], results: Results) -> Table:
    return _table("One emit, microseconds (median)", peers, results, lambda row, name: f"{row[name]:.2f}")


def ratios(peers: Sequence[Peer], results: Results) -> Table:
    return _table(f"Times {OURS}", peers, results, lambda row, name: f"{row[name] / row[OURS]:.2f}x")


def _table(
    title: str, peers: Sequence[Peer], results: Results, cell: Callable[[dict[str, float], str], str]
) -> Table:
    table = Table("hooks", "matching", *(peer.name for peer in peers), title=title)
    for column in table.columns:
        column.justify = "right"
    for (hooks, matching), row in results.items():
        table.add_row(str(hooks), str(matching), *(cell(row, peer.name) for peer in peers))
    return table


def verdict(results: Results, console: Console) -> None:
    """The two aims of the project, met or missed."""
    row = results[100, 1]
    if "phlo" in row:
        _judge(
            console, "one match among 100 hooks, times as fast as phlo", row["phlo"] / row[OURS], at_least=30
        )
    for (hooks, matching), each in results.items():
        if matching:
            what = f"{matching} of {hooks} hooks match, times the bare loop"
            _judge(console, what, each[OURS] / each[BARE], at_most=3)


def _judge(
    console: Console, what: str, value: float, *, at_least: float = 0, at_most: float = sys.maxsize
) -> None:
    aim = f"aim: at least {at_least}" if at_least else f"aim: at most {at_most}"
    met = "met" if at_least <= value <= at_most else "MISSED"
    console.print(f"{what}: {value:.2f} ({aim}): {met}", highlight=False)


if __name__ == "__main__":
    main()
