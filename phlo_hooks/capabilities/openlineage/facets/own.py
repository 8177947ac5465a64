"""Our own facets: what Dagster knows and OpenLineage has no facet for."""

from __future__ import annotations

from typing import Any

from phlo_hooks.assets import AssetInfo
from phlo_hooks.events import AssetEvent, HookEvent


def asset_facet(asset: AssetInfo, event: AssetEvent | None) -> dict[str, Any]:
    """`phlo_dagsterAsset`, with the versions of a materialization if there is one."""
    return {}


def run_facet(event: HookEvent, webserver_url: str | None) -> dict[str, Any]:
    """`phlo_dagsterRun`: Dagster's own coordinates of a run."""
    return {}
