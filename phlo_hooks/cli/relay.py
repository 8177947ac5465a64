"""`phlo-hooks relay`: what the tail sensor does, as a process of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import click
import dagster as dg

from phlo_hooks.cli.loading import Location, load_locations, named, open_instance
from phlo_hooks.cli.metrics import start_metrics_server
from phlo_hooks.cli.options import location_option
from phlo_hooks.cli.stopping import until_told
from phlo_hooks.delivery.relay import Relay, RelayReport
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.errors import StoreError
from phlo_hooks.producers.sensor import look, summary, tick

logger = logging.getLogger("phlo_hooks.cli.relay")

# A store that is down is asked again after so many seconds.
_STORE_PAUSE = 1.0
# However much waits: who asks for one pass waits for its end.
_ONCE_BUDGET = 86_400.0


@click.command()
@click.option("-m", "--module", help="The module that has your Definitions.")
@click.option("-f", "--file", "file", help="The Python file that has your Definitions.")
@click.option("-w", "--workspace", help="A workspace.yaml; by default the one in this folder.")
@location_option
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
    locations = named(load_locations(module, file, workspace), location)
    with until_told() as stop, open_instance() as instance:
        if metrics_port is not None:
            _serve_metrics(locations[0].runtime.store(instance), metrics_port, metrics_address)
        places = [_Place(instance, each, concurrency, stop) for each in locations]
        if once:
            for place in places:
                place.once()
        else:
            _serve(places, stop, interval)


def _serve(places: Sequence[_Place], stop: threading.Event, interval: float) -> None:
    threads = [threading.Thread(target=place.deliver, name="phlo-hooks deliver") for place in places]
    for place, thread in zip(places, threads, strict=True):
        thread.start()
        click.echo(f"{place.name}: at work, until Ctrl-C")
    try:
        while not stop.is_set():
            for place in places:
                place.look()
            stop.wait(interval)
    finally:
        # Whatever ends this thread ends the others: a process must not only seem to be at work.
        stop.set()
        for thread in threads:
            thread.join()
    for place in places:
        if place.trouble is not None:
            raise place.trouble


def _serve_metrics(store: HookStore, port: int, address: str) -> None:
    """Of the first location's store, which is that of all, unless each was given its own."""
    server = start_metrics_server(store, port, address)
    click.echo(f"metrics: http://{address}:{server.port}/metrics")


class _Place:
    """One code location at work: one thread delivers, another reads Dagster's log."""

    def __init__(
        self, instance: dg.DagsterInstance, location: Location, concurrency: int, stop: threading.Event
    ) -> None:
        self.name = location.name
        self._instance = instance
        self._location = location
        self._concurrency = concurrency
        self._stop = stop
        self._report = RelayReport()
        self._told = ""
        self.trouble: Exception | None = None

    def once(self) -> None:
        """Collect, deliver what waits, however much it is, and say what was done."""
        location = self._location
        try:
            self._say(tick(self._instance, location.runtime, location.name, _ONCE_BUDGET, self._relay()))
        except StoreError as exc:
            self._say(f"{exc}; nothing was recorded or delivered, the next pass tries again")

    def look(self) -> None:
        """Collect from Dagster's log; say what was done since the last time, if anything was."""
        location = self._location
        try:
            collected = look(self._instance, location.runtime, location.name)
        except StoreError as exc:
            self._say(f"{exc}; nothing is recorded or delivered, the next look tries again")
            return
        self._say(f"{collected}; {summary(self._report)}", unless=not collected.new)
        # Of each trouble, once: it may be over.
        self._report.errors.clear()

    def deliver(self) -> None:
        """Deliver whatever comes, until it is time to stop; what else ends it is kept as `trouble`."""
        while not self._stop.is_set():
            try:
                self._relay().serve(self._report)
            except StoreError as exc:
                # `look` tells of a store that is down, once.
                logger.debug("%s", exc)
                self._stop.wait(_STORE_PAUSE)
            except Exception as exc:  # noqa: BLE001  # the main thread raises it
                self.trouble = exc
                self._stop.set()

    def _relay(self) -> Relay:
        return self._location.runtime.relay(
            self._instance, self.name, concurrency=self._concurrency, stopping=self._stop.is_set
        )

    def _say(self, text: str, unless: bool = False) -> None:
        if unless or text == self._told:
            return
        self._told = text
        click.echo(f"{self.name}: {text}")
