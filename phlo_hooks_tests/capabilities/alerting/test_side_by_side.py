"""The same 8 failed runs, with one send that fails: Dagster's own sensor, and ours."""

import time

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.capabilities.alerting import AlertingResource, HttpChannel, Rule
from phlo_hooks.producers.sensor import tick
from phlo_hooks.testing import Fault, FaultServer

RUNS, FAILING = 8, 3


class SlackDownError(Exception):
    pass


@dg.op
def breaks():
    raise ValueError("no such table: orders")


@dg.job
def nightly():
    breaks()


@pytest.fixture
def instance():
    with dg.instance_for_test() as instance:
        yield instance


def failed_runs(instance, job):
    return [job.execute_in_process(instance=instance, raise_on_error=False).run_id for _ in range(RUNS)]


def test_dagsters_sensor_loses_the_one_whose_send_failed(instance):
    """What teams write by hand today; its ticks are as the daemon would make them."""
    sent, calls = [], []

    @dg.run_failure_sensor(monitored_jobs=[nightly])
    def on_failure(context: dg.RunFailureSensorContext):
        calls.append(context.dagster_run.run_id)
        if len(calls) == FAILING:
            raise SlackDownError("Slack down")
        sent.append(context.dagster_run.run_id)

    defs = dg.Definitions(jobs=[nightly], sensors=[on_failure])
    cursor = None
    with dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def()) as context:
        # The first tick only finds out where the log ends.
        cursor = on_failure.evaluate_tick(context).cursor
    runs = failed_runs(instance, nightly)
    for _ in range(5):
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, repository_def=defs.get_repository_def()
        ) as context:
            cursor = on_failure.evaluate_tick(context).cursor
    assert len(sent) == RUNS - 1
    assert sorted(calls) == sorted(runs), "each run was tried once, and the one that failed never again"


def test_ours_sends_all_of_them(instance):
    # A message for each run: with its default window a rule would send one for all eight.
    rule = Rule(name="runs", on=["run.failure"], to=["http"], group_by="run", group_wait="0s")
    with FaultServer() as server:
        server.next(*[Fault.accept()] * (FAILING - 1), Fault.answer(503))
        alerting = AlertingResource(rules=[rule], webhook=[HttpChannel(url=server.url)])
        defs = with_hooks(dg.Definitions(jobs=[nightly], resources={"alerting": alerting}))
        runtime = defs.resources["hooks"].runtime
        runs = failed_runs(instance, defs.get_job_def("nightly"))
        ends = time.monotonic() + 60
        while len(server.processed) < RUNS and time.monotonic() < ends:
            tick(instance, runtime, "")
        told = [_run_of(each.json()) for each in server.processed]
    assert sorted(told) == sorted(runs)


def _run_of(message):
    return next(fact["value"] for fact in message["facts"] if fact["label"] == "Run")
