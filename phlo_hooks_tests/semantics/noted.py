"""A semantic layer as a Dagster resource, which notes in a file what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from phlo_hooks.assets import AssetGraph
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import memory_host
from phlo_hooks.registration import HookRegistration
from phlo_hooks.semantics import Dimension, Metric, Progress, SemanticModel, Work
from phlo_hooks.semantics.hooks import semantic_hooks
from phlo_hooks.semantics.links import links
from phlo_hooks.semantics.refreshing import refresh_now
from phlo_hooks.semantics.settings import RefreshSettings
from phlo_hooks.state import Host


class NotedLayer(dg.ConfigurableResource, RefreshSettings):
    """Its models are those that assets feed; each has one metric."""

    notes: str
    feeds: dict[str, list[str]]
    looks: int = 0
    broken: list[str] = []

    def get_hooks(self) -> Iterable[HookRegistration]:
        return self.hooks_on(memory_host())

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        return semantic_hooks(self, host, self, timeout=10)

    def check(self, select_assets: Any) -> None:
        """Nothing of it could be wrong."""

    def list_models(self) -> Sequence[SemanticModel]:
        names = sorted({name for names in self.feeds.values() for name in names})
        return [self._model(name) for name in names]

    def _model(self, name: str) -> SemanticModel:
        assets = tuple(key for key, names in self.feeds.items() if name in names)
        url = f"https://layer.example/{name}"
        return SemanticModel(
            name,
            "Made up.",
            dimensions=(Dimension("day", "time", "day"),),
            metrics=(f"{name}_count",),
            assets=assets,
            url=url,
        )

    def get_model(self, name: str) -> SemanticModel:
        return self._model(name)

    def list_metrics(self) -> Sequence[Metric]:
        return [
            Metric(f"{model.name}_count", models=(model.name,), assets=model.assets)
            for model in self.list_models()
        ]

    def models_by_asset(self, assets: AssetGraph) -> Mapping[str, tuple[str, ...]]:
        return {key: tuple(names) for key, names in self.feeds.items()}

    def annotations(self, assets: AssetGraph) -> Mapping[str, str]:
        if "manifest" in self.broken:
            raise ConfigurationError("no manifest")
        return links(self.models_by_asset(assets), {model.name: model for model in self.list_models()})

    def refresh(self, event: HookEvent) -> Progress:
        models = self.models_by_asset(memory_host().assets)[event.correlation.asset_key or ""]
        return refresh_now(self, event, models, poll_every=0.01, give_up_after=5)

    def begin(self, work: Work) -> Progress:
        self._note("begin", work)
        return self._progress(work, self.looks)

    def look(self, work: Work, jobs: Any) -> Progress:
        self._note("look", work)
        return self._progress(work, jobs - 1)

    def _progress(self, work: Work, left: int) -> Progress:
        bad = [each.model for each in work.models if each.model in self.broken]
        if bad:
            return Progress("failed", error=f"{bad[0]} does not compile")
        return (
            Progress("running", left)
            if left > 0
            else Progress("done", metrics=tuple(f"{each.model}_count" for each in work.models))
        )

    def _note(self, what: str, work: Work) -> None:
        models = {
            each.model: each.date_range
            and [each.date_range.start.isoformat(), each.date_range.end.isoformat()]
            for each in work.models
        }
        with Path(self.notes).open("a", encoding="utf-8") as file:
            file.write(
                json.dumps(
                    {
                        "what": what,
                        "models": models,
                        "recompile": work.recompile,
                        "publications": work.publications,
                    }
                )
                + "\n"
            )


def noted(path: Path, what: str = "begin") -> list[dict[str, Any]]:
    """What was asked of a layer."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [each for each in map(json.loads, lines) if each.pop("what") == what]
