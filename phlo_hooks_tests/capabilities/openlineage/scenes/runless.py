"""What is told of an asset that no step of an asset job made: observations, external reports, ops."""

# Dagster reads the annotations of `context`: they may not be strings here.

import dagster as dg

from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import asset, definitions, table


def observable_source() -> dg.Definitions:
    """A source that is looked at, not made; the job `observe` does, and `report` is made of it."""

    @dg.observable_source_asset
    def feed() -> dg.DataVersion:
        return dg.DataVersion("v7")

    job = dg.define_asset_job("observe", selection=dg.AssetSelection.assets("feed"))
    return definitions(feed, asset("report", ["feed"]), jobs=[job])


def observed_in_a_step() -> dg.Definitions:
    """The step of `report` observes its own input, and itself."""

    @dg.asset(deps=["orders"])
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        context.log_event(dg.AssetObservation("orders", metadata={"dagster/row_count": 3}))
        context.log_event(dg.AssetObservation("report", metadata={"bytes": 99}))
        return dg.MaterializeResult(metadata=table("report"))

    return definitions(asset("orders"), report)


def runless(instance: dg.DagsterInstance, *, partition: str | None = None) -> dg.Definitions:
    """An asset that something outside of Dagster makes, and reports: written, observed and checked. No run.

    Args:
        instance: it is reported there, when this function is called.
        partition: which one was written.
    """
    key = dg.AssetKey(["crm", "accounts"])
    defs = definitions(dg.AssetSpec(key), asset("report", [key]))
    instance.report_runless_asset_event(
        dg.AssetMaterialization(key, metadata=table("accounts", 5), partition=partition)
    )
    instance.report_runless_asset_event(dg.AssetObservation(key, metadata={"seen": 1}, partition=partition))
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(key, check_name="has_rows", passed=True, metadata={"rows": 5})
    )
    return defs


def op_job() -> dg.Definitions:
    """The job `load` of ops, one of which writes two tables and says so; no asset is defined anywhere.

    Of the second table it writes one partition.
    """

    @dg.op
    def write(context: dg.OpExecutionContext) -> int:
        context.log_event(dg.AssetMaterialization("orders", metadata=table("orders")))
        context.log_event(dg.AssetMaterialization(["raw", "events"], partition="2026-01-31"))
        return 3

    @dg.op
    def tell(context: dg.OpExecutionContext, rows: int) -> None:
        context.log.info("%d rows", rows)

    @dg.job(executor_def=dg.in_process_executor)
    def load() -> None:
        tell(write())

    return definitions(jobs=[load])
