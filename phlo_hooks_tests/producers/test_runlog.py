"""What Dagster recorded of real runs, in the shape in which it is translated."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEventType as T, DagsterRun

from phlo_hooks.producers import runlog
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.runlog import (
    RELEVANT,
    Planned,
    Recorded,
    RecordReader,
    RunFacts,
    RunLog,
    StepAttempt,
    planned_by_step,
    previous_attempts,
    recorded,
)
from phlo_hooks.producers.translate import translate_run
from phlo_hooks_tests.e2e.speed import no_fsync

LAST = 2


@dg.asset(key_prefix="raw", partitions_def=dg.StaticPartitionsDefinition(["2024-01", "2024-02"]))
def orders() -> None: ...


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=LAST))
def flaky(context: dg.AssetExecutionContext) -> None:
    if context.retry_number < LAST:
        raise ValueError("not yet")


@dg.asset
def bad() -> None:
    raise ValueError("no such column")


@dg.asset(deps=[bad])
def child() -> None: ...


@dg.asset_check(asset=flaky)
def is_sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


DEFS = dg.Definitions(
    assets=[orders, flaky, bad, child],
    asset_checks=[is_sound],
    jobs=[
        dg.define_asset_job("month", [orders]),
        dg.define_asset_job("retried", [flaky]),
        dg.define_asset_job("failing", [bad, child]),
    ],
    executor=dg.in_process_executor,
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Default storage."""
    folder = str(tmp_path_factory.mktemp("dagster"))
    with no_fsync(), dg.instance_for_test(temp_dir=folder) as made:
        yield made


@pytest.fixture(scope="module")
def logs(instance: dg.DagsterInstance) -> dict[str, RunLog]:
    """One run of each job."""
    found = {}
    for job, partition in (("month", "2024-01"), ("retried", None), ("failing", None)):
        result = DEFS.resolve_job_def(job).execute_in_process(
            instance=instance, partition_key=partition, raise_on_error=False
        )
        found[job] = log_of(instance, result.run_id)
    return found


def log_of(instance: dg.DagsterInstance, run_id: str) -> RunLog:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return RunLog(RunFacts.of(run), tuple(RecordReader(instance, run_id)))


def names(attempts: list[StepAttempt]) -> list[tuple[str, int]]:
    return [(each.step_key, each.attempt) for each in attempts]


# -- the run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param({}, "manual", id="nobody says"),
        pytest.param({"dagster/schedule_name": "nightly"}, "schedule:nightly", id="schedule"),
        pytest.param({"dagster/sensor_name": "new_files"}, "sensor:new_files", id="sensor"),
        pytest.param({"dagster/backfill": "abcdefgh"}, "backfill:abcdefgh", id="backfill"),
        pytest.param({"dagster/from_automation_condition": "true"}, "automation", id="automation"),
        pytest.param(
            {"dagster/sensor_name": "default", "dagster/from_automation_condition": "true"},
            "automation",
            id="automation by its sensor",
        ),
        pytest.param({"user": "ada@example.com"}, "user:ada@example.com", id="user"),
    ],
)
def test_who_launched_a_run(tags: dict[str, str], expected: str) -> None:
    """As its tags say."""
    assert RunFacts("id", "job", tags).launched_by == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param({}, (None, None, 0, None, {}), id="nothing"),
        pytest.param(
            {"dagster/partition": "2024-01", "dagster/backfill": "abcdefgh"},
            ("2024-01", "abcdefgh", 0, None, {}),
            id="backfill",
        ),
        pytest.param(
            {"dagster/will_retry": "true", "dagster/retry_number": "2", "team": "sales"},
            (None, None, 2, True, {"team": "sales"}),
            id="to be retried",
        ),
        pytest.param({"dagster/will_retry": "false"}, (None, None, 0, False, {}), id="not to be retried"),
        pytest.param({".dagster/repository": "x"}, (None, None, 0, None, {}), id="bookkeeping"),
    ],
)
def test_what_tags_say_of_a_run(tags: dict[str, str], expected: tuple[Any, ...]) -> None:
    """Dagster keeps there what has no field of its own."""
    run = RunFacts("id", "job", tags)
    found = (run.partition_key, run.backfill_id, run.retry_number, run.will_retry, run.own_tags)
    assert found == expected


def test_the_facts_of_a_run() -> None:
    """One that retries another, in no code location."""
    run = DagsterRun("job", run_id="b", parent_run_id="a", root_run_id="a", tags={"team": "sales"})
    assert RunFacts.of(run) == RunFacts("b", "job", {"team": "sales"}, parent_run_id="a", root_run_id="a")


