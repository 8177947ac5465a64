"""DbtSemanticLayerResource: semantic models and metrics of a dbt project, checked with each publication."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from pydantic import ConfigDict, Field, PrivateAttr

from phlo_hooks.assets import AssetGraph, NoAssets
from phlo_hooks.capabilities.dbt_semantic_layer.checks import check_fields, looked_up
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import memory_host
from phlo_hooks.registration import HookRegistration
from phlo_hooks.semantics import Metric, Progress, QueryResult, SemanticModel, Work
from phlo_hooks.semantics.hooks import semantic_hooks
from phlo_hooks.semantics.links import links
from phlo_hooks.semantics.settings import RefreshSettings
from phlo_hooks.state import Host

if TYPE_CHECKING:
    from phlo_hooks.capabilities.dbt_semantic_layer.changes import Memory
    from phlo_hooks.capabilities.dbt_semantic_layer.database import Database
    from phlo_hooks.capabilities.dbt_semantic_layer.layer import DbtSemanticLayer
    from phlo_hooks.capabilities.dbt_semantic_layer.project import Project

# A step of a refresh may begin its last query when its time is up, wait for the lock, then for the rows.
_QUERIES_IN_A_STEP = 3
# Not one for each resource: a lock can be neither copied nor pickled.
_BUILDING = threading.Lock()


class DbtSemanticLayerResource(dg.ConfigurableResource, RefreshSettings):  # type: ignore[type-arg]
    """The semantic models and metrics of a dbt project.

    They are read from what dbt writes (`semantic_manifest.json`), listed with the assets that they depend on,
    and queried through MetricFlow. Whenever an asset is published, the metrics that it feeds are asked for
    once: a broken one is told as `semantic.refresh_failed`.

    Raises:
        ConfigurationError: a field that cannot work, named with what to do about it.
        MissingExtraError: `pip install 'phlo-hooks[metricflow]'`.
    """

    project_dir: str | None = Field(default=None, description="The dbt project; its `target` folder is read.")
    manifest: str | None = Field(
        default=None,
        description="Path of semantic_manifest.json, where that is not in the project's `target`. "
        "manifest.json is read beside it.",
    )
    assets: dict[str, list[str]] = Field(
        default={},
        description="Asset keys that a semantic model depends on, in the place of its dbt model's own: "
        "{'orders': ['published/orders']}. `*` stands for anything.",
    )
    profiles_dir: str | None = Field(
        default=None, description="Where profiles.yml is; by default where dbt looks for it."
    )
    target: str | None = Field(default=None, description="Of the profile; by default its own.")
    variables: dict[str, Any] = Field(
        default={}, repr=False, description="As `dbt --vars`, where the profile has some in it."
    )
    database: str | None = Field(
        default=None, description="A DuckDB file that is queried, in the place of what the profile names."
    )
    lock_file: str | None = Field(
        default=None,
        description="A lock file (filelock) that your steps hold while they write the DuckDB file: "
        "queries wait for it.",
    )
    check_metrics: bool = Field(
        default=True,
        description="Ask for each metric and dimension that a published asset feeds, once.",
    )
    timeout: float = Field(
        default=60.0, description="Seconds that a DuckDB query may take, and may wait for the lock file."
    )

    # A validator's message would come with the values that it looked at. A field that is
    # misspelt would be no more than left at its default.
    model_config: ClassVar[ConfigDict] = {"hide_input_in_errors": True, "extra": "forbid"}

    _kept: list[Any] = PrivateAttr(default_factory=list)

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        check_fields(self)

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """Refuse `assets` that there are not; see `HostedHookProvider`."""
        for patterns in self.assets.values():
            for pattern in patterns:
                select_assets(f'key:"{pattern}"')

    def get_hooks(self) -> Iterable[HookRegistration]:
        """`publications`, and `refresh`."""
        return self.hooks_on(memory_host())

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, with what they remember kept by `host`."""
        return semantic_hooks(self.on(host), host, self, timeout=_QUERIES_IN_A_STEP * self.timeout)

    def list_models(self) -> Sequence[SemanticModel]:
        """All semantic models, by name; see `SemanticLayerProvider`."""
        return self._layer().list_models()

    def get_model(self, name: str) -> SemanticModel:
        """One semantic model; see `SemanticLayerProvider`."""
        return self._layer().get_model(name)

    def list_metrics(self) -> Sequence[Metric]:
        """All metrics, by name; see `SemanticLayerProvider`."""
        return self._layer().list_metrics()

    def refresh(self, event: HookEvent) -> Progress:
        """Check now what depends on a published asset; see `SemanticLayerProvider`."""
        return self._layer().refresh(event)

    def models_by_asset(self, assets: AssetGraph) -> Mapping[str, tuple[str, ...]]:
        """The models that each asset feeds; see `SemanticLayerProvider`."""
        return self._layer().models_by_asset(assets)

    def annotations(self, assets: AssetGraph) -> Mapping[str, str]:
        """What each asset feeds, for Dagster's UI; see `AssetAnnotator`."""
        models = {model.name: model for model in self.list_models()}
        return links(self.models_by_asset(assets), models)

    def begin(self, work: Work) -> Progress:
        """Start a refresh; see `SemanticLayerProvider`."""
        return self._layer().begin(work)

    def look(self, work: Work, jobs: Any) -> Progress:
        """See how far a refresh is; see `SemanticLayerProvider`."""
        return self._layer().look(work, jobs)

    def query(
        self,
        metrics: Sequence[str],
        group_by: Sequence[str] = (),
        where: Sequence[str] = (),
        order_by: Sequence[str] = (),
        limit: int | None = None,
    ) -> QueryResult:
        """Ask for metrics.

        Args:
            metrics: names.
            group_by: dimensions and entities, such as `metric_time__month` or `customer__country`.
            where: conditions, such as `{{ Dimension('customer__country') }} = 'DE'`; all must hold. They are
                SQL: take none from strangers.
            order_by: names of the above; `-name` for the largest first.
            limit: rows at most.

        Returns:
            a column for each of `group_by` and `metrics`, in this order, with the database's own values.

        Raises:
            ConfigurationError: a name that there is not, with those alike; or metrics that cannot be asked
                for in this way.
            PermanentError: the database refuses the query.
            DeliveryError: the database cannot be asked now.
        """
        from phlo_hooks.capabilities.dbt_semantic_layer.compiling import MetricQuery

        query = MetricQuery(_texts(metrics), _texts(group_by), _texts(where), _texts(order_by), limit)
        return self._project().query(query)

    def on(self, host: Host) -> DbtSemanticLayer:
        """The layer in the place where its hooks run: it remembers, and knows the assets that there are."""
        from phlo_hooks.capabilities.dbt_semantic_layer.changes import Memory

        return self._layer(self._made(host.assets), Memory(host.state))

    def _layer(self, project: Project | None = None, memory: Memory | None = None) -> DbtSemanticLayer:
        from phlo_hooks.capabilities.dbt_semantic_layer.layer import DbtSemanticLayer

        return DbtSemanticLayer(
            project or self._project(),
            self,
            memory=memory,
            check_metrics=self.check_metrics,
            patience=self.timeout,
        )

    def _project(self) -> Project:
        """Kept, since it keeps what it has read."""
        with _BUILDING:
            if not self._kept:
                self._kept.append(self._made(NoAssets()))
            project: Project = self._kept[0]
            return project

    def _made(self, graph: AssetGraph) -> Project:
        from phlo_hooks.capabilities.dbt_semantic_layer.project import Project

        return Project(self._folder, self._database, self.assets, graph)

    def _folder(self) -> Path:
        manifest = looked_up(self.manifest, "manifest")
        if manifest is not None:
            return Path(manifest).parent
        return Path(looked_up(self.project_dir, "project_dir") or "", "target")

    def _database(self) -> Database:
        from phlo_hooks.capabilities.dbt_semantic_layer.dbt_profile import Profile
        from phlo_hooks.capabilities.dbt_semantic_layer.duckdb_file import DuckDbFile

        lock_file, path = looked_up(self.lock_file, "lock_file"), looked_up(self.database, "database")
        if path is not None:
            return DuckDbFile(path, lock_file, self.timeout)
        project_dir = looked_up(self.project_dir, "project_dir")
        if project_dir is None:
            raise ConfigurationError(
                "DbtSemanticLayerResource has no database to query: give project_dir, for its profile, "
                "or the DuckDB file as database"
            )
        profiles, target = looked_up(self.profiles_dir, "profiles_dir"), looked_up(self.target, "target")
        return Profile(project_dir, profiles, target, self.variables).database(lock_file, self.timeout)


def _texts(given: Sequence[str]) -> tuple[str, ...]:
    """A text alone is one, and not its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
