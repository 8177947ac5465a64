"""CubeSemanticLayerResource: Cube's pre-aggregations follow what is published."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

import dagster as dg
from pydantic import ConfigDict, Field, PrivateAttr

from phlo_hooks import variables
from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.cube.builds import Plan, plan
from phlo_hooks.capabilities.cube.checks import WHO, check_cube_url, check_fields
from phlo_hooks.capabilities.cube.client import CubeClient
from phlo_hooks.capabilities.cube.jwt import signed
from phlo_hooks.capabilities.cube.meta import Meta, metrics_of, model_of
from phlo_hooks.capabilities.cube.progress import Jobs
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import memory_host
from phlo_hooks.redaction import Redactor
from phlo_hooks.registration import HookRegistration
from phlo_hooks.rest import RestClient
from phlo_hooks.semantics.hooks import semantic_hooks
from phlo_hooks.semantics.links import links
from phlo_hooks.semantics.mapping import ModelMapping
from phlo_hooks.semantics.models import Metric, SemanticModel
from phlo_hooks.semantics.provider import Progress, Work
from phlo_hooks.semantics.refreshing import refresh_now
from phlo_hooks.semantics.settings import RefreshSettings
from phlo_hooks.state import Host

# The data model and a few jobs; each may be asked for again for as long as a request may take.
_REQUESTS = 6


class CubeSemanticLayerResource(dg.ConfigurableResource, RefreshSettings):  # type: ignore[type-arg]
    """Cube's pre-aggregations are built when the assets below them are published, and only then.

    Which cubes depend on which assets is for `models` to say. What is new of a partitioned asset is built as
    a range of dates, and no more of it.

    Raises:
        ConfigurationError: a field that cannot work, named with what to do about it.
    """

    url: str = Field(description="Of Cube, such as http://cube:4000.")
    base_path: str = Field(default="/cubejs-api", description="Of its REST API, below the URL.")
    token: str | None = Field(
        default=None, repr=False, description="A JSON Web Token that Cube takes. Use dg.EnvVar."
    )
    secret: str | None = Field(
        default=None,
        repr=False,
        description="CUBEJS_API_SECRET, to sign short-lived tokens with; instead of `token`. Use dg.EnvVar.",
    )
    models: dict[str, list[str]] = Field(
        description="The assets of each cube or view: keys, or patterns such as `marts/*`."
    )
    contexts: list[dict[str, Any]] = Field(
        default=[{"securityContext": {}}],
        description="Security contexts to build for; the first one is that of the tokens, too.",
    )
    timezones: list[str] = Field(default=["UTC"], description="Time zones to build for: IANA names.")
    timeout: float = Field(default=30.0, description="Seconds that one request may take.")
    ca_file: str | None = Field(default=None, description="PEM file of a private certificate authority.")

    # A validator's message would come with the values that it looked at. A field that is
    # misspelt would be no more than left at its default.
    model_config: ClassVar[ConfigDict] = {"hide_input_in_errors": True, "extra": "forbid"}

    _keys: list[frozenset[str]] = PrivateAttr(default_factory=list)

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        check_fields(self)

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """Refuse models of assets that there are not; see `HostedHookProvider`."""
        self._keys[:] = [self._mapping.check(select_assets, f"{WHO}: models")]

    def get_hooks(self) -> Iterable[HookRegistration]:
        """Those that refresh, of every semantic layer."""
        return self.hooks_on(memory_host())

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, with what they remember kept by `host`."""
        return semantic_hooks(self, host, self, timeout=self.timeout * _REQUESTS)

    def list_models(self) -> list[SemanticModel]:
        """All public cubes and views, by name."""
        meta = self.client().meta()
        return [self._model(meta, name) for name in meta.names]

    def get_model(self, name: str) -> SemanticModel:
        """One cube or view; see `SemanticLayerProvider`."""
        meta = self.client().meta()
        if meta.get(name) is None:
            alike = ", ".join(map(repr, get_close_matches(name, meta.names, n=3) or meta.names))
            raise ConfigurationError(f"Cube has no public cube or view {name!r}: there are {alike or 'none'}")
        return self._model(meta, name)

    def list_metrics(self) -> list[Metric]:
        """The measures of all public cubes and views, by name."""
        found = (metric for cube in self.client().meta().cubes for metric in self._metrics(cube))
        return sorted(found, key=lambda metric: metric.name)

    def refresh(self, event: HookEvent) -> Progress:
        """Build now what depends on what an event says was published, and wait for it."""
        models = self._mapping.models_of(event.correlation.asset_key or getattr(event, "asset_key", "") or "")
        return refresh_now(self, event, models, poll_every=self.poll_every, give_up_after=self.give_up_after)

    def models_by_asset(self, assets: AssetGraph) -> Mapping[str, tuple[str, ...]]:
        """What `models` says, by asset key."""
        return self._mapping.by_asset(assets.keys())

    def annotations(self, assets: AssetGraph) -> Mapping[str, str]:
        """The cubes and views that each asset feeds, for its page in Dagster's UI."""
        return links(self.models_by_asset(assets), {})

    def begin(self, work: Work) -> Progress:
        """Have Cube build what is new; a recompilation needs no more than its data model being asked for.

        Cube compiles its files itself when they change, or `schemaVersion` does, before it answers.
        """
        client = self.client()
        meta = client.meta()
        todo = plan(work.models, meta, self.timezones)
        metrics = [metric.name for model in todo.cubes for metric in self._metrics(meta.get(model) or {})]
        jobs = Jobs(
            {model: list(cubes) for model, cubes in todo.cubes.items()},
            idle=list(todo.idle),
            metrics=sorted(metrics),
        )
        self._post(todo, jobs, client)
        return jobs.progress()

    def look(self, work: Work, jobs: Any) -> Progress:
        """See what Cube has built so far."""
        client = self.client()
        kept = Jobs.kept(jobs)
        kept.note(client.states(kept.tokens))
        return kept.progress()

    def client(self) -> CubeClient:
        """Of Cube, by what the environment says now.

        Raises:
            DeliveryError: a variable is not set: nothing is lost until it is.
        """
        url = self._looked_up("url") or ""
        check_cube_url(url)
        secret, token = self._looked_up("secret"), self._looked_up("token")
        if secret is not None:
            token = signed(self.contexts[0]["securityContext"], secret, time.time())
        headers = {} if token is None else {"authorization": token}
        hidden = [part for each in (secret, token) if each for part in (each, each.rpartition(" ")[2])]
        place = url.rstrip("/") + self.base_path
        rest = RestClient(place, "Cube", headers, self.timeout, self.ca_file, extra="cube", secrets=hidden)
        return CubeClient(rest, Redactor(hidden))

    def _post(self, todo: Plan, jobs: Jobs, client: CubeClient) -> None:
        for build in todo.builds:
            tokens = client.build(build.selector(self.contexts))
            if tokens:
                jobs.posted(build.cubes, tokens)
            elif todo.doubtful.isdisjoint(build.cubes):
                jobs.idle += build.cubes
            else:
                jobs.failed[build.cubes[0]] = (
                    f"{client.name} has no cube or view of this name, or a private one with nothing to "
                    "build: "
                    "correct `models`, or make it public"
                )

    def _looked_up(self, field: str) -> str | None:
        return variables.looked_up(getattr(self, field), f"{WHO}: {field}")

    @property
    def _mapping(self) -> ModelMapping:
        return ModelMapping(self.models)

    def _assets(self, model: str) -> tuple[str, ...]:
        return self._mapping.assets_of(model, self._keys[0] if self._keys else None)

    def _model(self, meta: Meta, name: str) -> SemanticModel:
        return model_of(meta.get(name) or {}, self._assets(name))

    def _metrics(self, cube: Mapping[str, Any]) -> Iterable[Metric]:
        return metrics_of(cube, self._assets(str(cube.get("name"))))
