"""Definitions of every kind that Dagster knows, to be run with the bus and without it.

Each function builds its definitions anew and notes in `calls` what the user's own code saw, so that two builds
can be compared. The end-to-end test loads this file in other processes too.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from phlo_hooks_tests.producers.recording import ASSET_JOB

Calls = list[Any]
Build = Callable[[Calls], dg.Definitions]


@dataclass(frozen=True)
class Run:
    """How a job is run, and whether that goes well."""

    job: str = ASSET_JOB
    success: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """Definitions, and the runs of them, one after the other.

    `unhooked` are steps on which Dagster lets nobody put a hook: those of a `SourceAsset` that can be observed.
    """

    build: Build
    runs: tuple[Run, ...] = (Run(),)
    unhooked: frozenset[str] = frozenset()


class Memory(dg.IOManager):
    """Keeps outputs for as long as it lives, and notes what it does."""

    def __init__(self, calls: Calls, name: str = "memory") -> None:
        self.calls = calls
        self.name = name
        self.kept: dict[Any, Any] = {}

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Keep it by asset and partition, or by step and output."""
        for key in _keys(context):
            self.kept[key] = obj
        self.calls.append((self.name, "out", *_keys(context)))

    def load_input(self, context: dg.InputContext) -> Any:
        """What was kept: one value, or one for each partition."""
        upstream = context.upstream_output
        keys = _keys(context if context.has_asset_key else upstream)
        self.calls.append((self.name, "in", *keys))
        return self.kept[keys[0]] if len(keys) == 1 else {key[-1]: self.kept[key] for key in keys}


def _keys(context: Any) -> list[tuple[str, ...]]:
    if not context.has_asset_key:
        return [(context.step_key, context.name)]
    name = context.asset_key.to_user_string()
    if not context.has_asset_partitions:
        return [(name,)]
    return [(name, partition) for partition in context.asset_partition_keys]


def graph_assets(calls: Calls) -> dg.Definitions:
    """A graph within a graph, an alias, and a graph of several assets of which one feeds the other."""

    @dg.op
    def one() -> int:
        return 1

    @dg.op
    def add(context: dg.OpExecutionContext, x: int) -> int:
        calls.append((str(context.op_handle), x))
        return x + 1

    @dg.op(out={"left": dg.Out(), "right": dg.Out()})
    def split(x: int) -> tuple[int, int]:
        return x, x + 1

    @dg.op(out={"value": dg.Out(), "check": dg.Out(dg.AssetCheckResult)})
    def three(x: int) -> Any:
        yield dg.Output(x, "value")
        yield dg.Output(dg.AssetCheckResult(passed=x == 3, check_name="is_three", asset_key="total"), "check")

    @dg.graph
    def inner(x: int) -> int:
        return add.alias("again")(add(x))

    @dg.graph_asset(kinds={"python"}, check_specs=[dg.AssetCheckSpec("is_three", asset="total")])
    def total() -> Any:
        checked = three(inner(one()))
        return {"result": checked[0], "total_is_three": checked[1]}

    @dg.graph_multi_asset(outs={"left": dg.AssetOut(), "right": dg.AssetOut(owners=["team:data"])})
    def both(total: int) -> Any:
        left, right = split(total)
        return {"left": left, "right": add.alias("last")(right)}

    @dg.asset
    def end(context: dg.AssetExecutionContext, left: int, right: int) -> None:
        calls.append((left, right))

    return dg.Definitions(assets=[total, both, end], resources={"io_manager": Memory(calls)})


