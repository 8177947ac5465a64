"""`phlo-hooks relay`: what the tail sensor does, as a process of its own."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import click
import dagster as dg

from phlo_hooks.cli.loading import Location, load_locations, open_instance
from phlo_hooks.cli.metrics import start_metrics_server
from phlo_hooks.delivery.relay import Relay
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import StoreError
from phlo_hooks.producers.sensor import TICK_BUDGET, tick

# What a step has recorded waits for so long at most, in seconds, before it is delivered.
POLL = 0.2
# However much waits: who asks for one pass waits for its end.
_ONCE_BUDGET = 86_400.0


@click.command()
@click.option("-m", "--module", help="The module that has your Definitions.")
@click.option("-f", "--file", "file", help="The Python file that has your Definitions.")
@click.option("-w", "--workspace", help="A workspace.yaml; by default the one in this folder.")
@click.option("--location", help="The code location's name, where your deployment gave it another.")
@click.option("--once", is_flag=True, help="Record and deliver what waits now, then stop.")
@click.option(
    "--interval",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.05),
    help="Seconds between two looks into Dagster's log; what steps have recorded is delivered at once.",
)
@click.option(
    "--concurrency",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="How many calls of one hook may be under way at once.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Serve Prometheus metrics at this port, /metrics; needs the extra `metrics`.",
)
@click.option(
    "--metrics-address",
    default="127.0.0.1",
    show_default=True,
    help="Where to serve them: 0.0.0.0 for other machines.",
)
def relay(
    module: str | None,
    file: str | None,
    workspace: str | None,
    location: str | None,
    once: bool,
    interval: float,
    concurrency: int,
    metrics_port: int | None,
    metrics_address: str,
) -> None:
    """Record what happened and deliver what waits, without a Dagster daemon.

    Reads the log of the Dagster instance in DAGSTER_HOME. Several relays may run beside one another and
    beside the tail sensor. Stops on SIGTERM and Ctrl-C: calls that are under way are waited for, a few
    seconds, and all else is left to the next relay.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    locations = load_locations(module, file, workspace)
    if location:
        locations = [Location(location, each.runtime) for each in locations]
    stop = _stop_on_signal()
    with open_instance() as instance:
        if metrics_port is not None:
            _serve_metrics(locations[0].runtime.store(instance), metrics_port, metrics_address)
        places = [_Place(instance, each, concurrency, stop) for each in locations]
        while True:
            for place in places:
                click.echo(place.look(_ONCE_BUDGET if once else TICK_BUDGET))
            if once or _deliver(places, stop, interval):
                return


def _serve_metrics(store: HookStore, port: int, address: str) -> None:
    """Of the first location's store, which is that of all, unless each was given its own."""
    server = start_metrics_server(store, port, address)
    click.echo(f"metrics: http://{address}:{server.port}/metrics")


def _deliver(places: Sequence[_Place], stop: threading.Event, interval: float) -> bool:
    """Deliver what comes until it is time for the next look; return whether to stop."""
    until = time.monotonic() + interval
    while time.monotonic() < until and not stop.wait(min(POLL, interval)):
        for place in places:
            place.deliver(until - time.monotonic())
    return stop.is_set()


class _Place:
    """One code location at work."""

    def __init__(
        self, instance: dg.DagsterInstance, location: Location, concurrency: int, stop: threading.Event
    ) -> None:
        self._instance = instance
        self._location = location
        self._concurrency = concurrency
        self._stop = stop
        self._relay: Relay | None = None

    def look(self, budget: float) -> str:
        """Collect from Dagster's log, deliver, and say what was done; within so many seconds."""
        return f"{self._location.name}: {self._tick(budget)}"

    def deliver(self, budget: float) -> None:
        """Deliver what steps have recorded meanwhile; a store that is down is told of by `look`."""
        with suppress(StoreError):
            self._own_relay().run(budget=max(budget, POLL))

    def _tick(self, budget: float) -> str:
        location = self._location
        try:
            return tick(self._instance, location.runtime, location.name, budget, self._own_relay())
        except StoreError as exc:
            return f"{exc}; nothing was recorded or delivered, the next pass tries again"

    def _own_relay(self) -> Relay:
        if self._relay is None:
            self._relay = self._location.runtime.relay(
                self._instance,
                self._location.name,
                concurrency=self._concurrency,
                stopping=self._stop.is_set,
            )
        return self._relay


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
