"""Events of the user's own, sent from within a step.

No `from __future__ import annotations` here: Dagster looks at the annotations of a context.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import (
    Delivery,
    DeliveryMode,
    ExternalEvent,
    HookBusResource,
    HookCorrelation,
    HookFilter,
    HookRegistration,
    Outcome,
    QualityResultEvent,
    TelemetryEvent,
    emit,
    ingestion,
    with_hooks,
)
from phlo_hooks_tests.producers.recording import ASSET_JOB, Gate, Refused, Spy, running, runtime_of

ONLY = HookFilter(event_types={"telemetry.*"})


def metric(name: str = "rows", **fields: Any) -> TelemetryEvent:
    return TelemetryEvent(event_type="telemetry.metric", name=name, value=1, **fields)


def hooked(*assets: Any, checks: Any = (), jobs: Any = (), hooks: Any = ()) -> dg.Definitions:
    defs = dg.Definitions(assets=assets, asset_checks=checks, jobs=jobs)
    return with_hooks(defs, hooks=hooks, plugins=False)


DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")


def from_asset() -> dg.Definitions:
    @dg.asset(key_prefix="raw")
    def orders(context: dg.AssetExecutionContext) -> None:
        emit(context, metric())

    return hooked(orders)


def from_partition() -> dg.Definitions:
    @dg.asset(partitions_def=DAYS)
    def orders(context) -> None:
        emit(context, metric())

    return hooked(orders)


def from_partition_range() -> dg.Definitions:
    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def orders(context) -> None:
        emit(context, metric())

    return hooked(orders)


def from_multi_asset() -> dg.Definitions:
    @dg.multi_asset(specs=[dg.AssetSpec("one"), dg.AssetSpec("two")])
    def both(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        emit(context, metric())
        yield dg.MaterializeResult("one")
        yield dg.MaterializeResult("two")

    return hooked(both)


def from_check() -> dg.Definitions:
    @dg.asset_check(asset="orders")
    def fresh(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        emit(context, metric())
        return dg.AssetCheckResult(passed=True)

    return hooked(checks=[fresh], jobs=[dg.define_asset_job("run", dg.AssetSelection.all_asset_checks())])


def from_checks_of_two_assets() -> dg.Definitions:
    specs = [dg.AssetCheckSpec("fresh", asset="one"), dg.AssetCheckSpec("fresh", asset="two")]

    @dg.multi_asset_check(specs=specs)
    def both(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        emit(context, metric())
        for spec in specs:
            yield dg.AssetCheckResult(passed=True, asset_key=spec.asset_key, check_name=spec.name)

    return hooked(checks=[both], jobs=[dg.define_asset_job("run", dg.AssetSelection.all_asset_checks())])


def from_op() -> dg.Definitions:
    @dg.op
    def work(context: dg.OpExecutionContext) -> None:
        emit(context, metric())

    @dg.job
    def run() -> None:
        work.alias("other")()

    return hooked(jobs=[run])


def from_graph_asset() -> dg.Definitions:
    @dg.op
    def work(context: dg.OpExecutionContext) -> int:
        emit(context, metric())
        return 1

    @dg.graph_asset
    def orders() -> int:
        return work()

    return hooked(orders)


def from_retry() -> dg.Definitions:
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def orders(context: dg.AssetExecutionContext) -> None:
        if context.retry_number == 0:
            raise ValueError("the first time")
        emit(context, metric())

    return hooked(orders)


_RANGE = {
    "dagster/asset_partition_range_start": "2024-01-01",
    "dagster/asset_partition_range_end": "2024-01-02",
}

# What is run, with which options, and the place that the event must have.
PLACES = [
    pytest.param(from_asset, {}, {"step_key": "raw__orders", "asset_key": "raw/orders"}, id="asset"),
    pytest.param(
        from_partition,
        {"partition_key": "2024-01-02"},
        {"step_key": "orders", "asset_key": "orders", "partition_key": "2024-01-02"},
        id="partition",
    ),
    pytest.param(
        from_partition_range,
        {"tags": _RANGE},
        {"step_key": "orders", "asset_key": "orders"},
        id="partition range",
    ),
    pytest.param(from_multi_asset, {}, {"step_key": "both"}, id="multi-asset"),
    pytest.param(
        from_check,
        {"job": "run"},
        {"step_key": "orders_fresh", "asset_key": "orders", "check_name": "fresh"},
        id="check",
    ),
    pytest.param(from_checks_of_two_assets, {"job": "run"}, {"step_key": "both"}, id="checks of two assets"),
    pytest.param(from_op, {"job": "run"}, {"step_key": "other"}, id="op"),
    pytest.param(from_graph_asset, {}, {"step_key": "orders.work", "asset_key": "orders"}, id="graph asset"),
    pytest.param(from_retry, {}, {"step_key": "orders", "asset_key": "orders", "attempt": 2}, id="retry"),
]


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
@pytest.mark.parametrize(("build", "options", "place"), PLACES)
def test_place(build: Callable[[], dg.Definitions], options: dict[str, Any], place: dict[str, Any]) -> None:
    """Run, job, step, attempt, and the asset, check and partition where there is just one, are filled in."""
    with running(build(), options.pop("job", ASSET_JOB), **options) as ran:
        assert ran.result.success
        (event,) = [each for each in ran.events if getattr(each, "name", None) == "rows"]
        run_id = ran.result.run_id
        job = ran.result.job_def.name
    expected = HookCorrelation(
        **{"run_id": run_id, "job_name": job, "correlation_id": run_id, "attempt": 1, **place}
    )
    assert event.correlation == expected
    assert event.asset_key == place.get("asset_key")
    assert event.partition_key == place.get("partition_key")


def test_what_the_event_says_of_its_place_is_kept() -> None:
    """It is about another asset, and says so."""

    @dg.asset
    def orders(context: dg.AssetExecutionContext) -> None:
        emit(context, metric(asset_key="customers"))
        emit(
            context, QualityResultEvent(asset_key="customers", check_name="mine", event_type="quality.result")
        )
        emit(context, ExternalEvent(event_type="shop.opened", correlation=HookCorrelation(trace_id="a" * 32)))

    with running(hooked(orders)) as ran:
        assert ran.one("telemetry.metric", asset_key="customers", step_key="orders")
        assert ran.one("quality.result", asset_key="customers", check_name="mine").run_id == ran.result.run_id
        assert ran.one("shop.opened", trace_id="a" * 32, asset_key="orders")


def test_backfill() -> None:
    """An event of a backfill's run says so."""
    with running(from_asset(), tags={"dagster/backfill": "bf"}) as ran:
        assert ran.one("telemetry.metric").correlation.backfill_id == "bf"


