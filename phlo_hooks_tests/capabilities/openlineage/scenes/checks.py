"""Checks: what they say of an asset, and what happens when they cannot say it."""

from __future__ import annotations

from typing import Any

import dagster as dg

from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import Broken, asset, definitions, table

_WARN, _ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def several_checks() -> dg.Definitions:
    """Three checks that the asset's own step makes: one passes, one warns, one fails as an error.

    Then the asset is materialized all the same, and its run succeeds.
    """
    names = ("has_rows", "is_fresh", "ids_are_unique")

    @dg.asset(deps=["raw_orders"], check_specs=[dg.AssetCheckSpec(name, asset="orders") for name in names])
    def orders() -> dg.MaterializeResult:
        results = [
            dg.AssetCheckResult(passed=True, check_name="has_rows", metadata={"rows": 3}),
            dg.AssetCheckResult(
                passed=False, check_name="is_fresh", severity=_WARN, description="two days old"
            ),
            dg.AssetCheckResult(
                passed=False,
                check_name="ids_are_unique",
                severity=_ERROR,
                metadata={"column": "id", "expected": 0, "actual": 2},
            ),
        ]
        return dg.MaterializeResult(metadata=table("orders"), check_results=results)

    return definitions(asset("raw_orders"), orders, asset("report", ["orders"]))


def a_standalone_check(*, passes: bool, severity: str = "ERROR", blocking: bool = False) -> dg.Definitions:
    """A check in a step of its own, and the job `only_check`, in which nothing is materialized.

    Args:
        passes: what it says.
        severity: `WARN` or `ERROR`.
        blocking: one that fails as an error stops `report`.
    """

    @dg.asset_check(asset="orders", blocking=blocking, description="Every order has a positive total.")
    def totals() -> dg.AssetCheckResult:
        found: dict[str, Any] = {"expected": 0, "actual": 0 if passes else 2}
        return dg.AssetCheckResult(passed=passes, severity=dg.AssetCheckSeverity[severity], metadata=found)

    only = dg.define_asset_job("only_check", selection=dg.AssetSelection.checks(totals))
    return definitions(asset("orders"), asset("report", ["orders"]), asset_checks=[totals], jobs=[only])


def crashing_check() -> dg.Definitions:
    """A check that raises: it says nothing of the asset, neither that it is good nor that it is not."""

    @dg.asset_check(asset="orders")
    def totals() -> dg.AssetCheckResult:
        raise Broken("the check itself is broken")

    return definitions(asset("orders"), asset_checks=[totals])
