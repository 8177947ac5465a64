"""`phlo-hooks demo`: the lakehouse, from the source to the published tables, and all that it tells."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from phlo_hooks.cli.timeline import print_timeline
from phlo_hooks.errors import MissingExtraError

if TYPE_CHECKING:
    import dagster as dg

    from phlo_hooks.demo.paths import DemoHome
    from phlo_hooks.demo.run import DemoRun, RunStatus
    from phlo_hooks.producers.runtime import Runtime


# Into a file or a pipe, where nothing says how wide a line may be.
PLAIN_WIDTH = 140


@click.command()
@click.option(
    "--break",
    "broken",
    type=click.Choice(["load", "model"]),
    help="Break it on purpose: the load of the flights, or a dbt model.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for all files  [default: PHLO_HOOKS_DEMO_HOME, else .phlo_hooks_demo]",
)
@click.option(
    "--month",
    "months",
    multiple=True,
    default=["2013-01"],
    show_default=True,
    help="A month of 2013 to publish; may be given more than once.",
)
@click.option("--all", "everything", is_flag=True, help="List starts and lineage, too.")
@click.pass_context
def demo(
    context: click.Context,
    broken: str | None,
    home: Path | None,
    months: tuple[str, ...],
    everything: bool,
) -> None:
    """Run the demo lakehouse in this process and list what happened and who was told.

    dlt loads the 336,776 flights that left New York in 2013 into DuckDB, dbt builds staging and marts, checks
    run (two of them warn: that is the data), and the marts are published to a second database.
    """
    # Bound to the stream as it is now: below, the tools' own output goes elsewhere.
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=PLAIN_WIDTH)
    lakehouse = _import_demo(home)
    with _open_instance(lakehouse) as instance:
        runtime, runs = _run(console, instance, lakehouse, broken, months)
        print_timeline(console, runtime.store(instance), [run.run_id for run in runs], everything)
    _say_what_next(console, lakehouse, runs, broken)
    failed = any(run.status.value == "failed" for run in runs)
    context.exit(0 if bool(broken) == failed else 1)


def _import_demo(home: Path | None) -> DemoHome:
    """The demo's folder, once its libraries are there and quiet.

    Raises:
        MissingExtraError: the extra `demo` is not installed.
    """
    logging.disable(logging.CRITICAL)
    try:
        from phlo_hooks.demo import lakehouse  # noqa: F401  # the first import of all that it needs
        from phlo_hooks.demo.paths import DemoHome
    except ModuleNotFoundError as exc:
        raise MissingExtraError(exc.name or str(exc), "demo") from exc
    return DemoHome(home.absolute()) if home else DemoHome.from_env()


def _open_instance(home: DemoHome) -> dg.DagsterInstance:
    import dagster as dg

    home.dagster.mkdir(parents=True, exist_ok=True)
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    return dg.DagsterInstance.from_config(str(home.dagster))


def _run(
    console: Console,
    instance: dg.DagsterInstance,
    home: DemoHome,
    broken: str | None,
    months: tuple[str, ...],
) -> tuple[Runtime, list[DemoRun]]:
    from phlo_hooks.demo.lakehouse import build_definitions
    from phlo_hooks.demo.run import run_demo
    from phlo_hooks.producers.sensor import tick

    with _progress(console) as progress:
        task = progress.add_task("preparing the dbt project")
        definitions = build_definitions(home=home, broken=broken, console=False)
        follow = _Follower(progress, instance)
        with _quiet(home.log):
            runs = run_demo(instance, definitions, months=months, on_progress=follow.run)
        runtime: Runtime = definitions.resources["hooks"].runtime  # type: ignore[index]
        progress.remove_task(task)
    # No progress is shown meanwhile: this prints the alerts.
    tick(instance, runtime, "")
    return runtime, runs


@contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """What the tools print goes to a file; what went wrong is in the events."""
    with log.open("a", encoding="utf-8") as output, redirect_stdout(output):
        yield


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield progress


class _Follower:
    """Shows each run, and the step that it is at."""

    def __init__(self, progress: Progress, instance: dg.DagsterInstance) -> None:
        self._progress = progress
        self._instance = instance
        self._tasks: dict[str, object] = {}

    def run(self, run: DemoRun) -> None:
        """A run began or ended."""
        from phlo_hooks.demo.run import RunStatus
        from phlo_hooks.producers.dagster_private import on_run_events

        name = " ".join(filter(None, (run.job_name, run.partition_key)))
        if run.status is RunStatus.STARTED:
            task = self._progress.add_task(name, total=1)
            self._tasks[run.run_id] = task
            on_run_events(self._instance, run.run_id, lambda entry: self._step(task, name, entry))
            return
        self._finish(self._tasks[run.run_id], name, run.status)

    def _step(self, task: object, name: str, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is not None and event.is_step_start and event.step_key:
            self._progress.update(task, description=f"{name}: {event.step_key}")  # type: ignore[arg-type]

    def _finish(self, task: object, name: str, status: RunStatus) -> None:
        self._progress.update(task, description=f"{name}: {status.value}", completed=1)  # type: ignore[arg-type]


def _say_what_next(console: Console, home: DemoHome, runs: list[DemoRun], broken: str | None) -> None:
    console.print(f"\nEvery event is a line of [bold]{home.events}[/bold], a CloudEvent;")
    console.print(f"lineage, as OpenLineage has it, of [bold]{home.lineage}[/bold].")
    if any(run.status.value == "failed" for run in runs):
        console.print("What failed was told above, as somebody on call would hear of it: one message.")
    inside = home.dagster.is_relative_to(Path.cwd())
    folder = f"$PWD/{home.dagster.relative_to(Path.cwd())}" if inside else str(home.dagster)
    console.print("\nNext, look at these runs in Dagster's own UI, and launch some there:")
    console.print(f"  [bold]DAGSTER_HOME={folder} dagster dev[/bold]")
    if not broken:
        console.print("or break it on purpose and see what is told:")
        console.print("  [bold]phlo-hooks demo --break model[/bold]")
