"""Which asset is made of which, and what became of each."""

# Dagster reads the annotations of `context`: they may not be strings here.

import time
from collections.abc import Iterator

import dagster as dg

from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import Broken, asset, definitions, table

# Each of the ten assets with what it is made of.
TEN: dict[str, tuple[str, ...]] = {
    "raw_orders": (),
    "raw_customers": (),
    "raw_products": (),
    "orders": ("raw_orders",),
    "customers": ("raw_customers",),
    "products": ("raw_products",),
    "enriched": ("orders", "customers"),
    "revenue": ("enriched",),
    "report": ("revenue", "products"),
    "export": ("report",),
}
FAILED = "enriched"
NEVER_STARTED = frozenset({"revenue", "report", "export"})
SUCCEEDED = frozenset(TEN) - NEVER_STARTED - {FAILED}

_PATIENCE = 120.0


def ten_assets(*, fails: bool = True) -> dg.Definitions:
    """Ten assets: six succeed, `enriched` fails, the three behind it never start. Or all of them succeed.

    Only one failed: not the ten, and not the three that were never tried.
    """
    broken = {FAILED: "no such table: orders"} if fails else {}
    return definitions(*[asset(name, deps, fails=broken.get(name, "")) for name, deps in TEN.items()])


def external_deps() -> dg.Definitions:
    """`report` is made of an asset that another job makes, one that is declared only, and one known by name only.

    The job `only_report` runs `report` alone, so that none of its inputs is in the run.
    """
    declared = dg.AssetSpec(
        ["crm", "accounts"], metadata={"dagster/uri": "postgresql://crm:5432/crm.accounts"}
    )
    return definitions(
        asset("orders"),
        declared,
        asset("report", [dg.AssetKey("orders"), declared, dg.AssetKey(["legacy", "targets"])]),
        jobs=[dg.define_asset_job("only_report", selection="report")],
    )


def optional_output(*, skips: bool = True) -> dg.Definitions:
    """A multi-asset that yields `always`, and not `sometimes`, in a run that succeeds: nothing has failed."""

    @dg.multi_asset(specs=[dg.AssetSpec("always"), dg.AssetSpec("sometimes", skippable=True)])
    def split() -> Iterator[dg.MaterializeResult]:
        yield dg.MaterializeResult("always", metadata=table("always"))
        if not skips:
            yield dg.MaterializeResult("sometimes", metadata=table("sometimes"))

    return definitions(split, asset("after", ["always"]))


def multi_asset() -> dg.Definitions:
    """One step makes `staged`, and from it `orders` and `refunds`; the job `only_orders` runs a part of it.

    Its three assets have three sets of inputs: `refunds` is not made of `rates`.
    """
    specs = [
        dg.AssetSpec("staged", deps=["source"]),
        dg.AssetSpec("orders", deps=["staged", "rates"]),
        dg.AssetSpec("refunds", deps=["staged"]),
    ]

    @dg.multi_asset(specs=specs, can_subset=True)
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        for spec in specs:
            if spec.key in context.selected_asset_keys:
                yield dg.MaterializeResult(spec.key, metadata=table(spec.key.to_user_string()))

    job = dg.define_asset_job("only_orders", selection=["staged", "orders"])
    return definitions(asset("source"), asset("rates"), load, jobs=[job])


def retried(*, failures: int = 2, max_retries: int = 2) -> dg.Definitions:
    """An asset whose step fails so often before it succeeds; with fewer retries than failures, it never does.

    With the failure after which nothing is tried again, it has failed, and not before.
    """

    @dg.asset(deps=["orders"], retry_policy=dg.RetryPolicy(max_retries=max_retries))
    def flaky(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        if context.retry_number < failures:
            raise Broken(f"attempt {context.retry_number + 1}: connection reset")
        return dg.MaterializeResult(metadata=table("flaky"))

    return definitions(asset("orders"), flaky, asset("after", ["flaky"]))


def still_running() -> dg.Definitions:
    """Two branches at once; `slow` ends well after `quick_broken` has failed, and `after_slow` after that.

    Each step has its own process: run the job `everything` with `dg.execute_job`, made reconstructable. When
    `quick_broken` fails, `slow` and `after_slow` have not: they are still to come.
    """

    @dg.asset(deps=["source"])
    def slow(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        _wait_for_failure(context.instance, context.run_id)
        return dg.MaterializeResult(metadata=table("slow"))

    return definitions(
        asset("source"),
        asset("quick_broken", ["source"], fails="quick to fail"),
        slow,
        asset("after_slow", ["slow"]),
        asset("after_broken", ["quick_broken"]),
        jobs=[dg.define_asset_job("everything")],
        executor=dg.multiprocess_executor.configured({"max_concurrent": 2}),
    )


def _wait_for_failure(instance: dg.DagsterInstance, run_id: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        if time.monotonic() > deadline:
            raise TimeoutError("no step has failed: is each step in a process of its own?")
        time.sleep(0.05)