def op_job_hooks(calls: Calls) -> dg.Definitions:
    """A job with hooks of its own, on the job and on an op, that need a resource."""

    @dg.success_hook(required_resource_keys={"slack"})
    def well(context: dg.HookContext) -> None:
        calls.append(("well", context.step_key, context.resources.slack))

    @dg.failure_hook(name="badly")
    def badly(context: dg.HookContext) -> None:
        calls.append(("badly", context.step_key, str(context.op_exception)))

    @dg.op(out={"used": dg.Out(), "unused": dg.Out(is_required=False)})
    def first() -> Iterator[dg.Output[int]]:
        yield dg.Output(1, "used", metadata={"rows": 1})

    @dg.op
    def broken(x: int) -> int:
        raise ValueError(f"broken by {x}")

    @dg.op(ins={"start": dg.In(dg.Nothing)})
    def after() -> None:
        calls.append("after")

    @dg.op
    def beside(x: int) -> None:
        calls.append(("beside", x))

    @dg.job(hooks={well}, tags={"team": "data"}, metadata={"page": "x"}, description="Two branches.")
    def nightly() -> None:
        used, unused = first()
        after(broken.with_hooks({badly})(used))
        beside(unused)
        beside.alias("other")(used)

    return dg.Definitions(jobs=[nightly], resources={"slack": "#data"})


def op_retries(calls: Calls) -> dg.Definitions:
    """Retries by policy, by request, by the job's policy; and a failure that forbids them."""

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def by_policy(context: dg.OpExecutionContext) -> None:
        calls.append(("policy", context.retry_number))
        if context.retry_number < 2:
            raise ValueError("not yet")

    @dg.op
    def by_request(context: dg.OpExecutionContext) -> None:
        if context.retry_number == 0:
            raise dg.RetryRequested(max_retries=1) from KeyError("x")

    @dg.op
    def forbidden(context: dg.OpExecutionContext) -> None:
        calls.append(("forbidden", context.retry_number))
        raise dg.Failure("bad input", metadata={"file": "x.csv"}, allow_retries=False)

    @dg.job(op_retry_policy=dg.RetryPolicy(max_retries=1))
    def retried() -> None:
        by_policy()
        by_request()
        forbidden()

    return dg.Definitions(jobs=[retried])


def dynamic_outputs(calls: Calls) -> dg.Definitions:
    """An op that runs once for each of what another found, nested in a graph."""

    @dg.op(out=dg.DynamicOut())
    def find() -> Iterator[dg.DynamicOutput[int]]:
        for name in ("a", "b"):
            yield dg.DynamicOutput(len(name), mapping_key=name)

    @dg.op
    def grow(x: int) -> int:
        return x + 1

    @dg.op
    def add_up(found: list[int]) -> int:
        calls.append(found)
        return sum(found)

    @dg.graph
    def twice(x: int) -> int:
        return grow.alias("again")(grow(x))

    @dg.job
    def mapped() -> None:
        add_up(find().map(twice).collect())

    @dg.graph_asset
    def collected() -> int:
        return add_up(find().map(grow).collect())

    return dg.Definitions(jobs=[mapped], assets=[collected])


MONTHS = dg.StaticPartitionsDefinition(["2024-01", "2024-02", "2024-03"])
DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
SHOPS = dg.DynamicPartitionsDefinition(name="shops")


