"""The decorators change nothing of a function, and give the hooks that may object the chance to.

No `from __future__ import annotations` here: Dagster looks at the annotations of a context.
"""

import asyncio
import inspect
import json
import logging
import textwrap
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookFilter, ingestion, publish, quality, transform, with_hooks
from phlo_hooks.errors import ConfigurationError
from phlo_hooks_tests.producers.adversarial import Memory
from phlo_hooks_tests.producers.dagster_log import events_of, snapshot, told
from phlo_hooks_tests.producers.recording import ASSET_JOB, Gate, Refused, Row, Spy, golden, running

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
    async def made(context: dg.AssetExecutionContext) -> AsyncIterator[Any]:
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
    def made() -> int:
        return 7

    @dg.asset_check(asset=made)
    @decorate
    def checked(context: dg.AssetCheckExecutionContext, made: int, warehouse: Warehouse) -> dg.AssetCheckResult:
        calls.append((made, warehouse.url))
        return dg.AssetCheckResult(passed=True, metadata={"x": 1})

    return _defs(calls, made, checks=[checked])


def check_without_context(decorate: Decorate, calls: Calls) -> dg.Definitions:
    @dg.asset_check(asset="made")
    @decorate
    def checked():
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)

    return _defs(calls, checks=[checked], jobs=[dg.define_asset_job("check", dg.AssetSelection.all_asset_checks())])


def multi_check(decorate: Decorate, calls: Calls) -> dg.Definitions:
    specs = [dg.AssetCheckSpec("one", asset="made"), dg.AssetCheckSpec("two", asset="other")]

    @dg.multi_asset_check(specs=specs)
    @decorate
    def checked() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(passed=True, check_name="one", asset_key="made")
        yield dg.AssetCheckResult(passed=False, check_name="two", asset_key="other")

    return _defs(calls, checks=[checked], jobs=[dg.define_asset_job("check", dg.AssetSelection.all_asset_checks())])




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
            *told_of("made", ("start", "started")),
            *told_of("made", ("end", "success"), partition="2024-01-01"),
            *told_of("made", ("end", "success"), partition="2024-01-02"),
        ],
        "days",
    ),
    "op of a graph asset": Case(op_of_graph_asset, told_of()),
    "check": Case(check, [checked("made", "checked", "passed")], decorate=quality),
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
    when=lambda event: event.correlation.step_key != "upstream" and event.correlation.step_key != "up",
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
    return json.dumps(json.loads(line, object_hook=lambda item: {**item, "stack": []} if "stack" in item else item))


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
    defs = with_hooks(
        case.form(case.decorate, []), hooks=[gate.hook(filters=OF_DECORATED)], plugins=False
    )
    with running(defs, case.job, **case.options) as ran:
        assert ran.result.success
        assert sorted(case.shown) == golden(gate.events)
        ids = {event.event_id for event in ran.events}
    assert {event.event_id for event in gate.events} <= ids
