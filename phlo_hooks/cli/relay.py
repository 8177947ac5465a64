"""`phlo-hooks relay`: what the tail sensor does, as a process of its own."""

from __future__ import annotations

import logging
import signal
import threading

import click

from phlo_hooks.cli.loading import Location, load_locations, open_instance
from phlo_hooks.errors import StoreError
from phlo_hooks.producers.sensor import TICK_BUDGET, tick


@click.command()
@click.option("-m", "--module", help="The module that has your Definitions.")
@click.option("-f", "--file", "file", help="The Python file that has your Definitions.")
@click.option("-w", "--workspace", help="A workspace.yaml; by default the one in this folder.")
@click.option("--location", help="The code location's name, where your deployment gave it another.")
@click.option("--once", is_flag=True, help="Record and deliver what waits now, then stop.")
@click.option(
    "--interval", default=1.0, show_default=True, help="Seconds between two looks for something new."
)
def relay(
    module: str | None,
    file: str | None,
    workspace: str | None,
    location: str | None,
    once: bool,
    interval: float,
) -> None:
    """Record what happened and deliver what waits, without a Dagster daemon.

    Reads the log of the Dagster instance in DAGSTER_HOME. Several relays may run beside one another and
    beside the tail sensor. Stops on SIGTERM and Ctrl-C once the current deliveries are through.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    locations = load_locations(module, file, workspace)
    if location:
        locations = [Location(location, each.runtime) for each in locations]
    stop = _stop_on_signal()
    with open_instance() as instance:
        while True:
            for each in locations:
                click.echo(f"{each.name}: {_pass(instance, each)}")
            if once or stop.wait(interval):
                return


def _pass(instance: object, location: Location) -> str:
    try:
        return tick(instance, location.runtime, location.name, TICK_BUDGET)  # type: ignore[arg-type]
    except StoreError as exc:
        return f"{exc}; nothing was recorded or delivered, the next pass tries again"


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