def test_alike_events_are_several() -> None:
    """Each has an id of its own, and what differs only in its name is another thing."""

    @dg.asset
    def orders(context: dg.AssetExecutionContext) -> None:
        for name in ("rows", "rows", "bytes", "rows"):
            emit(context, metric(name))

    with running(hooked(orders)) as ran:
        names = Counter(event.name for event in ran.events if event.event_type == "telemetry.metric")
        ids = {event.event_id for event in ran.events if event.event_type == "telemetry.metric"}
    assert names == {"rows": 3, "bytes": 1}
    assert len(ids) == 4


def test_the_same_step_once_more_is_the_same() -> None:
    """A step whose process died and that is executed anew says what is known: nobody is told twice."""
    spy = Spy()
    hook = spy.hook(filters=ONLY, delivery=DeliveryMode.INLINE)

    @dg.op
    def work(context: dg.OpExecutionContext) -> None:
        emit(context, metric())
        emit(context, metric())
        # As a new process would: it knows nothing of what this one sent.
        runtime_of(defs)._sessions.clear()
        session = runtime_of(defs).session(context.instance, context.run_id)
        deliveries = emit(context, metric())
        assert [each.outcome for each in deliveries] == [Outcome.DUPLICATE]
        assert session is not None

    @dg.job
    def run() -> None:
        work()

    defs = hooked(jobs=[run], hooks=[hook])
    with running(defs, "run") as ran:
        assert ran.result.success
        assert sum(event.event_type == "telemetry.metric" for event in ran.events) == 2
    assert len(spy.events) == 2


def test_a_second_run_is_another_thing() -> None:
    """Ids name the run."""
    ids = set()
    for _ in range(2):
        with running(from_asset()) as ran:
            ids.add(ran.one("telemetry.metric").event_id)
    assert len(ids) == 2


def test_returns_one_delivery_for_each_hook() -> None:
    """Inline hooks were called, queued ones will be."""
    deliveries: list[Delivery] = []

    def inline(event: Any) -> None:
        """Called at once."""

    def queued(event: Any) -> None:
        """Called by the relay."""

    @dg.asset
    def orders(context: dg.AssetExecutionContext) -> None:
        deliveries.extend(emit(context, metric()))

    hooks = [
        HookRegistration("inline", inline, filters=ONLY, delivery=DeliveryMode.INLINE),
        HookRegistration("queued", queued, filters=ONLY),
    ]
    with running(hooked(orders, hooks=hooks)):
        assert sorted(deliveries) == [
            Delivery("definitions.inline", Outcome.DELIVERED),
            Delivery("definitions.queued", Outcome.QUEUED),
        ]


def test_through_the_resource() -> None:
    """An op may ask for the bus instead of importing a function."""

    @dg.asset
    def orders(context: dg.AssetExecutionContext, hooks: HookBusResource) -> None:
        hooks.emit(context, metric())

    with running(hooked(orders)) as ran:
        assert ran.result.success
        assert ran.one("telemetry.metric").asset_key == "orders"


def test_without_a_bus(caplog: pytest.LogCaptureFixture) -> None:
    """A warning says what is missing, and the step goes on."""
    answers: list[Any] = []

    @dg.asset
    def orders(context: dg.AssetExecutionContext) -> None:
        answers.append(emit(context, metric()))

    with dg.DagsterInstance.ephemeral() as instance, caplog.at_level(logging.WARNING, "phlo_hooks"):
        assert dg.materialize([orders], instance=instance).success
    assert answers == [[]]
    (message,) = [each.message for each in caplog.records if each.name == "phlo_hooks.emit"]
    assert "telemetry.metric" in message
    assert "with_hooks()" in message


def test_in_a_unit_test() -> None:
    """An asset called directly, without a run."""

    @dg.asset
    def orders(context: dg.AssetExecutionContext) -> int:
        return len(emit(context, metric()))

    @dg.asset_check(asset=orders)
    def checked(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=emit(context, metric()) == [])

    assert orders(dg.build_asset_context()) == 0
    assert checked(dg.build_asset_check_context()).passed


def test_a_hook_that_refuses() -> None:
    """The step fails with what the hook raised."""
    gate = Gate(refuse=frozenset({("telemetry.metric", "")}))
    after: list[str] = []

    @dg.asset
    def orders(context: dg.AssetExecutionContext) -> None:
        emit(context, metric())
        after.append("reached")

    @dg.asset
    @ingestion
    def beside() -> None:
        """A hook that may raise needs something to stop."""

    with running(hooked(orders, beside, hooks=[gate.hook(filters=ONLY)])) as ran:
        assert not ran.result.success
        assert ran.one("ingestion.end", asset_key="orders").error.error_class == Refused.__name__
    assert after == []
    assert len(gate.events) == 1
