"""LightdashResource: its explores and pre-aggregates follow what is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import dagster as dg
from pydantic import ConfigDict, Field, PrivateAttr

from phlo_hooks.assets import AssetGraph
from phlo_hooks.capabilities.lightdash.checks import (
    WHO,
    check_address,
    check_fields,
    check_project,
    check_token,
    looked_up,
)
from phlo_hooks.capabilities.lightdash.client import LightdashClient, project_page
from phlo_hooks.capabilities.lightdash.explores import (
    is_shown,
    metrics,
    model,
    summary,
)
from phlo_hooks.capabilities.lightdash.refreshing import Refresher
from phlo_hooks.envelope import suggest
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.events import HookEvent
from phlo_hooks.memory import memory_host
from phlo_hooks.registration import HookRegistration
from phlo_hooks.rest import RestClient
from phlo_hooks.semantics import Metric, Progress, SemanticModel, Work
from phlo_hooks.semantics.hooks import semantic_hooks
from phlo_hooks.semantics.links import links
from phlo_hooks.semantics.mapping import ModelMapping
from phlo_hooks.semantics.refreshing import refresh_now
from phlo_hooks.semantics.settings import RefreshSettings
from phlo_hooks.state import Host

# Requests that one step may take: an explore with more pre-aggregates than that is rare.
_REQUESTS = 10
# How Lightdash marks the tokens of service accounts.
_SERVICE_ACCOUNT = "ldsvc_"


class LightdashResource(dg.ConfigurableResource, RefreshSettings):  # type: ignore[type-arg]
    """Keeps a Lightdash project up to date with what Dagster publishes: has it compiled when a schema has
    changed, and builds the pre-aggregates of the explores that have new data.

    Raises:
        ConfigurationError: a field that cannot work, named with what to do about it.
    """

    url: str = Field(default="https://app.lightdash.cloud", description="Of Lightdash, without a path.")
    token: str = Field(
        repr=False,
        description="Personal access token, or that of a service account (`ldsvc_…`). Use dg.EnvVar.",
    )
    project: str = Field(description="The project's uuid: what stands behind /projects/ in its URL.")
    explores: dict[str, list[str]] = Field(
        description="The assets of each explore, as keys or patterns: {'orders': ['marts/orders']}."
    )
    pre_aggregates: bool = Field(
        default=True, description="Whether the pre-aggregates of these explores are built anew."
    )
    invalidate_cache: bool = Field(
        default=False, description="Whether Lightdash forgets all cached results of the project, too."
    )
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
        """Refuse explores of assets that there are not; see `HostedHookProvider`."""
        self._keys[:] = [self._mapping.check(select_assets, f"{WHO}: explores")]

    def get_hooks(self) -> Iterable[HookRegistration]:
        """Those that every semantic layer has."""
        return self.hooks_on(memory_host())

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, with what they remember kept by `host`."""
        return semantic_hooks(self, host, self, timeout=self.timeout * _REQUESTS)

    def list_models(self) -> Sequence[SemanticModel]:
        """All explores, by name. Dimensions, measures and metrics are told of those in `explores`: each takes
        a request; `get_model` tells them of any.
        """
        client = self.client()
        found = sorted(filter(is_shown, client.explores()), key=lambda each: str(each["name"]))
        return [self._listed(each, client) for each in found]

    def get_model(self, name: str) -> SemanticModel:
        """One explore.

        Raises:
            ConfigurationError: there is none of this name, or it does not compile.
        """
        client = self.client()
        found = {each["name"]: each for each in client.explores()}
        if name not in found:
            raise ConfigurationError(
                f"Lightdash project {client.project} has no explore {name!r}{suggest(name, sorted(found))}"
            )
        if error := client.errors_of(found[name]):
            raise ConfigurationError(f"explore {name!r} does not compile: {error}")
        return self._model(client.explore(name), client)

    def list_metrics(self) -> Sequence[Metric]:
        """The metrics of the explores in `explores`, by name."""
        client = self.client()
        listed = [each for each in client.explores() if self._is_ours(each)]
        found = [client.explore(each["name"]) for each in listed]
        return metrics((each, self._model(each, client)) for each in found)

    def models_by_asset(self, assets: AssetGraph) -> Mapping[str, tuple[str, ...]]:
        """The explores that each asset feeds."""
        return self._mapping.by_asset(assets.keys())

    def annotations(self, assets: AssetGraph) -> Mapping[str, str]:
        """The explores that each asset feeds, for its page in Dagster's UI; see `AssetAnnotator`."""
        base = self._base()
        pages = {name: SemanticModel(name, url=base and _page(base, name)) for name in self.explores}
        return links(self.models_by_asset(assets), pages)

    def refresh(self, event: HookEvent) -> Progress:
        """Bring up to date, now, the explores that an event's asset feeds, and wait for it."""
        explores = self._mapping.models_of(event.correlation.asset_key or "")
        if not explores:
            return Progress("done", details={"left out": "no explore depends on this asset"})
        return refresh_now(
            self, event, explores, poll_every=self.poll_every, give_up_after=self.give_up_after
        )

    def begin(self, work: Work) -> Progress:
        """Start a refresh.

        Raises:
            DeliveryError: it did not begin; whether to try again is said as for any hook.
        """
        return self._refresher().begin(work)

    def look(self, work: Work, jobs: Any) -> Progress:
        """See how far it is."""
        return self._refresher().look(work, jobs)

    def client(self) -> LightdashClient:
        """By what the environment says now.

        Raises:
            DeliveryError: a variable is not set: nothing is lost until it is.
            ConfigurationError: what a variable holds can never work.
        """
        url, token = looked_up(self.url, "url"), looked_up(self.token, "token")
        project = looked_up(self.project, "project")
        check_address(url)
        check_token(token)
        check_project(project)
        # The scheme that is meant for users refuses service accounts (lightdash/python-sdk#17).
        scheme = "Bearer" if token.startswith(_SERVICE_ACCOUNT) else "ApiKey"
        rest = RestClient(
            url,
            "Lightdash",
            {"authorization": f"{scheme} {token}"},
            self.timeout,
            self.ca_file,
            "lightdash",
        )
        return LightdashClient(rest, project, token)

    @property
    def _mapping(self) -> ModelMapping:
        return ModelMapping(self.explores)

    def _assets(self, explore: str) -> tuple[str, ...]:
        return self._mapping.assets_of(explore, self._keys[0] if self._keys else None)

    def _refresher(self) -> Refresher:
        return Refresher(self.client(), self.pre_aggregates, self.invalidate_cache)

    def _listed(self, explore: Mapping[str, Any], client: LightdashClient) -> SemanticModel:
        if self._is_ours(explore):
            return self._model(client.explore(explore["name"]), client)
        return summary(explore, (), _page(client.base, explore["name"]))

    def _is_ours(self, explore: Mapping[str, Any]) -> bool:
        return explore["name"] in self.explores and not explore.get("errors")

    def _model(self, explore: Mapping[str, Any], client: LightdashClient) -> SemanticModel:
        name = explore["name"]
        return model(explore, self._assets(name), _page(client.base, name))

    def _base(self) -> str | None:
        """Of the project's pages; None where its variables are not set."""
        try:
            url, project = looked_up(self.url, "url"), looked_up(self.project, "project")
            check_address(url)
        except (ConfigurationError, DeliveryError):
            return None
        return project_page(url, project)


def _page(base: str, explore: str) -> str:
    return f"{base}/tables/{quote(explore, safe='')}"
