"""What a run is part of: an attempt of its Dagster run, that of its backfill, or of the run it repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phlo_hooks.capabilities.openlineage.activity import Activity, Kind
from phlo_hooks.capabilities.openlineage.facets.own import run_facet
from phlo_hooks.capabilities.openlineage.facets.run import Ancestor, parent_facet
from phlo_hooks.capabilities.openlineage.run_ids import backfill_run_id, dagster_run_id
from phlo_hooks.capabilities.openlineage.settings import Settings
from phlo_hooks.events import HookCorrelation


@dataclass(frozen=True)
class Ancestry:
    """Parents and roots.

    Args:
        settings: how jobs are named.
        run_tags: of the Dagster run.
    """

    settings: Settings
    run_tags: Mapping[str, str]

    def facets(self, activity: Activity) -> dict[str, Any]:
        """`parent`, where there is one, and our own facet with Dagster's coordinates."""
        where = activity.event.correlation
        parent = self._parent(activity.kind, where)
        told = parent_facet(parent, self._root(where) or parent) if parent else {}
        return {**told, **run_facet(activity.event, self.settings.webserver_url)}

    def _parent(self, kind: Kind, where: HookCorrelation) -> Ancestor | None:
        if kind is Kind.BACKFILL or where.run_id is None:
            return None
        if kind is not Kind.JOB:
            return self._run(where.run_id, where)
        if where.backfill_id:
            return self._backfill(where.backfill_id, where)
        return self._run(where.parent_run_id, where) if where.parent_run_id else None

    def _root(self, where: HookCorrelation) -> Ancestor | None:
        if where.backfill_id:
            return self._backfill(where.backfill_id, where)
        return self._run(where.correlation_id, where) if where.correlation_id else None

    def _run(self, run_id: str, where: HookCorrelation) -> Ancestor:
        return dagster_run_id(run_id), self.settings.run_job(where.job_name, self.run_tags)

    def _backfill(self, backfill_id: str, where: HookCorrelation) -> Ancestor:
        return backfill_run_id(backfill_id), self.settings.backfill_job(where.job_name)
