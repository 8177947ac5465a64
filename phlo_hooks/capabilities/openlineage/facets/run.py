"""The facets of a run: what it belongs to, what it is about, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from openlineage.client.facet_v2 import (
    error_message_run,
    job_dependencies_run,
    parent_run,
    processing_engine_run,
    tags_run,
)

from phlo_hooks import __version__
from phlo_hooks.capabilities.openlineage.facets.job import INTEGRATION
from phlo_hooks.capabilities.openlineage.producer import PRODUCER
from phlo_hooks.capabilities.openlineage.settings import JobName
from phlo_hooks.events import ErrorInfo

Ancestor = tuple[str, JobName]


def parent_facet(parent: Ancestor, root: Ancestor) -> dict[str, Any]:
    """What a run is part of.

    Args:
        parent: the run id and the job that it is part of.
        root: those at the very top.
    """
    (run_id, job), (root_id, root_job) = parent, root
    facet = parent_run.ParentRunFacet(
        parent_run.Run(run_id),
        parent_run.Job(*job),
        parent_run.Root(parent_run.RootRun(root_id), parent_run.RootJob(*root_job)),
        producer=PRODUCER,
    )
    return {"parent": facet}


def error_facet(error: ErrorInfo | None) -> dict[str, Any]:
    """The user's own error."""
    if error is None:
        return {}
    facet = error_message_run.ErrorMessageRunFacet(str(error), "PYTHON", error.stack, producer=PRODUCER)
    return {"errorMessage": facet}


@cache
def engine_facet() -> dict[str, Any]:
    """Which Dagster it was."""
    facet = processing_engine_run.ProcessingEngineRunFacet(
        version("dagster"), "dagster", __version__, producer=PRODUCER
    )
    return {"processing_engine": facet}


def tags_facet(tags: Mapping[str, str]) -> dict[str, Any]:
    """The run's tags."""
    named = [tags_run.TagsRunFacetFields(key, value or "true", INTEGRATION) for key, value in tags.items()]
    return {"tags": tags_run.TagsRunFacet(named, producer=PRODUCER)} if named else {}


def dependencies_facet(upstream: Iterable[JobName]) -> dict[str, Any]:
    """The jobs that have to have succeeded before."""
    jobs = [
        job_dependencies_run.JobDependency(
            job_dependencies_run.JobIdentifier(*job),
            dependency_type="IMPLICIT_DEPENDENCY",
            sequence_trigger_rule="FINISH_TO_START",
            status_trigger_rule="EXECUTE_ON_SUCCESS",
        )
        for job in upstream
    ]
    if not jobs:
        return {}
    return {"jobDependencies": job_dependencies_run.JobDependenciesRunFacet(jobs, producer=PRODUCER)}
