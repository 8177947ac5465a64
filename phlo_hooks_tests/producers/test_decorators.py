"""The decorators change nothing of a function, and give the hooks that may object the chance to.

No `from __future__ import annotations` here: Dagster looks at the annotations of a context.
"""

import asyncio
import inspect
import json
import logging
import textwrap
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import (
    DeliveryMode,
    FailurePolicy,
    HookFilter,
    HookRegistration,
    ingestion,
    publish,
    quality,
    transform,
    with_hooks,
)
from phlo_hooks.errors import ConfigurationError
from phlo_hooks_tests.producers.adversarial import Memory
from phlo_hooks_tests.producers.dagster_log import events_of, snapshot, told
from phlo_hooks_tests.producers.recording import (
    ASSET_JOB,
    Gate,
    Refused,
    Row,
    Spy,
    golden,
    running,
    runtime_of,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

Decorate = Callable[[Any], Any]
Calls = list[Any]
Form = Callable[[Decorate, Calls], dg.Definitions]


class Warehouse(dg.ConfigurableResource):
    """Something that a step needs."""

    url: str = "duckdb:///x"


class Limit(dg.Config):
    """Run config."""

    limit: int = 10


def _defs(calls: Calls, *assets: Any, checks: Any = (), jobs: Any = ()) -> dg.Definitions:
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=jobs,
        resources={"warehouse": Warehouse(), "io_manager": Memory(calls)},
    )


def function(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made():
        calls.append("made")
        return 7

    return _defs(calls, made)


def untyped_context(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["p"]))
    @decorate
    def made(context):
        """Said by the user."""
        calls.append((context.asset_key, context.partition_key))
        context.add_output_metadata({"rows": 3})
        return 7

    return _defs(calls, made)


