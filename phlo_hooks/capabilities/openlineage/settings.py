"""What an OpenLineageResource was told to do, in the place where it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from phlo_hooks.assets import AssetInfo
from phlo_hooks.capabilities.openlineage.activity import Kind
from phlo_hooks.capabilities.openlineage.datasets import DatasetNaming
from phlo_hooks.capabilities.openlineage.namespaces import NamespaceTemplate


class JobName(NamedTuple):
    """How OpenLineage names a job."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Settings:
    """Where names come from, and what is told.

    Args:
        location: the code location.
        takes: whether anything is told of an asset's runs.
        runless: what a materialization from outside of a run becomes: a `run`, or a `dataset` event.
        webserver_url: of the Dagster UI.
        tag_keys: the run tags that names are made of.
        is_asset: whether there is an asset of this key.
    """

    job_namespace: NamespaceTemplate
    naming: DatasetNaming
    location: str
    takes: Callable[[str], bool]
    runless: str = "run"
    webserver_url: str | None = None
    tag_keys: frozenset[str] = frozenset()
    is_asset: Callable[[str], bool] = lambda key: False

    def job(self, name: str, tags: Mapping[str, str], group: str | None = None) -> JobName:
        """A job of this name.

        Args:
            name: of the job.
            tags: of the run, and of the asset where it is about one.
            group: of the asset.
        """
        return JobName(self.job_namespace.resolve(location=self.location, group=group, tags=tags), name)

    def run_job(self, job_name: str | None, tags: Mapping[str, str]) -> JobName:
        """The job of a Dagster run. It reads and writes nothing itself: one that is called as an asset would
        take from the asset's job, in the backend, what that reads and writes.
        """
        name = job_name or ""
        return self.job(f"{name}.job" if self.is_asset(name) else name, tags)

    def asset_job(self, asset: AssetInfo, run_tags: Mapping[str, str], suffix: str = "") -> JobName:
        """The job that materializes an asset, or, with a suffix, checks it."""
        return self.job(asset.key + suffix, {**run_tags, **asset.tags}, asset.group)

    def backfill_job(self, job_name: str | None) -> JobName:
        """The job that a backfill is a run of; that of assets has a name of Dagster's own, or none.

        Without tags: the backfill's runs have some that it has not. One of assets is told by each code
        location that knows some of them: it is of none, so that all of them name the same job.
        """
        if job_name and not job_name.startswith("__"):
            return self.job(f"{job_name}.backfill", {})
        return JobName(self.job_namespace.resolve(location=""), Kind.BACKFILL.lower())
