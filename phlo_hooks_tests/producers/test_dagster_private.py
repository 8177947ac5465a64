"""Each thing that we use of Dagster and that it does not promise: on the Dagster that is installed here.

This file is run on the lowest and on the highest supported Dagster. When Dagster changes one of these things, it
is here that it shows.
"""

import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import EventLogEntry
from sqlalchemy import URL, make_url

from phlo_hooks.delivery.store import HookStore
from phlo_hooks.producers import dagster_private
from phlo_hooks.producers.dagster_private import (
    RUNLESS_RUN_ID,
    SerializableErrorInfo,
    asset_of_output,
    default_store_url,
    find_backfills,
    heartbeat_tolerance,
    jobs_of,
    lacks_resources,
    location_of,
    log_cursor,
    made_of,
    mapping_between,
    on_run_events,
    op_edges,
    ops_by_asset,
    ops_of,
    report_row,
    running_step,
    step_key_of,
    targeted_assets,
    with_jobs,
)
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.postgres import new_database, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Default storage."""
    folder = str(tmp_path_factory.mktemp("dagster"))
    with no_fsync(), dg.instance_for_test(temp_dir=folder) as made:
        yield made


def test_every_function_has_a_test_here() -> None:
    """Who adds one to that file adds a test to this one."""
    functions = {
        name
        for name, value in vars(dagster_private).items()
        if getattr(value, "__module__", None) == dagster_private.__name__
    }
    assert functions <= globals().keys()


def test_a_cursor_stands_after_its_record(instance: dg.DagsterInstance) -> None:
    """Also one that was made from a number, and before the first record of what no run did."""
    for asset in ("a", "b", "c"):
        instance.report_runless_asset_event(dg.AssetMaterialization(asset))
    page = instance.get_records_for_run(RUNLESS_RUN_ID, cursor=log_cursor(0))
    assert [record.event_log_entry.run_id for record in page.records] == [""] * 3
    first, *rest = page.records
    page = instance.get_records_for_run(RUNLESS_RUN_ID, cursor=log_cursor(first.storage_id))
    assert [record.storage_id for record in page.records] == [record.storage_id for record in rest]


def test_the_location_of_a_sensor(instance: dg.DagsterInstance) -> None:
    """None in a test; the daemon's own contexts have one."""
    from dagster._core.remote_origin import RegisteredCodeLocationOrigin

    with dg.build_sensor_context(instance=instance) as context:
        assert location_of(context) == ""
    with dg.SensorEvaluationContext(
        instance_ref=None,
        last_tick_completion_time=None,
        last_run_key=None,
        cursor=None,
        repository_name=None,
        instance=instance,
        code_location_origin=RegisteredCodeLocationOrigin("sales"),
    ) as context:
        assert location_of(context) == "sales"


def test_backfills_are_found(instance: dg.DagsterInstance) -> None:
    """By status, by time and by id, newest first."""
    from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

    assert find_backfills(instance) == []
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    for number in range(60):
        status = BulkActionStatus.REQUESTED if number < 55 else BulkActionStatus.COMPLETED_SUCCESS
        when = (start + timedelta(hours=number)).timestamp()
        instance.add_backfill(PartitionBackfill(str(number), status, False, {}, when))
    assert [each.backfill_id for each in find_backfills(instance)] == [str(n) for n in range(59, -1, -1)]
    assert len(find_backfills(instance, statuses=["REQUESTED"])) == 55
    late = find_backfills(instance, created_after=start + timedelta(hours=57))
    assert [each.backfill_id for each in late] == ["59", "58"]
    assert [each.backfill_id for each in find_backfills(instance, ids=["3", "nobody"])] == ["3"]
    assert find_backfills(instance, ids=[]) == []


def test_what_a_backfill_holds() -> None:
    """All that is read of one, also of one that is about assets."""
    from dagster._core.execution.asset_backfill import AssetBackfillData
    from dagster._core.execution.backfill import PartitionBackfill

    fields = {"backfill_id", "status", "tags", "backfill_timestamp", "backfill_end_timestamp", "error"}
    fields |= {"asset_selection", "partition_set_origin", "partition_names", "asset_backfill_data"}
    assert fields <= set(PartitionBackfill._fields)
    assert hasattr(PartitionBackfill, "job_name")
    subsets = {"target_subset", "materialized_subset", "failed_and_downstream_subset"}
    assert subsets <= set(AssetBackfillData._fields)


