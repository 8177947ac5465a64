"""A dbt project as a semantic layer that follows what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.dbt_semantic_layer.asset_keys import assets_of_models
from phlo_hooks.capabilities.dbt_semantic_layer.catalog import Catalog
from phlo_hooks.capabilities.dbt_semantic_layer.changes import Memory
from phlo_hooks.capabilities.dbt_semantic_layer.names import alike
from phlo_hooks.capabilities.dbt_semantic_layer.project import Project
from phlo_hooks.capabilities.dbt_semantic_layer.verification import Findings, answers, checks_of, verify
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.semantics import Metric, Progress, SemanticModel, Work
from phlo_hooks.semantics.settings import RefreshSettings


class DbtSemanticLayer:
    """A `SemanticLayerProvider` for a dbt project.

    There is nothing to rebuild: MetricFlow asks the tables themselves. A refresh reads dbt's manifest anew,
    tells what has changed in it, and asks for each metric and dimension that is fed, once.

    Args:
        project: the dbt project.
        settings: when it is refreshed.
        memory: of the manifest that was seen last; without one, changes are not told.
        check_metrics: whether metrics are asked for.
        patience: seconds that one step of a refresh may take.
    """

    def __init__(
        self,
        project: Project,
        settings: RefreshSettings,
        *,
        memory: Memory | None = None,
        check_metrics: bool = True,
        patience: float = 60.0,
    ) -> None:
        self._project, self._settings, self._memory = project, settings, memory
        self._check_metrics, self._patience = check_metrics, patience

    def list_models(self) -> Sequence[SemanticModel]:
        """See `SemanticLayerProvider`."""
        return tuple(self._project.catalog().models.values())

    def get_model(self, name: str) -> SemanticModel:
        """See `SemanticLayerProvider`."""
        models = self._project.catalog().models
        if name not in models:
            raise ConfigurationError(f"there is no semantic model {name!r}{alike(name, models)}")
        return models[name]

    def list_metrics(self) -> Sequence[Metric]:
        """See `SemanticLayerProvider`."""
        return tuple(self._project.catalog().metrics.values())

    def models_by_asset(self, assets: AssetGraph) -> Mapping[str, tuple[str, ...]]:
        """See `SemanticLayerProvider`."""
        catalog = self._project.catalog()
        by_model = assets_of_models(catalog.models, catalog.artifacts, self._project.stated, assets)
        keys = sorted({key for found in by_model.values() for key in found})
        return {key: tuple(name for name, found in by_model.items() if key in found) for key in keys}

    def refresh(self, event: HookEvent) -> Progress:
        """See `SemanticLayerProvider`."""
        from phlo_hooks.semantics.refreshing import refresh_now

        key, settings = event.correlation.asset_key or "", self._settings
        models = self._project.models_fed_by(key)
        return refresh_now(
            self, event, models, poll_every=settings.poll_every, give_up_after=settings.give_up_after
        )

    def begin(self, work: Work) -> Progress:
        """Read the manifest, and ask for what is fed; `running` while some of it is left.

        A manifest that cannot be used is a failure, with all that is wrong with it.
        """
        return self._go_on(work, None)

    def look(self, work: Work, jobs: Any) -> Progress:
        """Ask for what is left.

        Args:
            jobs: what was found so far.
        """
        return self._go_on(work, Findings(**jobs))

    def _go_on(self, work: Work, so_far: Findings | None) -> Progress:
        try:
            catalog = self._project.catalog()
            if self._check_metrics:
                self._project.prepare()
        except ConfigurationError as exc:
            return Progress("failed", error=str(exc))
        checks = checks_of(catalog, _names(work)) if self._check_metrics else {}
        findings = so_far or Findings(list(checks))
        findings.left = [what for what in findings.left if what in checks]
        verify(findings, lambda what: answers(self._project, checks[what]), for_seconds=self._patience)
        if findings.left:
            return Progress("running", jobs=asdict(findings))
        return self._ended(work, findings, catalog)

    def _ended(self, work: Work, findings: Findings, catalog: Catalog) -> Progress:
        models = tuple(name for name in _names(work) if name in catalog.models)
        details = {"manifest": catalog.artifacts.digest, **self._changes(catalog), **findings.details()}
        metrics = catalog.metrics_of(models)
        if not findings.broken:
            return Progress("done", refreshed=models, metrics=metrics, details=details)
        said = "; ".join(f"{name}: {error}" for name, error in findings.broken.items())
        return Progress("failed", metrics=metrics, details=details, error=f"cannot be asked for: {said}")

    def _changes(self, catalog: Catalog) -> dict[str, Any]:
        if self._memory is None:
            return {}
        changes = self._memory.changes(catalog)
        self._memory.remember(catalog)
        return {"changes": changes} if changes else {}


def _names(work: Work) -> list[str]:
    return [each.model for each in work.models]