# -- its log ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        pytest.param("month", [("raw__orders", 1)], id="one"),
        pytest.param(
            "retried", [("flaky", 1), ("flaky_is_sound", 1), ("flaky", 2), ("flaky", 3)], id="retried"
        ),
        pytest.param("failing", [("bad", 1), ("child", 1)], id="never began"),
    ],
)
def test_attempts(logs: dict[str, RunLog], job: str, expected: list[tuple[str, int]]) -> None:
    """Each with its number, in the order in which they began; last, the steps that never did."""
    found = names(logs[job].attempts)
    assert sorted(found) == sorted(expected)
    assert [each for each in found if each[0] == "flaky"] == [e for e in expected if e[0] == "flaky"]
    assert found[-1] == expected[-1] or job == "retried"


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        pytest.param(1, (T.STEP_START, T.STEP_UP_FOR_RETRY), id="first"),
        pytest.param(2, (T.STEP_RESTARTED, T.STEP_UP_FOR_RETRY), id="second"),
        pytest.param(3, (T.STEP_RESTARTED, T.STEP_SUCCESS), id="last"),
    ],
)
def test_the_records_of_an_attempt(logs: dict[str, RunLog], attempt: int, expected: tuple[T, T]) -> None:
    """They begin with its start and go to its end; what the step planned belongs to each."""
    found = {(each.step_key, each.attempt): each for each in logs["retried"].attempts}["flaky", attempt]
    assert found.started is not None
    assert found.ended is not None
    assert (found.started.type, found.ended.type) == expected
    assert found.planned == (Planned("flaky"),)


def test_attempts_that_are_over(logs: dict[str, RunLog]) -> None:
    """In the order in which they ended; a step that never began has no end."""
    assert names(logs["failing"].ended_attempts) == [("bad", 1)]
    assert [n for s, n in names(logs["retried"].ended_attempts) if s == "flaky"] == [1, 2, 3]


def test_an_attempt_that_never_said_that_it_ended(logs: dict[str, RunLog]) -> None:
    """While the run goes on it is not over; with the run's end it is."""
    log = logs["failing"]
    killed = tuple(each for each in log.records if each.type is not T.STEP_FAILURE)
    assert names(RunLog(log.run, killed).ended_attempts) == [("bad", 1)]
    running = tuple(each for each in killed if each.type is not T.RUN_FAILURE)
    assert names(RunLog(log.run, running).ended_attempts) == []


@pytest.mark.parametrize(
    ("job", "expected"), [("month", T.RUN_SUCCESS), ("retried", T.RUN_SUCCESS), ("failing", T.RUN_FAILURE)]
)
def test_the_end(logs: dict[str, RunLog], job: str, expected: T) -> None:
    """The record of the run's end; none while it runs."""
    log = logs[job]
    assert log.ended is not None
    assert log.ended.type is expected
    assert RunLog(log.run, log.records[:-1]).ended is None


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        pytest.param("month", {"raw__orders": (Planned("raw/orders", "2024-01"),)}, id="partition"),
        pytest.param(
            "retried",
            {"flaky": (Planned("flaky"),), "flaky_is_sound": (Planned("flaky", None, "is_sound"),)},
            id="check",
        ),
        pytest.param("failing", {"bad": (Planned("bad"),), "child": (Planned("child"),)}, id="two"),
    ],
)
def test_what_was_planned(logs: dict[str, RunLog], job: str, expected: dict[str, Any]) -> None:
    """By step, as it was written when the run was created."""
    assert logs[job].planned == expected
    assert planned_by_step(record.event for record in logs[job].records) == expected
    assert logs[job].planned_assets == {each.asset_key for plans in expected.values() for each in plans}


def test_previous_attempts(logs: dict[str, RunLog]) -> None:
    """How often a step was up for a retry."""
    events = [record.event for record in logs["retried"].records]
    assert (previous_attempts(events, "flaky"), previous_attempts(events, "other")) == (2, 0)


def test_the_asset_that_a_record_is_about(logs: dict[str, RunLog]) -> None:
    """Dagster's own event does not say it of a check."""
    by_type = {record.type: record.asset_keys for record in logs["retried"].records}
    assert by_type[T.ASSET_MATERIALIZATION] == by_type[T.ASSET_CHECK_EVALUATION] == {"flaky"}
    assert by_type[T.RUN_START] == frozenset()


def test_what_is_found_in_a_log_is_looked_for_once(logs: dict[str, RunLog]) -> None:
    """Each of its attempts asks for all of it: a run of 2,000 steps took a minute to translate."""
    log = logs["retried"]
    assert names(log.ended_attempts) != []
    assert log.ended is log.ended
    assert {"ended", "planned", "attempts"} <= vars(log).keys()
    assert all("ended" in vars(attempt) for attempt in log.attempts)


# -- reading it ------------------------------------------------------------------------------------


