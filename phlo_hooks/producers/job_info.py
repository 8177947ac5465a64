"""A job as capabilities see it: its ops, what each waits for, and the assets that it makes."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from phlo_hooks.assets import JobInfo, TaskInfo
from phlo_hooks.producers.catalog import key_text, own_tags
from phlo_hooks.producers.dagster_private import op_edges, ops_by_asset, ops_of
from phlo_hooks.redaction import Redactor, redact_keys

# Dagster's own: the job of all assets is there whether anybody wants it or not.
_OWN = "__"


def job_infos(jobs: Iterable[dg.JobDefinition], redactor: Redactor) -> tuple[JobInfo, ...]:
    """The jobs that somebody has defined, by name."""
    defined = (job for job in jobs if not job.name.startswith(_OWN))
    return tuple(_job_info(job, redactor) for job in sorted(defined, key=lambda job: job.name))


def _job_info(job: dg.JobDefinition, redactor: Redactor) -> JobInfo:
    description = redactor.text(job.description) if job.description else None
    tags: dict[str, str] = redactor.value(redact_keys(own_tags(job.tags)))
    return JobInfo(job.name, description, tags, _tasks(job))


def _tasks(job: dg.JobDefinition) -> tuple[TaskInfo, ...]:
    upstream: dict[str, set[str]] = {name: set() for name in ops_of(job)}
    for above, below in op_edges(job):
        upstream[below].add(above)
    assets: dict[str, list[str]] = {}
    for key, name in ops_by_asset(job).items():
        assets.setdefault(name, []).append(key_text(key))
    return tuple(
        TaskInfo(name, tuple(sorted(above)), tuple(sorted(assets.get(name, ()))))
        for name, above in sorted(upstream.items())
    )
