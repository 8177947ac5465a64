"""Run the whole demo in this process, for the command line, the tests and the benchmarks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import dagster as dg

from phlo_hooks.demo.lakehouse import LAKEHOUSE, PUBLISH_MONTH


class RunStatus(str, Enum):
    """How far a run of the demo is."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class DemoRun:
    """One of the runs that the demo consists of."""

    run_id: str
    job_name: str
    partition_key: str | None = None
    status: RunStatus = RunStatus.STARTED


OnProgress = Callable[[DemoRun], None]


def run_demo(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    *,
    months: Sequence[str] = ("2013-01",),
    on_progress: OnProgress | None = None,
) -> list[DemoRun]:
    """Run `lakehouse`, then `publish_month` for each month; stop at the first run that fails.

    Args:
        instance: keeps the runs and their events.
        definitions: what `build_definitions` returns.
        months: the months of 2013 to publish.
        on_progress: called when a run starts, and again when it ends. The run id is the same, so a
            caller can follow the run's events in the instance meanwhile.

    Returns:
        the runs, each with how it ended.
    """
    report = on_progress or (lambda run: None)
    return list(_run_in_order(definitions, instance, _plan(months), report))


def _plan(months: Sequence[str]) -> list[DemoRun]:
    monthly = [DemoRun(_new_id(), PUBLISH_MONTH.name, month) for month in months]
    return [DemoRun(_new_id(), LAKEHOUSE.name), *monthly]


def _new_id() -> str:
    return str(uuid.uuid4())


def _run_in_order(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    plan: Sequence[DemoRun],
    report: OnProgress,
) -> Iterator[DemoRun]:
    for planned in plan:
        report(planned)
        ended = _run(definitions, instance, planned)
        report(ended)
        yield ended
        if ended.status is RunStatus.FAILED:
            return


def _run(definitions: dg.Definitions, instance: dg.DagsterInstance, planned: DemoRun) -> DemoRun:
    result = definitions.resolve_job_def(planned.job_name).execute_in_process(
        instance=instance,
        run_id=planned.run_id,
        partition_key=planned.partition_key,
        raise_on_error=False,
    )
    return replace(planned, status=RunStatus.SUCCEEDED if result.success else RunStatus.FAILED)