def test_only_what_is_looked_at_is_read(instance: dg.DagsterInstance, logs: dict[str, RunLog]) -> None:
    """All of that, and nothing else: a log has many more entries."""
    log = logs["retried"]
    everything = [entry.dagster_event for entry in instance.all_logs(log.run.run_id)]
    wanted = [event for event in everything if event is not None and event.event_type in RELEVANT]
    assert [record.event for record in log.records] == wanted
    assert len(wanted) < len(everything)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages(
    instance: dg.DagsterInstance, logs: dict[str, RunLog], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Their size changes nothing."""
    monkeypatch.setattr(runlog, "_PAGE", size)
    run_id = logs["retried"].run.run_id
    assert tuple(RecordReader(instance, run_id)) == logs["retried"].records


def test_a_reader_goes_on_where_another_one_stopped(
    instance: dg.DagsterInstance, logs: dict[str, RunLog]
) -> None:
    """And says so when there is nothing more."""
    run = DEFS.resolve_job_def("retried").execute_in_process(instance=instance)
    first = RecordReader(instance, run.run_id)
    before = tuple(first)
    instance.report_run_canceled(instance.get_run_by_id(run.run_id))
    second = RecordReader(instance, run.run_id, first.cursor)
    assert [record.type for record in second] == [T.RUN_CANCELED]
    assert tuple(RecordReader(instance, run.run_id, second.cursor)) == ()
    assert all(record.storage_id for record in before)


def test_a_plain_log_line_is_nothing(instance: dg.DagsterInstance, logs: dict[str, RunLog]) -> None:
    """Only Dagster's own events are translated."""
    entries = instance.all_logs(logs["month"].run.run_id)
    (event, *_) = [entry for entry in entries if entry.is_dagster_event]
    found = recorded(event, 7)
    assert isinstance(found, Recorded)
    assert (found.storage_id, found.timestamp.timestamp()) == (7, pytest.approx(event.timestamp))
    assert recorded(event._replace(dagster_event=None)) is None


HOURS = dg.HourlyPartitionsDefinition("2024-01-01-00:00", end_date="2025-12-01-00:00")
LETTERS = dg.StaticPartitionsDefinition(["b", "a", "c"])
SUBSETS = "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS"


def range_of(start: str, end: str) -> dict[str, str]:
    """The tags of a run that Dagster launches for a backfill in one run."""
    return {"dagster/asset_partition_range_start": start, "dagster/asset_partition_range_end": end}


@dg.asset(partitions_def=HOURS)
def hourly() -> None:
    raise ValueError("no hour today")


@dg.asset(partitions_def=LETTERS)
def letters() -> None: ...


@dg.asset_check(asset=letters)
def are_letters() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


RANGES = dg.Definitions(
    assets=[hourly, letters],
    asset_checks=[are_letters],
    jobs=[dg.define_asset_job("hours", [hourly]), dg.define_asset_job("post", [letters])],
    executor=dg.in_process_executor,
)


def ran_range(instance: dg.DagsterInstance, job: str, start: str, end: str) -> RunLog:
    """What a run of several partitions left, whatever became of it."""
    result = RANGES.resolve_job_def(job).execute_in_process(
        instance=instance, tags=range_of(start, end), raise_on_error=False
    )
    return log_of(instance, result.run_id)


@pytest.mark.parametrize("at_once", ["false", "true"])
def test_several_partitions_in_one_run(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, at_once: str
) -> None:
    """One for each partition, whichever of its two forms Dagster writes; of a check, one in all."""
    monkeypatch.setenv(SUBSETS, at_once)
    log = ran_range(instance, "post", "b", "c")
    assert sorted(log.planned["letters"]) == [Planned("letters", key) for key in "abc"]
    planned = [each for plans in log.planned.values() for each in plans if each.check_name]
    assert planned == [Planned("letters", None, "are_letters")]
    events = sum(each.type is T.ASSET_MATERIALIZATION_PLANNED for each in log.records)
    assert events == (1 if at_once == "true" else 3)


@pytest.mark.parametrize("at_once", ["false", "true"])
def test_several_partitions_that_fail(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, at_once: str
) -> None:
    """Each has a start and an end of its own."""
    monkeypatch.setenv(SUBSETS, at_once)
    log = ran_range(instance, "hours", "2024-01-01-00:00", "2024-01-01-02:00")
    told = sorted(
        (event.event_type, event.correlation.partition_key)
        for event in translate_run(log, Catalog([hourly]))
        if event.event_type.startswith("ingestion")
    )
    keys = [f"2024-01-01-0{hour}:00" for hour in range(3)]
    assert told == [(f"ingestion.{phase}", key) for phase in ("end", "start") for key in keys]


def test_ten_thousand_partitions_in_one_run(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their keys are had in well under a second."""
    monkeypatch.setenv(SUBSETS, "true")
    keys = HOURS.get_partition_keys()[:10_000]
    log = ran_range(instance, "hours", keys[0], keys[-1])
    began = time.perf_counter()
    assert [each.partition_key for each in log.planned["hourly"]] == keys
    assert time.perf_counter() - began < 2


def test_partitions_that_cannot_be_read() -> None:
    """The asset was planned, whichever of its partitions."""

    class Gone:
        def get_partition_keys(self) -> None:
            raise RuntimeError("no such definition")

    data = SimpleNamespace(asset_key=dg.AssetKey("a"), partition=None, partitions_subset=Gone())
    event: Any = SimpleNamespace(
        event_type=T.ASSET_MATERIALIZATION_PLANNED, step_key="a", event_specific_data=data
    )
    assert planned_by_step([event]) == {"a": (Planned("a"),)}