def test_how_long_a_daemon_may_be_silent(instance: dg.DagsterInstance) -> None:
    """As long as the instance itself takes it for healthy."""
    from dagster._daemon.types import DaemonHeartbeat

    now, second = datetime.now(timezone.utc), timedelta(seconds=10)
    for silence, healthy in ((heartbeat_tolerance() - second, True), (heartbeat_tolerance() + second, False)):
        beat = DaemonHeartbeat((now - silence).timestamp(), "SENSOR", None, [])
        instance.add_daemon_heartbeat(beat)
        assert instance.get_daemon_statuses()["SENSOR"].healthy is healthy


def test_the_store_is_beside_sqlite(instance: dg.DagsterInstance) -> None:
    """In a file of its own, under the instance's storage folder."""
    url = default_store_url(instance)
    folder = Path(instance.storage_directory())
    assert url == f"sqlite:///{folder}/phlo_hooks/hooks.db"
    HookStore(url).put_state("any", "thing", 1)
    assert (folder / "phlo_hooks" / "hooks.db").is_file()


def test_an_ephemeral_instance_has_no_place_for_a_store() -> None:
    """Its events end with it."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        assert default_store_url(ephemeral) is None


@pytest.mark.postgres
@pytest.mark.parametrize("form", ["url", "parts"])
def test_the_store_is_in_the_same_postgresql(postgres_server: URL, tmp_path: Path, form: str) -> None:
    """The same database, however dagster.yaml names it, through whatever driver is installed."""
    url = make_url(new_database(postgres_server)).set(drivername="postgresql+psycopg2")
    settings = {"url": {"postgres_url": url.render_as_string(hide_password=False)}, "parts": parts(url)}
    with dg.instance_for_test(
        overrides={"storage": {"postgres": settings[form]}}, temp_dir=str(tmp_path)
    ) as instance:
        found = default_store_url(instance)
        assert found is not None
        assert make_url(found).database == url.database
        HookStore(found).put_state("any", "thing", 1)
    assert HookStore(url).get_state("any", "thing") is not None


def parts(url: URL) -> dict[str, Any]:
    """The other way in which dagster.yaml says where a database is."""
    return {
        "postgres_db": {
            "username": url.username,
            "password": "",
            "hostname": "",
            "db_name": url.database,
            "params": {"host": url.query["host"]},
            "scheme": "postgresql+psycopg2",
        }
    }


def test_what_a_run_records_is_heard(instance: dg.DagsterInstance) -> None:
    """In the order of its log, each entry once it is stored."""
    run = instance.create_run_for_job(job)
    heard: list[EventLogEntry] = []
    stored: list[int] = []

    def hear(entry: EventLogEntry) -> None:
        heard.append(entry)
        stored.append(len(instance.all_logs(run.run_id)))

    on_run_events(instance, run.run_id, hear)
    before = len(instance.all_logs(run.run_id))
    instance.report_engine_event("one", run)
    instance.report_run_canceled(run)
    entries = instance.all_logs(run.run_id)[before:]
    assert [entry.timestamp for entry in heard] == [entry.timestamp for entry in entries]
    assert stored == [before + 1, before + 2]


def test_the_end_of_a_run_is_heard_once_its_state_is_known(instance: dg.DagsterInstance) -> None:
    """Who listens may ask the instance for the run, and finds that it has ended."""
    run, states = instance.create_run_for_job(job), []
    on_run_events(
        instance, run.run_id, lambda entry: states.append(instance.get_run_by_id(run.run_id).status)
    )
    instance.report_run_failed(run)
    assert states == [dg.DagsterRunStatus.FAILURE]


seen: dict[str, Any] = {}


@dg.asset
def orders() -> None:
    seen["asset"] = step_key_of(running_step())


@dg.asset(key_prefix="raw")
def customers(context: dg.AssetExecutionContext) -> None:
    seen["context"] = step_key_of(context)
    seen["run"] = running_step().run.run_id == context.run.run_id


@dg.asset_check(asset=orders)
def is_sound() -> dg.AssetCheckResult:
    seen["check"] = step_key_of(running_step())
    return dg.AssetCheckResult(passed=True)


@dg.op
def work() -> None:
    seen["op"] = step_key_of(running_step())


@dg.job
def job() -> None:
    work()


def test_the_running_step_is_known_inside_of_it() -> None:
    """In assets, checks and ops, with and without a context of their own; outside there is none."""
    defs = dg.Definitions(
        assets=[orders, customers], asset_checks=[is_sound], executor=dg.in_process_executor
    )
    defs.resolve_implicit_global_asset_job_def().execute_in_process()
    job.execute_in_process()
    assert running_step() is None
    assert seen == {
        "asset": "orders",
        "context": "raw__customers",
        "run": True,
        "check": "orders_is_sound",
        "op": "work",
    }


@pytest.mark.parametrize("ended", [pytest.param(False, id="open run"), pytest.param(True, id="ended run")])
def test_a_row_in_the_event_view(instance: dg.DagsterInstance, ended: bool) -> None:
    """It has a message, a step and values that the UI opens; the run is not touched by it."""
    run = instance.create_run_for_job(job)
    if ended:
        instance.report_run_canceled(run)
    metadata = {"table": dg.MetadataValue.md("| a |"), "asset": dg.MetadataValue.asset(dg.AssetKey("a"))}
    report_row(instance, run, "the message", metadata, "work")
    event = instance.all_logs(run.run_id)[-1].get_dagster_event()
    assert (event.message, event.step_key, event.event_type) == (
        "the message",
        "work",
        dg.DagsterEventType.ENGINE_EVENT,
    )
    assert dict(event.engine_event_data.metadata) == metadata
    assert instance.get_run_by_id(run.run_id).is_finished is ended


def other_job() -> dg.JobDefinition:
    return job.with_hooks({dg.success_hook(name="other")(lambda context: None)})


def schedule() -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(job=job, cron_schedule="0 0 * * *")


def sensor(*jobs: Any) -> dg.SensorDefinition:
    return dg.SensorDefinition(name="sensor", jobs=jobs, evaluation_fn=lambda context: None)


# Dagster warns of its own beta parameter, which it passes itself.
beta = pytest.mark.filterwarnings("ignore:Parameter `owners` of initializer `SensorDefinition.__init__`")


@beta
@pytest.mark.parametrize("instigator", [schedule(), sensor(job)], ids=["schedule", "sensor"])
def test_the_jobs_that_are_launched(instigator: Any) -> None:
    """They can be taken out, and others put in their place; all else stays."""
    assert jobs_of(instigator) == [job]
    other = other_job()
    changed = with_jobs(instigator, [other])
    assert jobs_of(changed) == [other]
    assert (type(changed), changed.name) == (type(instigator), instigator.name)
    assert jobs_of(instigator) == [job]


@beta
def test_a_sensor_of_several_jobs() -> None:
    """In their order."""
    second = dg.JobDefinition(graph_def=job.graph, name="second")
    both = sensor(job, second)
    assert jobs_of(both) == [job, second]
    assert jobs_of(with_jobs(both, [second, job])) == [second, job]


@pytest.mark.parametrize(
    "instigator",
    [
        dg.ScheduleDefinition(name="by_name", job_name="elsewhere", cron_schedule="0 0 * * *"),
        dg.SensorDefinition(name="by_name", job_name="elsewhere", evaluation_fn=lambda context: None),
        dg.SensorDefinition(name="of_none", evaluation_fn=lambda context: None),
        dg.AutomationConditionSensorDefinition("automation", target=dg.AssetSelection.all()),
    ],
    ids=["schedule by name", "sensor by name", "sensor of none", "automation"],
)
def test_jobs_that_are_only_named(instigator: Any) -> None:
    """There is nothing to put in their place."""
    assert jobs_of(instigator) == []
    assert targeted_assets(instigator) == []


@pytest.mark.parametrize(
    "instigator",
    [
        dg.ScheduleDefinition(name="of_assets", target=[orders, customers], cron_schedule="0 0 * * *"),
        dg.SensorDefinition(name="of_assets", target=[orders, customers], evaluation_fn=lambda context: None),
    ],
    ids=["schedule", "sensor"],
)
def test_assets_that_are_a_target(instigator: Any) -> None:
    """They may stand nowhere else."""
    assert targeted_assets(instigator) == [orders, customers]


def test_what_has_no_target() -> None:
    """Anything else has none."""
    assert targeted_assets(object()) == jobs_of(object()) == []


def test_a_job_that_lacks_resources() -> None:
    """Those that its definitions are yet to give it."""

    @dg.op(required_resource_keys={"warehouse"})
    def load() -> None: ...

    @dg.job
    def incomplete() -> None:
        load()

    assert lacks_resources(incomplete)
    assert not lacks_resources(job)
    complete = dg.Definitions(jobs=[incomplete], resources={"warehouse": 1}).resolve_job_def("incomplete")
    assert not lacks_resources(complete)


def test_an_error_as_dagster_keeps_it(instance: dg.DagsterInstance) -> None:
    """The class, the message, the stack and the cause, which is the user's own."""

    @dg.asset
    def fails() -> None:
        raise ValueError("no such column")

    result = dg.materialize([fails], instance=instance, raise_on_error=False)
    (event,) = [e for e in result.all_events if e.is_step_failure]
    error = event.step_failure_data.error
    assert isinstance(error, SerializableErrorInfo)
    assert (error.cause.cls_name, error.cause.message.strip()) == ("ValueError", "ValueError: no such column")
    assert "no such column" in "".join(error.cause.stack)


