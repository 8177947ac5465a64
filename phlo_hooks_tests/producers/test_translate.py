"""From Dagster's log to events: everything that can become of a run, whoever saw it.

No `from __future__ import annotations` here: Dagster looks at the annotations of a context.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookEvent, with_hooks
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.runlog import RecordReader, RunFacts, RunLog, recorded
from phlo_hooks.producers.sensor import tick
from phlo_hooks.producers.translate import translate_run, translate_runless
from phlo_hooks_tests.producers.recording import Row, golden, row_of, runtime_of

RUN_ID = "0e5c7f5a-3a53-4b05-8f34-8f0a2c1d1001"


# One of everything that can happen to an asset or a check


@dg.asset(key_prefix="raw", owners=["team:data"], kinds={"dlt"}, tags={"tier": "gold"})
def orders(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log_event(dg.AssetObservation("raw/orders", metadata={"lag": 3}))
    context.log_event(dg.AssetObservation("raw/orders", metadata={"lag": 4}))
    return dg.MaterializeResult(metadata={"dagster/row_count": 12})


@dg.asset(deps=[orders], retry_policy=dg.RetryPolicy(max_retries=2))
def flaky(context: dg.AssetExecutionContext) -> None:
    if context.retry_number < 2:
        raise ValueError(f"attempt {context.retry_number + 1}")


@dg.asset(deps=[orders], retry_policy=dg.RetryPolicy(max_retries=1))
def hopeless() -> None:
    raise ValueError("always")


@dg.asset(deps=[orders])
def bad() -> None:
    try:
        {}["amount"]
    except KeyError as exc:
        raise ValueError("no such column: amount") from exc


@dg.asset(deps=[orders])
def refused() -> None:
    raise dg.Failure("the file is empty", metadata={"file": "x.csv"})


@dg.asset(deps=[bad])
def child() -> None:
    """Never begins."""


@dg.asset(deps=[child, orders])
def grandchild() -> None:
    """Neither."""


@dg.multi_asset(
    specs=[dg.AssetSpec("kept", deps=[orders]), dg.AssetSpec("left_out", skippable=True, deps=[orders])]
)
def some_of_two() -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult("kept")


@dg.asset(deps=["left_out"])
def after_left_out() -> None:
    """Dagster skips its step."""


@dg.multi_asset(specs=[dg.AssetSpec("done"), dg.AssetSpec("undone")])
def half() -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult("done")
    raise RuntimeError("between the two")


@dg.asset
def twice() -> Iterator[Any]:
    yield dg.AssetMaterialization("twice", metadata={"part": 1})
    yield dg.Output(1)


@dg.asset_check(asset=orders)
def has_rows() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"rows": 12})


@dg.asset_check(asset=orders, description="No day without an order.")
def has_no_gaps() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset_check(asset=orders)
def breaks() -> dg.AssetCheckResult:
    raise RuntimeError("division by zero")


@dg.asset_check(asset=bad)
def of_what_is_not_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset
def guarded() -> None:
    """Has a check that blocks."""


@dg.asset_check(asset=guarded, blocking=True)
def blocks() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False)


@dg.asset(deps=[guarded])
def behind() -> None:
    """Is blocked."""


ASSETS = [
    orders, flaky, hopeless, bad, refused, child, grandchild, some_of_two, after_left_out, half, twice, guarded,
    behind,
]  # fmt: skip
CHECKS = [has_rows, has_no_gaps, breaks, of_what_is_not_there, blocks]


def _made(kind: str, asset: str, status: str = "success", attempt: int = 1) -> list[Row]:
    return [
        Row(f"{kind}.start", asset, status="started", attempt=attempt),
        Row(f"{kind}.end", asset, status=status, attempt=attempt),
    ]


def _lineage(asset: str, attempt: int = 1) -> Row:
    return Row("lineage.edges", asset, attempt=attempt)


BY_STEPS = [
    *_made("ingestion", "raw/orders"),
    Row("telemetry.metric", "raw/orders", attempt=1),
    Row("telemetry.metric", "raw/orders", attempt=1),
    *_made("transform", "flaky", "failure"),
    *_made("transform", "flaky", "failure", attempt=2),
    *_made("transform", "flaky", attempt=3),
    _lineage("flaky", attempt=3),
    *_made("transform", "hopeless", "failure"),
    *_made("transform", "hopeless", "failure", attempt=2),
    *_made("transform", "bad", "failure"),
    *_made("transform", "refused", "failure"),
    *_made("transform", "kept"),
    _lineage("kept"),
    *_made("transform", "left_out", "skipped"),
    *_made("ingestion", "done"),
    *_made("ingestion", "undone", "failure"),
    *_made("ingestion", "twice"),
    Row("ingestion.end", "twice", status="success", attempt=1),
    *_made("ingestion", "guarded"),
    Row("quality.result", "raw/orders", "has_rows", status="passed", attempt=1),
    Row("quality.result", "raw/orders", "has_no_gaps", status="failed WARN", attempt=1),
    Row("quality.error", "raw/orders", "breaks", status="crashed", attempt=1),
    Row("quality.result", "guarded", "blocks", status="failed ERROR", attempt=1),
    # Said with the first step: a run begins before anything happens in it.
    Row("run.start", status="started"),
]
BY_THE_RUN = [
    Row("transform.end", "child", status="skipped", attempt=1),
    Row("transform.end", "grandchild", status="skipped", attempt=1),
    Row("transform.end", "after_left_out", status="skipped", attempt=1),
    Row("transform.end", "behind", status="skipped", attempt=1),
    Row("run.failure", status="failure"),
]


@dataclass(frozen=True)
class Told:
    """The same run, told in each way."""

    log: RunLog
    catalog: Catalog
    by_steps: list[HookEvent]
    both: list[HookEvent]
    tail_only: list[HookEvent]

    def one(self, event_type: str, asset: str | None, attempt: int | None = 1, **fields: Any) -> Any:
        """The one event of this type."""
        where = {"asset_key": asset, "attempt": attempt, **fields}
        found = [
            event
            for event in self.tail_only
            if event.event_type == event_type
            and all(getattr(event.correlation, name) == value for name, value in where.items())
        ]
        assert len(found) == 1, f"{len(found)} of {event_type} {where}"
        return found[0]


def hooked(**options: Any) -> dg.Definitions:
    return with_hooks(dg.Definitions(assets=ASSETS, asset_checks=CHECKS), plugins=False, **options)


@cache
def everything() -> Told:
    """Run once for all tests of this file."""
    with dg.instance_for_test() as instance, dg.instance_for_test() as other:
        runs = []
        for where, defs in ((instance, hooked()), (other, hooked(step_hooks=False))):
            runtime = runtime_of(defs)
            job = defs.resolve_job_def("__ASSET_JOB")
            job.execute_in_process(instance=where, run_id=RUN_ID, raise_on_error=False)
            before = _events(runtime.store(where))
            tick(where, runtime, "")
            runs.append((before, _events(runtime.store(where))))
        log = RunLog(RunFacts.of(other.get_run_by_id(RUN_ID)), tuple(RecordReader(other, RUN_ID)))
    (by_steps, both), (nothing, tail_only) = runs
    assert nothing == []
    return Told(log, runtime.catalog, by_steps, both, tail_only)


def _events(store: Any) -> list[HookEvent]:
    return [record.event for record in store.events(run_id=RUN_ID)]


@pytest.fixture
def told() -> Told:
    return everything()


def test_by_the_steps(told: Told) -> None:
    """What the step hook alone can tell."""
    assert golden(told.by_steps) == sorted(BY_STEPS)


def test_by_both(told: Told) -> None:
    """What both saw is there once."""
    assert golden(told.both) == sorted([*BY_STEPS, *BY_THE_RUN])


def test_by_the_tail(told: Told) -> None:
    """The same without any step hook."""
    assert golden(told.tail_only) == sorted([*BY_STEPS, *BY_THE_RUN])


def test_same_ids_and_contents(told: Told) -> None:
    """Whoever told it, it is the same event, down to its fields; only the moment may differ."""
    both = {event.event_id: _content(event) for event in told.both}
    tail = {event.event_id: _content(event) for event in told.tail_only}
    assert both == tail
    assert len(tail) == len(told.tail_only)


def _content(event: HookEvent) -> str:
    """All but when it was, and the folder of the instance."""
    return re.sub(
        r"/tmp/[^/]+/", "/tmp/", event.model_dump_json(exclude={"timestamp", "duration", "started_at"})
    )


def test_as_far_as_it_has_come(told: Told) -> None:
    """Whenever a log is read, what it says then is never taken back."""
    final = {event.event_id: row_of(event) for event in told.tail_only}
    for length in range(len(told.log.records)):
        log = RunLog(told.log.run, told.log.records[:length])
        so_far = {event.event_id: row_of(event) for event in translate_run(log, told.catalog)}
        assert so_far.items() <= final.items(), length


def test_translating_changes_nothing(told: Told) -> None:
    """It is a function: the same log, the same events."""
    assert translate_run(told.log, told.catalog) == translate_run(told.log, told.catalog)


ERRORS = [
    pytest.param(
        "bad", 1, ("ValueError", "no such column: amount", False), id="the user's own, not its cause"
    ),
    pytest.param("refused", 1, ("Failure", "the file is empty", False), id="a Failure's description"),
    pytest.param("flaky", 1, ("ValueError", "attempt 1", True), id="first attempt"),
    pytest.param("flaky", 2, ("ValueError", "attempt 2", True), id="second attempt"),
    pytest.param("hopeless", 1, ("ValueError", "always", True), id="to be retried"),
    pytest.param("hopeless", 2, ("ValueError", "always", False), id="given up"),
]


@pytest.mark.parametrize(("asset", "attempt", "expected"), ERRORS)
def test_errors(told: Told, asset: str, attempt: int, expected: tuple[str, str, bool]) -> None:
    """The user's own error, without Dagster's wrappers, and whether the step is tried again."""
    event = told.one("transform.end", asset, attempt)
    assert expected == (event.error.error_class, event.error.message, event.will_retry)
    assert "test_translate.py" in event.error.stack


def test_success_and_skipped_have_no_error(told: Told) -> None:
    """An error is only where something failed."""
    for event in told.tail_only:
        if getattr(event, "status", None) in ("success", "skipped", "started"):
            assert event.error is None, row_of(event)


def test_half_a_step(told: Told) -> None:
    """One of two assets was there when the step failed: one success, one failure."""
    assert told.one("ingestion.end", "done").error is None
    assert told.one("ingestion.end", "undone").error.message == "between the two"


def test_run_failure(told: Told) -> None:
    """It lists each failed step with its own error, and repeats none of them."""
    event = told.one("run.failure", None, None)
    failed = {step.step_key: step.error.message for step in event.failed_steps}
    blocked = failed.pop("guarded_blocks")
    assert "blocks" in blocked
    assert failed == {
        "hopeless": "always",
        "bad": "no such column: amount",
        "refused": "the file is empty",
        "half": "between the two",
        "raw__orders_breaks": "division by zero",
    }
    assert event.error is None
    assert event.duration > 0
    assert (event.job_name, event.launched_by, event.retry_number) == ("__ASSET_JOB", "manual", 0)


def test_what_the_definitions_say(told: Told) -> None:
    """Group, kinds, owners and tags are on the events of assets and of checks."""
    for event in (
        told.one("ingestion.end", "raw/orders"),
        told.one("quality.result", "raw/orders", check_name="has_rows"),
    ):
        assert (event.group_name, event.kinds, event.owners) == ("default", ("dlt",), ("team:data",))
        assert event.tags == {"tier": "gold"}


def test_metrics_and_metadata(told: Told) -> None:
    """What the user measured."""
    event = told.one("ingestion.end", "raw/orders")
    assert event.metrics == {"rows": 12}
    assert event.metadata["dagster/row_count"] == 12


def test_checks(told: Told) -> None:
    """Severity, whether it blocks, description, metadata, and the error of the one that crashed."""
    gaps = told.one("quality.result", "raw/orders", check_name="has_no_gaps")
    assert (gaps.passed, gaps.severity, gaps.blocking) == (False, "WARN", False)
    assert gaps.description == "No day without an order."
    assert told.one("quality.result", "guarded", check_name="blocks").blocking is True
    assert told.one("quality.result", "raw/orders", check_name="has_rows").metadata == {"rows": 12}
    crash = told.one("quality.error", "raw/orders", check_name="breaks")
    assert (crash.passed, crash.severity) == (None, "ERROR")
    assert (crash.error.error_class, crash.error.message) == ("RuntimeError", "division by zero")


def test_observations(told: Told) -> None:
    """Each is a measurement of its own."""
    found = [event for event in told.tail_only if event.event_type == "telemetry.metric"]
    assert [event.payload for event in found] == [{"lag": 3}, {"lag": 4}]  # type: ignore[attr-defined]
    assert len({event.event_id for event in found}) == 2


def test_lineage(told: Told) -> None:
    """From every upstream asset, with the materialization and not without one."""
    event = told.one("lineage.edges", "kept")
    assert event.edges == (("raw/orders", "kept"),)
    assert event.asset_keys == ("raw/orders", "kept")


def test_order_in_time(told: Told) -> None:
    """A start is not after its end."""
    for end in told.tail_only:
        if end.event_type.endswith(".end") and getattr(end, "status", None) != "skipped":
            start_type = end.event_type.replace(".end", ".start")
            where = end.correlation
            start = told.one(start_type, where.asset_key, where.attempt)
            assert start.timestamp <= end.timestamp


# What a run says of itself

LAUNCHED = [
    pytest.param({}, "manual", id="nobody"),
    pytest.param({"dagster/schedule_name": "nightly"}, "schedule:nightly", id="schedule"),
    pytest.param({"dagster/sensor_name": "new_files"}, "sensor:new_files", id="sensor"),
    pytest.param({"dagster/backfill": "abcdefgh"}, "backfill:abcdefgh", id="backfill"),
    pytest.param({"dagster/auto_materialize": "true"}, "automation", id="automation, old"),
    pytest.param(
        {"dagster/from_automation_condition": "true", "dagster/sensor_name": "default_automation"},
        "automation",
        id="automation",
    ),
    pytest.param({"user": "ana@example.com"}, "user:ana@example.com", id="user"),
    pytest.param(
        {"dagster/schedule_name": "nightly", "user": "ana@example.com"},
        "schedule:nightly",
        id="schedule before user",
    ),
]


@pytest.mark.parametrize(("tags", "expected"), LAUNCHED)
def test_launched_by(tags: dict[str, str], expected: str) -> None:
    """Dagster's tags say who; the user's own say the rest."""
    facts = RunFacts("r", "job", {**tags, "team": "data"})
    assert expected == facts.launched_by
    assert {key: value for key, value in facts.own_tags.items() if key != "user"} == {"team": "data"}


RETRIES = [
    pytest.param({}, (None, 0), id="no word of it"),
    pytest.param({"dagster/will_retry": "true"}, (True, 0), id="will be"),
    pytest.param({"dagster/will_retry": "false", "dagster/retry_number": "2"}, (False, 2), id="given up"),
]


@dg.op
def fails() -> None:
    raise ValueError("no")


@dg.job
def failing() -> None:
    fails()


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def parted() -> None:
    """Of two parts."""


def told_by_tail(
    defs: dg.Definitions, act: Callable[[dg.DagsterInstance, dg.Definitions], str]
) -> list[HookEvent]:
    """What the tail tells of the run that `act` leaves."""
    defs = with_hooks(defs, plugins=False, step_hooks=False)
    with dg.instance_for_test() as instance:
        run_id = act(instance, defs)
        tick(instance, runtime_of(defs), "")
        return [record.event for record in runtime_of(defs).store(instance).events(run_id=run_id)]


@pytest.mark.parametrize(("tags", "expected"), RETRIES)
def test_run_retries(tags: dict[str, str], expected: tuple[bool | None, int]) -> None:
    """Whether Dagster tries the run again, and the how-many-eth try it was."""

    def act(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
        job = defs.resolve_job_def("failing")
        return job.execute_in_process(instance=instance, raise_on_error=False, tags=tags).run_id

    events = told_by_tail(dg.Definitions(jobs=[failing]), act)
    (event,) = [each for each in events if each.event_type == "run.failure"]
    assert expected == (event.will_retry, event.retry_number)  # type: ignore[attr-defined]


def test_re_execution() -> None:
    """A run that retries another names it, and shares a correlation id with the first of the chain."""

    def act(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
        job = defs.resolve_job_def("failing")
        run = instance.create_run_for_job(job, root_run_id="root", parent_run_id="parent")
        instance.report_run_failed(run, "gave up")
        return run.run_id

    events = told_by_tail(dg.Definitions(jobs=[failing]), act)
    places = {(each.correlation.parent_run_id, each.correlation.correlation_id) for each in events}
    assert places == {("parent", "root")}


def test_partitions_and_backfill() -> None:
    """They are on the run's events and on the asset's."""

    def act(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
        job = defs.resolve_job_def("__ASSET_JOB")
        tags = {"dagster/backfill": "abcdefgh", "team": "data"}
        return job.execute_in_process(instance=instance, partition_key="b", tags=tags).run_id

    events = told_by_tail(dg.Definitions(assets=[parted]), act)
    assert golden(events) == [
        Row("ingestion.end", "parted", "", "b", "success", 1),
        Row("ingestion.start", "parted", "", "b", "started", 1),
        Row("run.start", "", "", "b", "started"),
        Row("run.success", "", "", "b", "success"),
    ]
    assert {each.correlation.backfill_id for each in events} == {"abcdefgh"}
    assert all(each.tags == {"team": "data"} for each in events)


# Runs that did not end as their steps did


def never_started(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
    """The launcher could not start it."""
    run = instance.create_run_for_job(defs.resolve_job_def("__ASSET_JOB"))
    instance.report_run_failed(run, "no such image: shop:latest")
    return run.run_id


def canceled_in_the_queue(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
    """Somebody thought better of it."""
    run = instance.create_run_for_job(defs.resolve_job_def("__ASSET_JOB"))
    instance.report_run_canceled(run)
    return run.run_id


def interrupted(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
    """Its process was told to stop in the middle of a step."""
    job = defs.resolve_job_def("__ASSET_JOB")
    return job.execute_in_process(
        instance=instance, raise_on_error=False, run_config={"ops": {"upstream": {"config": {"stop": True}}}}
    ).run_id


def killed(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
    """Its process was gone in the middle of a step, and the monitor found out."""
    run = _died(instance, defs)
    instance.report_run_failed(run, "the worker is gone")
    return run.run_id


def canceled(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
    """It was canceled in the middle of a step, and its process left no word."""
    run = _died(instance, defs)
    instance.report_run_canceled(run)
    return run.run_id


def _died(instance: dg.DagsterInstance, defs: dg.Definitions) -> dg.DagsterRun:
    """A run whose log is as a SIGKILL leaves it: without the end of the step and of the run."""
    run_id = interrupted(instance, defs)
    run = instance.create_run_for_job(defs.resolve_job_def("__ASSET_JOB"))
    for record in instance.get_records_for_run(run_id).records:
        event = record.event_log_entry.dagster_event
        if event is None or event.event_type_value.endswith("_PLANNED"):
            continue
        if event.is_step_failure:
            break
        instance.handle_new_event(record.event_log_entry._replace(run_id=run.run_id))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


class Stop(dg.Config):
    """Whether to be interrupted."""

    stop: bool = False


@dg.asset
def upstream(config: Stop) -> None:
    if config.stop:
        raise dg.DagsterExecutionInterruptedError


@dg.asset(deps=[upstream])
def downstream() -> None:
    """Comes after."""


@dg.asset_check(asset=upstream)
def checked() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


ENDS = [
    pytest.param(
        never_started,
        [
            Row("ingestion.end", "upstream", status="skipped", attempt=1),
            Row("run.failure", status="failure"),
            Row("transform.end", "downstream", status="skipped", attempt=1),
        ],
        "no such image: shop:latest",
        id="never started",
    ),
    pytest.param(
        canceled_in_the_queue,
        [
            Row("ingestion.end", "upstream", status="skipped", attempt=1),
            Row("run.canceled", status="canceled"),
            Row("transform.end", "downstream", status="skipped", attempt=1),
        ],
        None,
        id="canceled in the queue",
    ),
    pytest.param(
        interrupted,
        [
            *_made("ingestion", "upstream", "canceled"),
            Row("run.failure", status="failure"),
            Row("run.start", status="started"),
            Row("transform.end", "downstream", status="skipped", attempt=1),
        ],
        None,
        id="interrupted",
    ),
    pytest.param(
        killed,
        [
            *_made("ingestion", "upstream", "failure"),
            Row("run.failure", status="failure"),
            Row("run.start", status="started"),
            Row("transform.end", "downstream", status="skipped", attempt=1),
        ],
        "the worker is gone",
        id="killed",
    ),
    pytest.param(
        canceled,
        [
            *_made("ingestion", "upstream", "canceled"),
            Row("run.canceled", status="canceled"),
            Row("run.start", status="started"),
            Row("transform.end", "downstream", status="skipped", attempt=1),
        ],
        None,
        id="canceled",
    ),
]


@pytest.mark.parametrize(("act", "expected", "reason"), ENDS)
def test_ends(act: Any, expected: list[Row], reason: str | None) -> None:
    """What was planned and did not come about is told when the run has ended, and why the run did."""
    defs = dg.Definitions(assets=[upstream, downstream], asset_checks=[checked])
    events = told_by_tail(defs, act)
    assert sorted(expected) == golden(events)
    if reason is not None:
        (run,) = [each for each in events if each.event_type == "run.failure"]
        assert reason in run.error.message  # type: ignore[attr-defined]


def test_a_killed_step_says_so() -> None:
    """There is no error of the user's; what is known of the end is said instead."""
    defs = dg.Definitions(assets=[upstream, downstream], asset_checks=[checked])
    (event,) = [each for each in told_by_tail(defs, killed) if each.event_type == "ingestion.end"]
    assert event.error.error_class == "StepProcessDied"  # type: ignore[attr-defined]
    assert "the worker is gone" in event.error.message  # type: ignore[attr-defined]