def partitions(calls: Calls) -> dg.Definitions:
    """Time, static, dynamic and multi partitions, and mappings between them."""

    @dg.asset(partitions_def=DAYS)
    def daily(context: dg.AssetExecutionContext) -> str:
        calls.append((context.partition_key, context.partition_time_window))
        return context.partition_key

    mapping = dg.TimeWindowPartitionMapping(start_offset=-1)

    @dg.asset(partitions_def=DAYS, ins={"daily": dg.AssetIn(partition_mapping=mapping)})
    def two_days(daily: Any) -> Any:
        calls.append(daily)
        return daily

    @dg.asset(
        ins={"two_days": dg.AssetIn(partition_mapping=dg.SpecificPartitionsPartitionMapping(["2024-01-02"]))}
    )
    def latest(two_days: Any) -> Any:
        calls.append(two_days)
        return two_days

    @dg.asset(partitions_def=MONTHS)
    def monthly(context: dg.AssetExecutionContext) -> str:
        return context.partition_key

    @dg.asset(partitions_def=SHOPS)
    def shop(context: dg.AssetExecutionContext) -> dg.MaterializeResult[str]:
        return dg.MaterializeResult(value=context.partition_key, metadata={"shop": context.partition_key})

    grid = dg.MultiPartitionsDefinition({"month": MONTHS, "shop": SHOPS})

    @dg.asset(partitions_def=grid)
    def cell(context: dg.AssetExecutionContext, monthly: Any, shop: Any) -> Any:
        calls.append((context.partition_key, monthly, shop))
        return 1

    @dg.asset_check(asset=daily)
    def on_daily(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        calls.append(context.partition_key)
        return dg.AssetCheckResult(passed=True)

    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def at_once(context: dg.AssetExecutionContext) -> Any:
        calls.append(context.partition_keys)
        return dict.fromkeys(context.partition_keys, 1)

    jobs = [
        dg.define_asset_job("days", [daily, two_days]),
        dg.define_asset_job("last", [latest]),
        dg.define_asset_job("months", [monthly], partitions_def=MONTHS),
        dg.define_asset_job("shops", [shop]),
        dg.define_asset_job("cells", [cell]),
        dg.define_asset_job("range", [at_once]),
    ]
    return dg.Definitions(
        assets=[daily, two_days, latest, monthly, shop, cell, at_once],
        asset_checks=[on_daily],
        jobs=jobs,
        schedules=[dg.build_schedule_from_partitioned_job(jobs[0])],
        resources={"io_manager": Memory(calls)},
    )


def partitioned_op_job(calls: Calls) -> dg.Definitions:
    """A partitioned op job with a schedule of its own."""

    @dg.op
    def load(context: dg.OpExecutionContext) -> None:
        calls.append((context.partition_key, context.op_config))

    @dg.daily_partitioned_config(start_date="2024-01-01")
    def config(start: Any, end: Any) -> dict[str, Any]:
        return {"ops": {"load": {"config": {"start": str(start)}}}}

    @dg.job(config=config)
    def load_day() -> None:
        load()

    return dg.Definitions(jobs=[load_day], schedules=[dg.build_schedule_from_partitioned_job(load_day)])


class Warehouse(dg.ConfigurableResource):
    """A resource with a life of its own."""

    url: str
    _open: bool = False

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Open it."""
        self._open = True

    @property
    def state(self) -> tuple[str, bool]:
        """What a step sees of it."""
        return self.url, self._open


class Reader(dg.ConfigurableResource):
    """A resource that holds another."""

    warehouse: Warehouse


def resources(calls: Calls) -> dg.Definitions:
    """Resources by key and by parameter, nested, at the top, on an asset and on a job; one needs run config."""

    @dg.resource(required_resource_keys={"base"}, config_schema={"size": dg.Field(int, default_value=3)})
    def old(context: dg.InitResourceContext) -> Any:
        return (context.resources.base, context.resource_config["size"])

    @dg.resource(config_schema={"must": str})
    def demanding(context: dg.InitResourceContext) -> str:
        return context.resource_config["must"]

    @dg.asset(required_resource_keys={"old"})
    def by_key(context: dg.AssetExecutionContext) -> None:
        calls.append(context.resources.old)

    @dg.asset(deps=[by_key])
    def by_parameter(reader: Reader, plain: dg.ResourceParam[str]) -> None:
        calls.append((reader.warehouse.state, plain))

    @dg.asset(
        deps=[by_parameter],
        required_resource_keys={"mine"},
        resource_defs={
            "mine": dg.ResourceDefinition.hardcoded_resource("on the asset"),
            "own_io": dg.IOManagerDefinition.hardcoded_io_manager(Memory(calls, "asset's")),
        },
        io_manager_key="own_io",
    )
    def bound(context: dg.AssetExecutionContext) -> int:
        calls.append(context.resources.mine)
        return 1

    @dg.asset_check(asset=by_key)
    def checked(warehouse: Warehouse) -> dg.AssetCheckResult:
        calls.append(warehouse.state)
        return dg.AssetCheckResult(passed=True)

    @dg.op(required_resource_keys={"base"})
    def of_job(context: dg.OpExecutionContext) -> int:
        calls.append(context.resources.base)
        return 1

    of_its_own = {
        "base": dg.ResourceDefinition.hardcoded_resource("job's base"),
        "io_manager": dg.IOManagerDefinition.hardcoded_io_manager(Memory(calls, "job's")),
    }

    @dg.job(resource_defs=of_its_own)
    def satisfied() -> None:
        of_job()

    @dg.job
    def unsatisfied() -> None:
        of_job()

    @dg.job(resource_defs={"base": dg.ResourceDefinition.hardcoded_resource("half")})
    def half() -> None:
        of_job()

    return dg.Definitions(
        assets=[by_key, by_parameter, bound],
        asset_checks=[checked],
        jobs=[satisfied, unsatisfied, half],
        resources={
            "base": "top's base",
            "old": old.configured({"size": 4}),
            "demanding": demanding,
            "plain": "plain",
            "warehouse": Warehouse(url="duckdb:///x"),
            "reader": Reader(warehouse=Warehouse(url="duckdb:///y")),
            "io_manager": Memory(calls, "top's"),
        },
    )


def asset_retries(calls: Calls) -> dg.Definitions:
    """An asset that is tried again, one that gives up, and what then never begins."""

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def flaky(context: dg.AssetExecutionContext) -> int:
        calls.append(context.retry_number)
        if context.retry_number == 0:
            raise ValueError("the first time")
        return 1

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def hopeless(context: dg.AssetExecutionContext) -> int:
        raise dg.Failure("no", metadata={"try": context.retry_number})

    @dg.asset
    def never(flaky: int, hopeless: int) -> int:
        calls.append("never")
        return 1

    return dg.Definitions(assets=[flaky, hopeless, never])


def sources(calls: Calls) -> dg.Definitions:
    """Assets that are observed, assets that others make, and one that reads them."""

    @dg.observable_source_asset(group_name="landing")
    def observed() -> dg.DataVersion:
        calls.append("observed")
        return dg.DataVersion("7")

    @dg.multi_observable_source_asset(specs=[dg.AssetSpec("o1"), dg.AssetSpec("o2")])
    def observed_two() -> Iterator[dg.ObserveResult]:
        yield dg.ObserveResult("o1", metadata={"lag": 3})
        yield dg.ObserveResult("o2", data_version=dg.DataVersion("1"))

    memory = Memory(calls)
    memory.kept[("old",)] = 5

    @dg.asset(deps=[observed, "o1", "external", "unknown"])
    def reads(old: int) -> int:
        calls.append(old)
        return old

    @dg.asset_check(asset="external")
    def on_external() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)

    return dg.Definitions(
        assets=[
            observed,
            observed_two,
            dg.SourceAsset("old", tags={"from": "before"}),
            dg.AssetSpec("external", kinds={"s3"}, owners=["team:data"], metadata={"path": "s3://x"}),
            reads,
        ],
        asset_checks=[on_external],
        jobs=[
            dg.define_asset_job("observe", dg.AssetSelection.assets("observed", "o1", "o2")),
            dg.define_asset_job("read", dg.AssetSelection.assets("reads")),
            dg.define_asset_job("check", dg.AssetSelection.checks(on_external)),
        ],
        resources={"io_manager": memory},
    )


def checks(calls: Calls) -> dg.Definitions:
    """A check that blocks, one that warns, one that crashes, several in one step, and one within its asset."""

    @dg.asset(check_specs=[dg.AssetCheckSpec("inside", asset="base")])
    def base() -> dg.MaterializeResult:
        inside = dg.AssetCheckResult(passed=True, check_name="inside", metadata={"n": 1})
        return dg.MaterializeResult(value=1, check_results=[inside])

    @dg.asset_check(asset=base, blocking=True)
    def blocks(base: int) -> dg.AssetCheckResult:
        calls.append(base)
        return dg.AssetCheckResult(passed=False)

    @dg.asset_check(asset=base)
    def warns() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)

    @dg.asset_check(asset=base)
    def crashes() -> dg.AssetCheckResult:
        raise RuntimeError("division by zero")

    specs = [dg.AssetCheckSpec("even", asset="base"), dg.AssetCheckSpec("odd", asset="beside")]

    @dg.multi_asset_check(specs=specs, can_subset=True)
    def many(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for key in sorted(context.selected_asset_check_keys):
            yield dg.AssetCheckResult(passed=True, check_name=key.name, asset_key=key.asset_key)

    @dg.asset
    def beside() -> int:
        return 2

    @dg.asset
    def below(base: int) -> int:
        calls.append("below")
        return base

    return dg.Definitions(assets=[base, beside, below], asset_checks=[blocks, warns, crashes, many])


def multi_assets(calls: Calls) -> dg.Definitions:
    """Subsets, outputs left out, dependencies within, results of every form."""

    outs = {name: dg.AssetOut(is_required=False) for name in ("a", "b", "c")}
    within = {"a": set(), "b": {dg.AssetKey("a")}, "c": {dg.AssetKey("a")}}

    @dg.multi_asset(outs=outs, internal_asset_deps=within, can_subset=True)
    def letters(context: dg.AssetExecutionContext) -> Iterator[dg.Output[str]]:
        calls.append(sorted(context.selected_output_names))
        for name in sorted(context.selected_output_names):
            yield dg.Output(name, name, metadata={"letter": name})

    @dg.multi_asset(specs=[dg.AssetSpec("x", skippable=True), dg.AssetSpec("y", deps=["b"])])
    def coordinates(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield dg.AssetMaterialization("log", metadata={"by": "hand"})
        yield dg.AssetObservation("x", metadata={"seen": True})
        yield dg.MaterializeResult("y", data_version=dg.DataVersion("9"), tags={"k": "v"})

    @dg.asset(deps=["x"])
    def after_x() -> None:
        calls.append("after x")

    @dg.multi_asset(outs={"one": dg.AssetOut(), "two": dg.AssetOut()})
    def pair() -> tuple[int, int]:
        return 1, 2

    job = dg.define_asset_job("some", dg.AssetSelection.assets("b", "c", "x", "y", "after_x", "one", "two"))
    return dg.Definitions(assets=[letters, coordinates, after_x, pair], jobs=[job])


class Limit(dg.Config):
    """Run config of an asset."""

    limit: int = 10


def kinds_of_functions(calls: Calls) -> dg.Definitions:
    """Generators, coroutines and async generators, run config, code versions and policies."""

    @dg.asset(code_version="1")
    async def awaits() -> int:
        return 1

    @dg.asset(code_version="2", kinds={"python"}, owners=["ana@example.com"], tags={"k": "v"}, group_name="g")
    async def streams(awaits: int) -> Any:
        yield dg.Output(awaits, metadata={"rows": awaits})

    @dg.asset(
        automation_condition=dg.AutomationCondition.eager(),
        metadata={"dagster/uri": "s3://x"},
        description="Limited.",
        key_prefix=["deep", "er"],
        op_tags={"cpu": "1"},
        output_required=False,
    )
    def limited(config: Limit, streams: int) -> Iterator[dg.Output[int]]:
        calls.append((config.limit, streams))
        if config.limit > 3:
            yield dg.Output(streams)

    @dg.asset(ins={"limited": dg.AssetIn(key=["deep", "er", "limited"])})
    def below(limited: int) -> None:
        calls.append("below")

    return dg.Definitions(assets=[awaits, streams, limited, below])


def user_hooks_on_assets(calls: Calls) -> dg.Definitions:
    """An asset with a hook of its own, and an asset job with another."""

    @dg.success_hook
    def well(context: dg.HookContext) -> None:
        calls.append(("well", context.step_key))

    @dg.failure_hook
    def badly(context: dg.HookContext) -> None:
        calls.append(("badly", context.step_key, repr(context.op_exception)))

    @dg.asset
    def good() -> int:
        return 1

    @dg.asset(deps=[good])
    def bad() -> None:
        raise ValueError("no such column: amount")

    job = dg.define_asset_job("watched", [good, bad], hooks={badly}, tags={"team": "data"})
    return dg.Definitions(assets=[good.with_hooks({well}), bad], jobs=[job])


@dg.logger
def quiet(context: dg.InitLoggerContext) -> Any:
    """A logger that says nothing."""
    import logging

    log = logging.getLogger("quiet")
    log.setLevel(logging.CRITICAL)
    return log


def configured(calls: Calls) -> dg.Definitions:
    """Executors and loggers at the top and on jobs, op config, and a job of a graph."""

    @dg.op(config_schema={"n": int}, tags={"dagster/concurrency_key": "db"})
    def count(context: dg.OpExecutionContext) -> int:
        calls.append(context.op_config)
        return context.op_config["n"]

    @dg.graph
    def counting() -> None:
        count()

    @dg.asset(pool="db")
    def pooled() -> None:
        calls.append("pooled")

    run_config = {"ops": {"count": {"config": {"n": 3}}}}
    jobs = [
        counting.to_job("of_graph", config=run_config, executor_def=dg.multiprocess_executor),
        counting.to_job("with_logger", config=run_config, logger_defs={"own": quiet}),
        dg.define_asset_job("pool", [pooled], executor_def=dg.multi_or_in_process_executor),
        dg.define_asset_job("default", [pooled], metadata={"m": 1}, description="d", run_tags={"r": "1"}),
    ]
    return dg.Definitions(
        assets=[pooled],
        jobs=jobs,
        executor=dg.in_process_executor,
        loggers={"quiet": quiet},
        metadata={"owner": "data"},
    )


def automation(calls: Calls) -> dg.Definitions:
    """Schedules and sensors of every kind; some jobs and assets are reachable only through one of them."""

    @dg.op
    def work(context: dg.OpExecutionContext) -> None:
        calls.append(context.job_name)

    def job(name: str) -> dg.JobDefinition:
        return dg.GraphDefinition(name=f"{name}_graph", node_defs=[work]).to_job(name)

    @dg.asset(automation_condition=dg.AutomationCondition.on_cron("@daily"))
    def table() -> int:
        return 1

    @dg.asset
    def hidden() -> int:
        return 2

    listed, scheduled, sensed, first, second = map(job, ("listed", "scheduled", "sensed", "first", "second"))
    requested, after_asset, _ = map(job, ("requested", "after_asset", "after_assets"))
    of_table = dg.define_asset_job("of_table", [table])

    @dg.schedule(job=listed, cron_schedule="@daily", execution_timezone="Europe/Paris", tags={"s": "1"})
    def computed(context: dg.ScheduleEvaluationContext) -> Any:
        return dg.RunRequest("k", tags={"at": str(context.scheduled_execution_time)})

    @dg.sensor(job=sensed, minimum_interval_seconds=7, default_status=dg.DefaultSensorStatus.RUNNING)
    def one_job(context: dg.SensorEvaluationContext) -> Any:
        context.update_cursor("7")
        yield dg.RunRequest("k", tags={"by": "sensor"})

    @dg.sensor(jobs=[first, second, of_table], required_resource_keys={"slack"})
    def three_jobs(context: dg.SensorEvaluationContext) -> Any:
        return [dg.RunRequest(context.resources.slack, job_name=name) for name in ("second", "of_table")]

    @dg.sensor(job_name="listed")
    def by_name() -> Any:
        return dg.RunRequest()

    @dg.sensor(target=[table])
    def of_assets() -> Any:
        return dg.SensorResult(run_requests=[dg.RunRequest(asset_selection=[dg.AssetKey("table")])])

    @dg.sensor(target=hidden)
    def of_hidden() -> Any:
        return dg.SkipReason("not now")

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS, request_job=requested, monitored_jobs=[listed, of_table]
    )
    def on_success(context: dg.RunStatusSensorContext) -> Any:
        return dg.RunRequest(run_key=None)

    @dg.run_failure_sensor(request_jobs=[requested, first])
    def on_failure(context: dg.RunFailureSensorContext) -> Any:
        return dg.SkipReason("said")

    @dg.asset_sensor(asset_key=dg.AssetKey("table"), job=after_asset)
    def on_asset(context: dg.SensorEvaluationContext, event: dg.EventLogEntry) -> Any:
        return dg.RunRequest()

    return dg.Definitions(
        assets=[table],
        jobs=[listed, of_table],
        schedules=[
            computed,
            dg.ScheduleDefinition(job=scheduled, cron_schedule="0 1 * * *", run_config={}, tags={"x": "y"}),
            dg.ScheduleDefinition("names", job_name="listed", cron_schedule=["0 1 * * *", "0 2 * * *"]),
            dg.ScheduleDefinition("of_asset", target=[table], cron_schedule="@daily"),
            dg.ScheduleDefinition("of_selection", target=dg.AssetSelection.all(), cron_schedule="@daily"),
        ],
        sensors=[
            one_job,
            three_jobs,
            by_name,
            of_assets,
            of_hidden,
            on_success,
            on_failure,
            on_asset,
            dg.AutomationConditionSensorDefinition("automation", target="*", run_tags={"a": "1"}),
        ],
        resources={"slack": "#data"},
    )


def _run(job: str = ASSET_JOB, *, success: bool = True, **options: Any) -> Run:
    return Run(job, success, options)


def _days(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


CASES: dict[str, Case] = {
    "graph assets": Case(graph_assets),
    "op job with hooks": Case(op_job_hooks, (_run("nightly", success=False),)),
    "op retries": Case(op_retries, (_run("retried", success=False),)),
    "dynamic outputs": Case(dynamic_outputs, (_run("mapped"), _run())),
    "partitions": Case(
        partitions,
        (
            _run("days", partition_key="2024-01-01"),
            _run("days", partition_key="2024-01-02", tags={"team": "data"}),
            _run("last"),
            _run("months", partition_key="2024-02"),
            _run("shops", partition_key="paris"),
            _run("cells", partition_key=dg.MultiPartitionKey({"month": "2024-02", "shop": "paris"})),
            _run("range", tags=_days("2024-01-02", "2024-01-03")),
        ),
    ),
    "partitioned op job": Case(partitioned_op_job, (_run("load_day", partition_key="2024-01-02"),)),
    "resources": Case(resources, (_run(), _run("satisfied"), _run("unsatisfied"), _run("half"))),
    "asset retries": Case(asset_retries, (_run(success=False),)),
    "sources": Case(sources, (_run("observe"), _run("read"), _run("check")), frozenset({"observed"})),
    "checks": Case(checks, (_run(success=False),)),
    "multi-assets": Case(multi_assets, (_run(), _run("some"))),
    "kinds of functions": Case(
        kinds_of_functions,
        (_run(), _run(run_config={"ops": {"deep__er__limited": {"config": {"limit": 1}}}})),
    ),
    "hooks on assets": Case(user_hooks_on_assets, (_run("watched", success=False),)),
    "configured": Case(
        configured, (_run("of_graph"), _run("with_logger"), _run("pool"), _run("default", tags={"t": "1"}))
    ),
    "automation": Case(automation, (_run(), _run("scheduled"), _run("first"), _run("of_table"))),
}


def job_in_processes() -> dg.JobDefinition:
    """What each process of the multiprocess executor loads for itself: an op job with resources of its own."""
    from phlo_hooks import with_hooks

    @dg.op(required_resource_keys={"base"}, out=dg.DynamicOut())
    def find(context: dg.OpExecutionContext) -> Iterator[dg.DynamicOutput[int]]:
        context.log_event(dg.AssetObservation("found", metadata={"base": context.resources.base}))
        for name in ("a", "b"):
            yield dg.DynamicOutput(1, mapping_key=name)

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
    def grow(context: dg.OpExecutionContext, x: int) -> Iterator[Any]:
        yield dg.AssetMaterialization("grown", partition=context.get_mapping_key())
        if context.retry_number == 0:
            raise ValueError("the first time")
        yield dg.Output(x + 1)

    @dg.job(
        resource_defs={"base": dg.ResourceDefinition.hardcoded_resource("job's base")},
        executor_def=dg.multiprocess_executor,
    )
    def mapped() -> None:
        find().map(grow)

    return with_hooks(dg.Definitions(jobs=[mapped]), plugins=False).resolve_job_def("mapped")
