"""The facets of a job: what it is, who has it, where its code is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openlineage.client.facet_v2 import (
    documentation_job,
    job_type_job,
    ownership_job,
    source_code_location_job,
    sql_job,
    tags_job,
)

from phlo_hooks.assets import AssetInfo, CheckInfo, CodeReference
from phlo_hooks.capabilities.openlineage.activity import Kind
from phlo_hooks.capabilities.openlineage.facets.values import owner_urn
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.urls import link

INTEGRATION = "DAGSTER"
_PAGE = ("https://", "http://")


def job_type(kind: Kind) -> dict[str, Any]:
    """What kind of job it is, and how it is told of."""
    # Each event has all that is known by then: a receiver that reads only the last one misses nothing.
    pattern = job_type_job.EmissionPattern("EVENT_BASED", "ACCUMULATIVE")
    facet = job_type_job.JobTypeJobFacet(
        "BATCH", INTEGRATION, kind.value, emissionPattern=pattern, producer=PRODUCER
    )
    return {"jobType": facet}


def asset_job_facets(asset: AssetInfo, sql: str | None = None, dialect: str | None = None) -> dict[str, Any]:
    """Those of the job that materializes an asset."""
    return {
        **job_type(Kind.ASSET),
        **_documentation(asset.description),
        **_ownership(asset.owners),
        **_code(asset.code_references, asset.code_version),
        **_sql(sql or asset.sql, dialect),
        **_tags(asset.tags),
    }


def check_job_facets(check: CheckInfo | None, owners: Iterable[str]) -> dict[str, Any]:
    """Those of the job that evaluates a check."""
    return {
        **job_type(Kind.CHECK),
        **_documentation(check.description if check else None),
        **_ownership(owners),
    }


def _documentation(description: str | None) -> dict[str, Any]:
    if not description:
        return {}
    return {
        "documentation": documentation_job.DocumentationJobFacet(
            description, "text/markdown", producer=PRODUCER
        )
    }


def _ownership(owners: Iterable[str]) -> dict[str, Any]:
    named = [ownership_job.Owner(owner_urn(owner)) for owner in owners]
    return {"ownership": ownership_job.OwnershipJobFacet(named, producer=PRODUCER)} if named else {}


def _code(references: Iterable[CodeReference], version: str | None) -> dict[str, Any]:
    """The page of a repository, else the file: of several the first."""
    found = sorted(references, key=lambda each: not each.location.startswith(_PAGE))
    where = found[0] if found else CodeReference("")
    page = where.location.startswith(_PAGE)
    url = link(where.location if page else f"file://{where.location}") if found else None
    if url is None:
        return {}
    facet = source_code_location_job.SourceCodeLocationJobFacet(
        "git" if page else "file",
        f"{url}#L{where.line}" if where.line and not page else url,
        path=None if page else where.location,
        version=version,
        producer=PRODUCER,
    )
    return {"sourceCodeLocation": facet}


def _sql(query: str | None, dialect: str | None) -> dict[str, Any]:
    return {"sql": sql_job.SQLJobFacet(query, dialect, producer=PRODUCER)} if query else {}


def _tags(tags: Any) -> dict[str, Any]:
    named = [tags_job.TagsJobFacetFields(key, value or "true", INTEGRATION) for key, value in tags.items()]
    return {"tags": tags_job.TagsJobFacet(named, producer=PRODUCER)} if named else {}