def test_what_a_resource_definition_was_made_of() -> None:
    """The resource itself, or the values that its function closes over; nothing of a bare function."""

    class Token(dg.ConfigurableResource):
        token: str

    token = Token(token="t-12345")
    assert made_of(token.get_resource_definition()) is not None
    assert "value-1" in str(made_of(dg.ResourceDefinition.hardcoded_resource("value-1")))


def test_the_asset_of_an_output() -> None:
    """None for an output that one op only hands on to another."""
    seen = []

    @dg.op(out={"inner": dg.Out(), "other": dg.Out(is_required=False)})
    def first(context: dg.OpExecutionContext):
        seen.append(asset_of_output(running_step(), "inner"))
        yield dg.Output(1, "inner")

    @dg.op
    def second(context: dg.OpExecutionContext, value: int) -> int:
        seen.append(asset_of_output(running_step(), "result"))
        return value

    @dg.graph_asset
    def made() -> int:
        return second(first().inner)

    assert dg.materialize([made]).success
    assert seen == [None, dg.AssetKey("made")]


def test_how_partitions_depend_on_others() -> None:
    """As the dependency says; else by time, by a common dimension, or by name."""
    daily, hourly = (
        dg.DailyPartitionsDefinition("2026-01-01"),
        dg.HourlyPartitionsDefinition("2026-01-01-00:00"),
    )
    names = dg.StaticPartitionsDefinition(["a"])
    last = dg.LastPartitionMapping()
    assert mapping_between(last, daily, hourly) is last
    assert isinstance(mapping_between(None, daily, hourly), dg.TimeWindowPartitionMapping)
    assert isinstance(mapping_between(None, names, names), dg.IdentityPartitionMapping)
    two = dg.MultiPartitionsDefinition({"date": daily, "name": names})
    assert isinstance(mapping_between(None, two, daily), dg.MultiToSingleDimensionPartitionMapping)


