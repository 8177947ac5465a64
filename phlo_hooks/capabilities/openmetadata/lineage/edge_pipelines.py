"""The pipelines on edges, each asked for once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phlo_hooks.capabilities.openmetadata.pipelines.entities import PipelineEntities
from phlo_hooks.capabilities.openmetadata.pipelines.plans import Plans
from phlo_hooks.capabilities.openmetadata.setup import Setup

Reference = Mapping[str, Any]


class EdgePipelines:
    """Those of one event, or of one round through all assets.

    Args:
        setup: says whether pipelines are written at all.
        plans: what they are to be.
    """

    def __init__(self, setup: Setup, plans: Plans) -> None:
        self._wanted = setup.pipelines
        self._plans = plans
        self._entities = PipelineEntities(setup)
        self._known: dict[str, Reference | None] = {}

    def of(self, key: str) -> Reference | None:
        """The pipeline that computes an asset; made, where it is missing.

        Returns:
            None where pipelines are not wanted, somebody has deleted it, or it is not there and may not be
            made.
        """
        plan = self._plans.computing(key) if self._wanted else None
        if plan is None:
            return None
        if plan.name not in self._known:
            self._known[plan.name] = self._entities.reference(plan)
        return self._known[plan.name]
