"""What the relay delivers a second, to an HTTP receiver in another process.

    python benchmarks/relay.py [--events 2000] [--rounds 3] [--stores sqlite postgresql] [--quick]

The baseline is a bare loop: the same bodies, posted by the same client over one kept connection, without a
store. Each round records a backlog in an empty store for each case, and times `Relay.run` alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import NamedTuple

from receiver import Poster, Receiver, running
from rich.console import Console
from rich.table import Table
from stores import KINDS, NewUrl, databases, empty_store

from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import Entry, HookStore, Target
from phlo_hooks.events import HookCorrelation, HookEvent, IngestionEvent
from phlo_hooks.registration import DeliveryMode, HookRegistration, RegisteredHook

ASSETS = 50
AIMS = {"one by one": 500, "batches of 100": 2000}
BARE = "bare loop"


class Case(NamedTuple):
    """How the hook is delivered to."""

    name: str
    batch_size: int | None = None
    concurrency: int = 1
    ordering: str | None = None
    webhook: bool = False


CASES = [
    Case("one by one"),
    Case("one by one, 4 at once", concurrency=4),
    Case("one by one, in order", ordering="asset"),
    Case("in order, 4 at once", concurrency=4, ordering="asset"),
    Case("batches of 100", batch_size=100),
    Case("batches of 100, 4 at once", batch_size=100, concurrency=4),
    Case("batches of 100, in order", batch_size=100, ordering="asset"),
    Case("webhook, one by one", webhook=True),
    Case("webhook, batches of 100", batch_size=100, webhook=True),
]


class Took(NamedTuple):
    """Seconds for all events: of the clock, and of this process's processors."""

    wall: float
    cpu: float


def event(number: int) -> IngestionEvent:
    """One like those of a real run: about a kilobyte."""
    asset = f"raw/table_{number % ASSETS}"
    return IngestionEvent(
        event_type="ingestion.end",
        asset_key=asset,
        table_name=asset,
        status="success",
        metrics={"rows": number, "bytes": 4096 * number, "seconds": 1.5},
        tags={"group": "raw", "owner": "team:data", "kind": "dlt"},
        correlation=HookCorrelation(
            run_id=f"0198c2f4-6b5e-7c1a-9d3e-{number:012d}",
            job_name="daily",
            step_key=asset.replace("/", "__"),
            asset_key=asset,
            partition_key="2026-03-14",
        ),
    )


def hook_of(case: Case, receiver: Receiver) -> RegisteredHook:
    """A queued hook that posts what it gets, by the bare loop's client or by WebhookResource."""
    registration = _webhook(case, receiver.url) if case.webhook else _posting(case, Poster(receiver.port))
    return RegisteredHook("bench", registration)


def _webhook(case: Case, url: str) -> HookRegistration:
    """Signed CloudEvents."""
    from phlo_hooks.capabilities.webhook import WebhookResource

    secret = "whsec_" + b64encode(bytes(24)).decode()
    batch = {} if case.batch_size is None else {"format": "batch", "batch_size": case.batch_size}
    return next(iter(WebhookResource(url=url, secret=secret, **batch).get_hooks()))


def _posting(case: Case, poster: Poster) -> HookRegistration:

    def post(each: HookEvent) -> None:
        poster.post(each.to_json())

    def post_all(batch: list[HookEvent]) -> None:
        poster.post(f"[{','.join(each.to_json() for each in batch)}]")

    handler = post if case.batch_size is None else post_all
    options = {"batch_size": case.batch_size, "ordering": case.ordering, "delivery": DeliveryMode.QUEUED}
    return HookRegistration("post", handler, **options)


def time_bare(receiver: Receiver, events: int) -> Took:
    """The floor: nothing is read, kept or settled."""
    bodies = [event(number).to_json() for number in range(events)]
    poster = Poster(receiver.port)
    with timed() as took:
        for body in bodies:
            poster.post(body)
    return took()


def time_relay(case: Case, new_url: NewUrl, receiver: Receiver, events: int) -> Took:
    """One run of a relay over a backlog; all of it must have arrived."""
    hook = hook_of(case, receiver)
    with empty_store(new_url) as store:
        fill(store, hook, events)
        relay = Relay(store, {hook.qualified_name: hook}, scopes=[""], concurrency=case.concurrency)
        receiver.received()
        with timed() as took:
            report = relay.run(budget=600.0)
    arrived = sum(arrivals(body) for _, body in receiver.received())
    if not report.delivered == arrived == events:
        raise SystemExit(f"{case.name}: {arrived} of {events} events arrived: {report}")
    return took()


def arrivals(body: str) -> int:
    """How many events a body has."""
    return len(json.loads(body)) if body.startswith("[") else 1


def fill(store: HookStore, hook: RegisteredHook, events: int) -> None:
    """Record a backlog for the hook."""
    for start in range(0, events, 500):
        batch = [event(number) for number in range(start, min(start + 500, events))]
        store.record([Entry(each, [Target(hook.qualified_name, lane=hook.lane(each))]) for each in batch])


class timed:  # noqa: N801  # reads as what it does
    """Time a block; what it yields gives the result afterwards."""

    def __enter__(self):
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return lambda: self._took

    def __exit__(self, *_: object) -> None:
        self._took = Took(time.perf_counter() - self._wall, time.process_time() - self._cpu)


Key = tuple[str, str]


def measure(makers: dict[str, NewUrl], events: int, rounds: int) -> dict[Key, list[Took]]:
    """Every case on every store, in turn within each round, after the bare loop."""
    results: dict[Key, list[Took]] = {}
    with running() as receiver:
        for _ in range(rounds):
            results.setdefault(("", BARE), []).append(time_bare(receiver, events))
            for (kind, new_url), case in _pairs(makers):
                took = time_relay(case, new_url, receiver, events)
                results.setdefault((kind, case.name), []).append(took)
    return results


def _pairs(makers: dict[str, NewUrl]) -> Iterator[tuple[tuple[str, NewUrl], Case]]:
    return ((maker, case) for maker in makers.items() for case in CASES)


def table_of(results: dict[Key, list[Took]], events: int) -> Table:
    """Medians over the rounds; the ratios are taken round by round."""
    columns = ("store", "delivered", "events/s", "from", "to", "time / bare", "processor / bare", "aim")
    table = Table(*columns, title=f"{events} events of {len(event(0).to_json())} bytes")
    bare = results["", BARE]
    for (kind, name), rounds in results.items():
        rates = [events / took.wall for took in rounds]
        wall = statistics.median(took.wall / base.wall for took, base in zip(rounds, bare, strict=True))
        cpu = statistics.median(took.cpu / base.cpu for took, base in zip(rounds, bare, strict=True))
        rate = statistics.median(rates)
        numbers = (f"{rate:,.0f}", f"{min(rates):,.0f}", f"{max(rates):,.0f}", f"{wall:.2f}", f"{cpu:.2f}")
        table.add_row(kind, name, *numbers, verdict(name, rate))
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def verdict(name: str, rate: float) -> str:
    """The aim, met or missed."""
    aim = AIMS.get(name)
    return "" if aim is None else f"{aim:,}: {'met' if rate >= aim else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stores", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--quick", action="store_true", help="one round of 200 events")
    options = parser.parse_args()
    events, rounds = (200, 1) if options.quick else (options.events, options.rounds)
    logging.disable(logging.CRITICAL)
    with databases(options.stores) as makers:
        Console(width=130).print(table_of(measure(makers, events, rounds), events))


if __name__ == "__main__":
    main()