# Graphs


@dg.op
def draw() -> int:
    raise ValueError("the source is dry")


@dg.op
def hand_on(value: Any) -> Any:
    return value


@dg.graph
def within(value: Any) -> Any:
    return hand_on(value)


@dg.graph_asset
def drawn() -> Any:
    return within(draw())


@dg.asset
def after_drawn(drawn: Any) -> None:
    """Is really skipped."""


def test_a_graph_that_fails_before_its_last_step() -> None:
    """Its asset has failed with the error of the op that did; only what is outside of it was skipped."""

    def act(instance: dg.DagsterInstance, defs: dg.Definitions) -> str:
        job = defs.resolve_job_def("__ASSET_JOB")
        return job.execute_in_process(instance=instance, raise_on_error=False).run_id

    events = told_by_tail(dg.Definitions(assets=[drawn, after_drawn]), act)
    ends = {each.asset_key: each for each in events if each.event_type.endswith(".end")}  # type: ignore[attr-defined]
    assert {key: each.status for key, each in ends.items()} == {  # type: ignore[attr-defined]
        "drawn": "failure",
        "after_drawn": "skipped",
    }
    assert ends["drawn"].error.message == "the source is dry"  # type: ignore[attr-defined]


# From outside of runs


def test_runless() -> None:
    """Two alike reports are two events, with ids that do not change when they are read again."""
    reported = (
        dg.AssetMaterialization("raw/orders", partition="2024-01", metadata={"dagster/row_count": 3}),
        dg.AssetMaterialization("raw/orders", partition="2024-01"),
        dg.AssetObservation("raw/orders"),
        dg.AssetCheckEvaluation(dg.AssetKey(["raw", "orders"]), "has_rows", passed=False),
    )
    catalog = runtime_of(hooked()).catalog
    with dg.DagsterInstance.ephemeral() as instance:
        for each in reported:
            instance.report_runless_asset_event(each)
        page = instance.get_records_for_run("").records
        records = [recorded(each.event_log_entry, each.storage_id) for each in page]
    first, second = (translate_runless([each for each in records if each], catalog) for _ in range(2))
    assert golden(first) == [
        Row("ingestion.end", "raw/orders", partition="2024-01", status="success"),
        Row("ingestion.end", "raw/orders", partition="2024-01", status="success"),
        Row("quality.result", "raw/orders", "has_rows", status="failed ERROR"),
        Row("telemetry.metric", "raw/orders"),
    ]
    assert [each.event_id for each in first] == [each.event_id for each in second]
    assert len({each.event_id for each in first}) == 4
    assert {each.run_id for each in first} == {None}


def test_recorded_keeps_the_moment() -> None:
    """To the microsecond, in UTC."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetObservation("x"))
        (record,) = instance.get_records_for_run("").records
    found = recorded(record.event_log_entry, record.storage_id)
    assert found is not None
    assert found.timestamp == datetime.fromtimestamp(record.event_log_entry.timestamp, tz=timezone.utc)
