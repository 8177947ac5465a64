"""Our own facets: what Dagster knows and OpenLineage has no facet for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities.openlineage.own_facets import (
    ASSET_KEY,
    RUN_KEY,
    PhloDagsterAssetFacet,
    PhloDagsterRunFacet,
)
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.events import AssetEvent, HookEvent

# What OpenLineage has no state for.
_STATES = frozenset({"skipped", "no_data"})


def asset_facet(
    asset: AssetInfo, event: AssetEvent | None, location: str, webserver_url: str | None
) -> dict[str, Any]:
    """`phlo_dagsterAsset`, with the versions of a materialization if there is one."""
    facet = PhloDagsterAssetFacet(
        asset.key,
        group=asset.group,
        kinds=list(asset.kinds) or None,
        codeLocation=location or None,
        codeVersion=(event.code_version if event else None) or asset.code_version,
        inputVersions=dict(event.input_versions) if event and event.input_versions else None,
        truncated=list(event.truncated) or None if event else None,
        url=_page(webserver_url, "assets", *asset.key.split("/")),
        producer=PRODUCER,
    )
    return {ASSET_KEY: facet}


def run_facet(event: HookEvent, webserver_url: str | None) -> dict[str, Any]:
    """`phlo_dagsterRun`: Dagster's own coordinates; nothing of what happened outside of its runs."""
    where, status = event.correlation, getattr(event, "status", None)
    if where.run_id is None:
        return {}
    facet = PhloDagsterRunFacet(
        where.run_id,
        jobName=where.job_name,
        stepKey=where.step_key,
        attempt=where.attempt,
        partitionKey=where.partition_key,
        backfillId=where.backfill_id,
        launchedBy=getattr(event, "launched_by", None),
        status=status if status in _STATES else None,
        url=_page(webserver_url, "runs", where.run_id),
        producer=PRODUCER,
    )
    return {RUN_KEY: facet}


def _page(webserver_url: str | None, *path: str) -> str | None:
    if not webserver_url:
        return None
    return "/".join((webserver_url.rstrip("/"), *(quote(part, safe="") for part in path)))