def typed_context(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset(owners=["team:data"])
    @decorate
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        calls.append(context.retry_number)
        return dg.MaterializeResult(metadata={"dagster/row_count": 3}, data_version=dg.DataVersion("1"))

    return _defs(calls, made)


def with_value(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made(context: dg.AssetExecutionContext):
        return dg.MaterializeResult(value=7, metadata={"x": 1})

    return _defs(calls, made)


def returns_output(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made(context: dg.AssetExecutionContext) -> dg.Output[int]:
        return dg.Output(7, metadata={"rows": 3}, tags={"k": "v"})

    return _defs(calls, made)


def returns_tuple(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made():
        return (1, 2)

    return _defs(calls, made)


def returns_iterator(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made():
        return iter([1, 2])

    return _defs(calls, made)


def coroutine_returns_generator(decorate: Decorate, calls: Calls) -> dg.Definitions:
    def inner() -> Iterator[Any]:
        calls.append("inner")
        yield dg.Output(7)

    @dg.asset
    @decorate
    async def made():
        return inner()

    return _defs(calls, made)


def named_tuple(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.multi_asset(outs={"one": dg.AssetOut(), "two": dg.AssetOut()})
    @decorate
    def made():
        return dg.Output(1, metadata={"x": 1}), 2

    return _defs(calls, made)


def returns_none(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made() -> None:
        calls.append("made")

    return _defs(calls, made)


def generator(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made(context) -> Iterator[Any]:
        calls.append("before")
        yield dg.AssetObservation("made", metadata={"seen": 1})
        yield dg.Output(7)
        calls.append("after")

    return _defs(calls, made)


def returns_generator(decorate: Decorate, calls: Calls) -> dg.Definitions:
    def inner() -> Iterator[Any]:
        calls.append("inner")
        yield dg.MaterializeResult(metadata={"x": 1})

    @dg.asset
    @decorate
    def made():
        return inner()

    return _defs(calls, made)


def coroutine(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    async def made() -> int:
        await asyncio.sleep(0)
        calls.append("awaited")
        return 7

    return _defs(calls, made)


def async_generator(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    async def made(context: dg.AssetExecutionContext):
        await asyncio.sleep(0)
        yield dg.Output(7)
        calls.append("after")

    return _defs(calls, made)


def inputs(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    def upstream() -> int:
        return 3

    @dg.asset
    @decorate
    def made(context: dg.AssetExecutionContext, upstream: int, config: Limit, warehouse: Warehouse) -> int:
        calls.append((upstream, config.limit, warehouse.url))
        return upstream

    return _defs(calls, upstream, made)


def resource_parameter(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    @decorate
    def made(warehouse: dg.ResourceParam[Warehouse]) -> None:
        calls.append(warehouse.url)

    return _defs(calls, made)


STRINGS = """
    from __future__ import annotations
    import dagster as dg

    def make(decorate, calls):
        @dg.asset
        @decorate
        def made(context, up: int) -> dg.MaterializeResult:
            calls.append(up)
            return dg.MaterializeResult(metadata={"x": 1})

        @dg.asset
        def up() -> int:
            return 5

        return made, up
"""


def string_annotations(decorate: Decorate, calls: Calls) -> dg.Definitions:
    space: dict[str, Any] = {}
    exec(textwrap.dedent(STRINGS), space)  # noqa: S102
    return _defs(calls, *space["make"](decorate, calls))


def retried(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    @decorate
    def made(context: dg.AssetExecutionContext) -> int:
        calls.append(context.retry_number)
        if context.retry_number == 0:
            raise ValueError("the first time")
        return 7

    return _defs(calls, made)


def multi_asset_tuple(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.multi_asset(outs={"one": dg.AssetOut(), "two": dg.AssetOut()})
    @decorate
    def made() -> tuple[int, int]:
        return 1, 2

    return _defs(calls, made)


def multi_asset_results(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.multi_asset(specs=[dg.AssetSpec("one"), dg.AssetSpec("two")])
    @decorate
    def made(context: dg.AssetExecutionContext):
        return dg.MaterializeResult("one", metadata={"x": 1}), dg.MaterializeResult("two")

    return _defs(calls, made)


def multi_asset_outputs(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.multi_asset(outs={"one": dg.AssetOut(), "two": dg.AssetOut(is_required=False)}, can_subset=True)
    @decorate
    def made(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield dg.Output(1, "one")
        yield dg.AssetMaterialization("log")

    return _defs(calls, made)


def asset_with_checks(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset(check_specs=[dg.AssetCheckSpec("inside", asset="made")])
    @decorate
    def made() -> dg.MaterializeResult:
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="inside")])

    return _defs(calls, made)


def several_partitions(decorate: Decorate, calls: Calls) -> dg.Definitions:
    days = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")

    @dg.asset(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    @decorate
    def made(context: dg.AssetExecutionContext) -> None:
        calls.append(context.partition_keys)

    job = dg.define_asset_job(
        "days",
        [made],
        tags={
            "dagster/asset_partition_range_start": "2024-01-01",
            "dagster/asset_partition_range_end": "2024-01-02",
        },
    )
    return _defs(calls, made, jobs=[job])


def op_of_graph_asset(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.op
    @decorate
    def first() -> dg.Output[int]:
        return dg.Output(1, metadata={"x": 1})

    @dg.op
    @decorate
    def second(context: dg.OpExecutionContext, x: int) -> int:
        calls.append(x)
        return x + 1

    @dg.graph_asset
    def made() -> int:
        return second(first())

    return _defs(calls, made)


def op_of_job(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.op
    @decorate
    def first(context: dg.OpExecutionContext) -> Iterator[Any]:
        yield dg.AssetMaterialization("log")
        yield dg.Output(1)

    @dg.op
    @decorate
    def second(x: int) -> tuple[int, int]:
        calls.append(x)
        return x, x

    @dg.job
    def made():
        second(first())

    return _defs(calls, jobs=[made])


def check(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset
    def base() -> int:
        return 7

    @dg.asset_check(asset=base)
    @decorate
    def checked(
        context: dg.AssetCheckExecutionContext, base: int, warehouse: Warehouse
    ) -> dg.AssetCheckResult:
        calls.append((base, warehouse.url))
        return dg.AssetCheckResult(passed=True, metadata={"x": 1})

    return _defs(calls, base, checks=[checked])


def check_without_context(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset_check(asset="made")
    @decorate
    def checked():
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)

    return _defs(
        calls, checks=[checked], jobs=[dg.define_asset_job("check", dg.AssetSelection.all_asset_checks())]
    )


def multi_check(decorate: Decorate, calls: Calls) -> dg.Definitions:
    specs = [dg.AssetCheckSpec("one", asset="made"), dg.AssetCheckSpec("two", asset="other")]

    @dg.multi_asset_check(specs=specs)
    @decorate
    def checked() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(passed=True, check_name="one", asset_key="made")
        yield dg.AssetCheckResult(passed=False, check_name="two", asset_key="other")

    return _defs(
        calls, checks=[checked], jobs=[dg.define_asset_job("check", dg.AssetSelection.all_asset_checks())]
    )


def told_of(
    asset: str = "made",
    *phases: tuple[str, str],
    stage: str = "ingestion",
    partition: str = "",
    attempt: int = 1,
) -> list[Row]:
    """Start and successful end of an asset, or the phases that are named."""
    phases = phases or (("start", "started"), ("end", "success"))
    return [Row(f"{stage}.{phase}", asset, "", partition, status, attempt) for phase, status in phases]


def checked(asset: str, name: str, status: str) -> Row:
    return Row("quality.result", asset, name, "", status, 1)


@dataclass(frozen=True)
class Case:
    """A form of function, how it is run, and all that a hook which may object is shown."""

    form: Form
    shown: list[Row]
    job: str = ASSET_JOB
    options: dict[str, Any] = field(default_factory=dict)
    decorate: Decorate = ingestion


FORMS = {
    "function": Case(function, told_of()),
    "untyped context": Case(untyped_context, told_of(partition="p"), options={"partition_key": "p"}),
    "typed context": Case(typed_context, told_of()),
    "value in a result": Case(with_value, told_of()),
    "output": Case(returns_output, told_of()),
    "tuple as a value": Case(returns_tuple, told_of()),
    "iterator as a value": Case(returns_iterator, told_of()),
    "coroutine of a generator": Case(coroutine_returns_generator, told_of()),
    "multi-asset, output in a tuple": Case(named_tuple, [*told_of("one"), *told_of("two")]),
    "nothing": Case(returns_none, told_of()),
    "generator": Case(generator, told_of()),
    "generator of another": Case(returns_generator, told_of()),
    "coroutine": Case(coroutine, told_of()),
    "async generator": Case(async_generator, told_of()),
    "inputs": Case(inputs, told_of(stage="transform"), decorate=transform),
    "resource parameter": Case(resource_parameter, told_of(stage="publish"), decorate=publish),
    "string annotations": Case(string_annotations, told_of(stage="transform"), decorate=transform),
    "retried": Case(
        retried, [*told_of("made", ("start", "started"), ("end", "failure")), *told_of(attempt=2)]
    ),
    "multi-asset, tuple": Case(multi_asset_tuple, [*told_of("one"), *told_of("two")]),
    "multi-asset, results": Case(multi_asset_results, [*told_of("one"), *told_of("two")]),
    "multi-asset, outputs": Case(
        multi_asset_outputs,
        [
            *told_of("one"),
            *told_of("two", ("start", "started"), ("end", "skipped")),
            *told_of("log", ("end", "success")),
        ],
    ),
    "asset with checks": Case(asset_with_checks, [*told_of(), checked("made", "inside", "passed")]),
    "several partitions": Case(
        several_partitions,
        [
            *told_of("made", partition="2024-01-01"),
            *told_of("made", partition="2024-01-02"),
        ],
        "days",
    ),
    "op of a graph asset": Case(op_of_graph_asset, told_of()),
    "check": Case(check, [checked("base", "checked", "passed")], decorate=quality),
    "check without context": Case(
        check_without_context, [checked("made", "checked", "failed WARN")], "check", decorate=quality
    ),
    "multi-check": Case(
        multi_check,
        [checked("made", "one", "passed"), checked("other", "two", "failed ERROR")],
        "check",
        decorate=quality,
    ),
}
EVERY = [pytest.param(case, id=name) for name, case in FORMS.items()]
OF_DECORATED = HookFilter(
    event_types={"ingestion.*", "transform.*", "publish.*", "quality.*"},
    when=lambda event: event.correlation.step_key not in ("upstream", "up", "base"),
)


@dataclass
class Outcome:
    """What a run recorded, and what the user's code saw."""

    success: bool
    told: list[str]
    calls: Calls


def outcome(case: Case, decorate: Decorate, wrap: Callable[[dg.Definitions], dg.Definitions]) -> Outcome:
    """Run a form, decorated or not, on the bus or not."""
    calls: Calls = []
    defs = wrap(case.form(decorate, calls))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def(case.job).execute_in_process(
            instance=instance, run_id=str(uuid.UUID(int=1)), raise_on_error=False, **case.options
        )
        lines = [_without_stacks(line) for line in told(events_of(instance, result.run_id))]
        return Outcome(result.success, lines, calls)


def _without_stacks(line: str) -> str:
    """A wrapped function is one call deeper."""
    return json.dumps(
        json.loads(line, object_hook=lambda item: {**item, "stack": []} if "stack" in item else item)
    )


def undecorated(function: Any) -> Any:
    return function


def hooked(defs: dg.Definitions) -> dg.Definitions:
    return with_hooks(defs, plugins=False)


OP_OF_JOB = Case(op_of_job, [], "made")
ALL_FORMS = [*EVERY, pytest.param(OP_OF_JOB, id="op of a job")]


@pytest.mark.parametrize("case", ALL_FORMS)
def test_same_run(case: Case) -> None:
    """A decorated function does what it did, and Dagster records the same of it."""
    plain = outcome(case, undecorated, undecorated)
    assert plain.success
    assert plain == outcome(case, case.decorate, hooked)


@pytest.mark.parametrize("case", ALL_FORMS)
def test_same_run_without_a_bus(case: Case) -> None:
    """Nor does it need `with_hooks`."""
    assert outcome(case, undecorated, undecorated) == outcome(case, case.decorate, undecorated)


@pytest.mark.parametrize("case", ALL_FORMS)
def test_same_definition(case: Case) -> None:
    """Name, description, inputs, resources, config: Dagster reads the same from the signature."""
    assert snapshot(case.form(undecorated, [])) == snapshot(case.form(case.decorate, []))


@pytest.mark.parametrize("case", EVERY)
def test_shown_once(case: Case) -> None:
    """A hook that may object is called for each event just once, though decorator and step hook see it."""
    gate = Gate()
    defs = with_hooks(case.form(case.decorate, []), hooks=[gate.hook(filters=OF_DECORATED)], plugins=False)
    with running(defs, case.job, **case.options) as ran:
        assert ran.result.success
        assert sorted(case.shown) == golden(gate.events)
        ids = {event.event_id for event in ran.events}
    assert {event.event_id for event in gate.events} <= ids


# A hook that objects


STAGED = [pytest.param(case, id=name) for name, case in FORMS.items() if case.decorate is not quality]


def _stage(case: Case) -> str:
    return case.shown[0].event_type.split(".")[0]


@pytest.mark.parametrize("case", STAGED)
def test_refused_start(case: Case) -> None:
    """The step ends before the function does anything, and its assets have failed with the hook's error."""
    calls: Calls = []
    stage = _stage(case)
    gate = Gate(refuse=frozenset({(f"{stage}.start", "started")}))
    defs = with_hooks(case.form(case.decorate, calls), hooks=[gate.hook(filters=OF_DECORATED)], plugins=False)
    with running(defs, case.job, **case.options) as ran:
        assert not ran.result.success
        assert done(calls) == []
        ends = [each for each in ran.events if each.event_type == f"{stage}.end" and _is_decorated(each)]
        assert {(each.status, each.error.error_class) for each in ends} == {("failure", "Refused")}
        starts = [each for each in ran.events if each.event_type == f"{stage}.start" and _is_decorated(each)]
        assert starts


def is_io(call: Any) -> bool:
    """Whether it is what the IO manager notes."""
    return isinstance(call, tuple) and call[0] == "memory"


def done(calls: Calls) -> Calls:
    """What the function did, and what was stored of it; not what its inputs needed."""
    others = ("upstream", "up", "made.first")
    return [call for call in calls if not (is_io(call) and (call[1] == "in" or call[2][0] in others))]


def _is_decorated(event: Any) -> bool:
    return event.asset_key not in ("upstream", "up", "base")


@pytest.mark.parametrize("case", STAGED)
def test_refused_end(case: Case) -> None:
    """The step fails without this output: nothing is stored of it, and the asset has failed."""
    calls: Calls = []
    stage = _stage(case)
    gate = Gate(refuse=frozenset({(f"{stage}.end", "success")}))
    defs = with_hooks(case.form(case.decorate, calls), hooks=[gate.hook(filters=OF_DECORATED)], plugins=False)
    with running(defs, case.job, **case.options) as ran:
        assert not ran.result.success
        assert [call for call in done(calls) if is_io(call)] == []
        ends = [each for each in ran.events if each.event_type == f"{stage}.end" and _is_decorated(each)]
        assert "success" not in {each.status for each in ends}
        assert ("failure", "Refused") in {
            (each.status, each.error and each.error.error_class) for each in ends
        }


CHECKS = [pytest.param(case, id=name) for name, case in FORMS.items() if case.decorate is quality]


@pytest.mark.parametrize("case", CHECKS)
def test_refused_result(case: Case) -> None:
    """The check's step fails before Dagster records a result, and the check has crashed with the hook's error."""
    gate = Gate(refuse=frozenset({("quality.result", "")}))
    defs = with_hooks(case.form(case.decorate, []), hooks=[gate.hook(filters=OF_DECORATED)], plugins=False)
    with running(defs, case.job) as ran:
        assert not ran.result.success
        told_of_checks = [each for each in ran.events if each.event_type.startswith("quality.")]
        assert {(each.event_type, each.error.error_class) for each in told_of_checks} == {
            ("quality.error", "Refused")
        }


def test_refused_again() -> None:
    """Each attempt of a step is asked anew, under ids of its own, and may pass where the first did not."""
    calls: Calls = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    @ingestion
    def made() -> None:
        calls.append("made")

    asked: list[Any] = []

    def gate(event: Any) -> None:
        asked.append(event)
        if event.correlation.attempt == 1 and event.status == "started":
            raise Refused("not yet")

    only = HookFilter(event_types={"ingestion.*"})
    hook = HookRegistration("gate", gate, filters=only, failure_policy=FailurePolicy.RAISE)
    with running(with_hooks(_defs(calls, made), hooks=[hook], plugins=False)) as ran:
        assert ran.result.success
        assert golden(asked) == sorted(
            [*told_of("made", ("start", "started"), ("end", "failure")), *told_of(attempt=2)]
        )
        assert len({event.event_id for event in asked}) == 4
        assert ran.one("ingestion.end", attempt=1).will_retry is True
    assert calls.count("made") == 1


def test_a_hook_that_only_logs_refuses_nothing() -> None:
    """An exception of a hook with another policy never reaches the step."""
    calls: Calls = []
    gate = Gate(refuse=frozenset({("ingestion.start", "started"), ("ingestion.end", "success")}))
    hooks = [
        HookRegistration(policy, gate, failure_policy=FailurePolicy(policy), delivery=DeliveryMode.INLINE)
        for policy in ("log", "ignore")
    ]
    with running(with_hooks(function(ingestion, calls), hooks=hooks, plugins=False)) as ran:
        assert ran.result.success
    assert "made" in calls


# What a decorator says


SAID = [
    pytest.param(
        ingestion(table="raw.orders"), "ingestion.end", {"table_name": "raw.orders"}, id="ingestion"
    ),
    pytest.param(
        transform(table="marts.orders", tool="sqlmesh"),
        "transform.end",
        {"table_name": "marts.orders", "tool": "sqlmesh"},
        id="transform",
    ),
    pytest.param(transform, "transform.end", {"tool": "dagster"}, id="transform, bare"),
    pytest.param(
        publish(target_system="postgres", tables={"orders": "marts.orders"}),
        "publish.end",
        {"target_system": "postgres", "tables": {"orders": "marts.orders"}},
        id="publish",
    ),
    pytest.param(publish(), "publish.end", {"target_system": None, "tables": {}}, id="publish, bare"),
]


@pytest.mark.parametrize("step_hooks", [True, False], ids=["step hook", "tail"])
@pytest.mark.parametrize(("decorate", "event_type", "fields"), SAID)
def test_what_it_says(decorate: Decorate, event_type: str, fields: dict[str, Any], step_hooks: bool) -> None:
    """It is on the events, also on those of the tail, which never called the function."""
    defs = with_hooks(function(decorate, []), step_hooks=step_hooks, plugins=False)
    with running(defs) as ran:
        if not step_hooks:
            runtime_of(defs).finish(ran.instance, ran.result.run_id)
        event = ran.one(event_type)
        assert fields == {name: getattr(event, name) for name in fields}


# Without Dagster around it


def test_called_in_a_unit_test(caplog: pytest.LogCaptureFixture) -> None:
    """As a team tests its assets: no run, no bus, no word."""

    @dg.asset
    @ingestion(table="raw.orders")
    def made(context: dg.AssetExecutionContext, upstream: int) -> int:
        return upstream + int(context.has_partition_key)

    @dg.asset
    @transform
    async def awaited() -> int:
        return 7

    @dg.multi_asset(specs=[dg.AssetSpec("one")])
    @publish
    def yields() -> Iterator[dg.MaterializeResult]:
        yield dg.MaterializeResult("one")

    @dg.asset_check(asset="made")
    @quality()
    def checked() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    with caplog.at_level(logging.DEBUG, "phlo_hooks"):
        assert made(dg.build_asset_context(), upstream=3) == 3
        assert asyncio.run(awaited()) == 7
        assert [each.asset_key for each in yields()] == [dg.AssetKey("one")]
        assert checked().passed
    assert caplog.messages == []


def test_called_as_a_plain_function() -> None:
    """Beneath no decorator of Dagster's it is the function that it was."""

    @ingestion(table="raw.orders")
    def load(rows: list[int], *, factor: int = 2) -> list[int]:
        """Multiply."""
        return [row * factor for row in rows]

    @transform
    def numbers() -> Iterator[int]:
        yield from (1, 2)

    assert load([1], factor=3) == [3]
    assert list(numbers()) == [1, 2]
    assert (load.__name__, load.__doc__) == ("load", "Multiply.")
    assert list(inspect.signature(load).parameters) == ["rows", "factor"]


def test_without_a_bus_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Somebody who decorates and forgets `with_hooks` should not have to wonder."""
    with dg.DagsterInstance.ephemeral() as instance:
        defs = function(ingestion, [])
        assert defs.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance).success
    assert [message for message in caplog.messages if "with_hooks()" in message]


REFUSED = [
    pytest.param(lambda: ingestion(dg.AssetSpec("a")), id="spec"),
    pytest.param(lambda: publish(dg.asset(function_for_an_asset)), id="above the asset"),
    pytest.param(lambda: transform("raw.orders"), id="forgot the keyword"),
    pytest.param(lambda: quality(Spy), id="class"),
]


def function_for_an_asset() -> None:
    """Nothing."""


@pytest.mark.parametrize("call", REFUSED)
def test_not_on_a_function(call: Callable[[], Any]) -> None:
    """It says where it belongs."""
    with pytest.raises(ConfigurationError, match="put it beneath Dagster's decorator"):
        call()