def nested_job() -> dg.JobDefinition:
    """An op before a graph of two, and one after it."""

    @dg.op
    def first() -> int:
        return 1

    @dg.op
    def plus(value: int) -> int:
        return value

    @dg.graph
    def twice(value: int) -> int:
        return plus.alias("again")(plus(value))

    @dg.job
    def nested() -> None:
        plus.alias("last")(twice(first()))

    return nested


def test_the_ops_of_a_job() -> None:
    """By the keys that their steps have when the job runs."""
    found = nested_job()
    steps = {event.step_key for event in found.execute_in_process().all_events if event.is_step_success}
    assert ops_of(found) == {"first", "twice.plus", "twice.again", "last"} == steps


def test_what_ops_wait_for() -> None:
    """Also what is in a graph, for what is outside of it."""
    assert op_edges(nested_job()) == {
        ("first", "twice.plus"),
        ("twice.plus", "twice.again"),
        ("twice.again", "last"),
    }


def test_which_op_makes_an_asset() -> None:
    """Of a graph asset, the op within it that yields the value."""

    @dg.op
    def load() -> int:
        return 1

    @dg.graph_asset(key=["raw", "orders"])
    def orders() -> int:
        return load()

    defs = dg.Definitions(assets=[orders], jobs=[dg.define_asset_job("all_of_it")])
    assert ops_by_asset(defs.resolve_job_def("all_of_it")) == {
        dg.AssetKey(["raw", "orders"]): "raw__orders.load"
    }
    assert ops_by_asset(nested_job()) == {}


def test_nothing_here_is_deprecated(instance: dg.DagsterInstance) -> None:
    """A warning of Dagster's would be an error in a deployment that makes errors of warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        default_store_url(instance)
        jobs_of(with_jobs(schedule(), [other_job()]))
        lacks_resources(job)
        ops_of(nested_job()), op_edges(nested_job()), ops_by_asset(nested_job())
