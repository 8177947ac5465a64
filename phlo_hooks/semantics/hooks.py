"""The hooks of a semantic layer: one that follows what is published, and one that takes the steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from phlo_hooks.events import HookEvent, QualityResultEvent, SemanticEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.registration import HookRegistration, Ordering
from phlo_hooks.retry import RetryPolicy
from phlo_hooks.semantics.deciding import Decider
from phlo_hooks.semantics.following import Follower
from phlo_hooks.semantics.keeper import Keeper
from phlo_hooks.semantics.provider import SemanticLayerProvider
from phlo_hooks.semantics.settings import RefreshSettings
from phlo_hooks.semantics.sheet import noted
from phlo_hooks.semantics.target import Layer
from phlo_hooks.state import Host

FOLLOW = "publications"
REFRESH = "refresh"
# A layer may be down over a weekend.
_RETRY = RetryPolicy(schedule=(1, 5, 15, 60, 300, 900, *([3600] * 72)))


def semantic_hooks(
    provider: SemanticLayerProvider, host: Host, settings: RefreshSettings, *, timeout: float
) -> Iterable[HookRegistration]:
    """The hooks that keep a layer up to date.

    Args:
        provider: the layer.
        host: where the hooks are called.
        settings: what counts as published, and how long to wait.
        timeout: seconds that one call of the layer may take.
    """
    desk = Desk(provider, host, settings)
    yield HookRegistration(
        FOLLOW,
        desk.follow,
        filters=HookFilter(event_types=_followed(settings), when=_is_of_use),
        retry=_RETRY,
        ordering=Ordering.RUN,
    )
    yield HookRegistration(
        REFRESH,
        desk.refresh,
        filters=HookFilter(event_types={"semantic.due"}),
        retry=_RETRY,
        timeout=timeout + timedelta(seconds=20).total_seconds(),
        not_before=_due,
    )


@dataclass(frozen=True)
class Desk:
    """The handlers.

    Args:
        provider: the layer.
        host: where they are called.
        settings: what counts as published, and how long to wait.
    """

    provider: SemanticLayerProvider
    host: Host
    settings: RefreshSettings

    @property
    def layer(self) -> Layer:
        """Under which name it is told."""
        return Layer(self.host.plugin, self.host.location)

    def follow(self, event: HookEvent) -> None:
        """Note what was published."""
        follower = Follower(self.layer, self.decider, self.settings)
        noted(self.host.state, self.host.clock, lambda sheet: follower.follow(event, sheet))

    def refresh(self, event: SemanticEvent) -> None:
        """Take the step that is due, if it is one of this layer."""
        if (event.layer, event.location) == (self.layer.name, self.layer.location):
            self.keeper().step(event)

    def keeper(self) -> Keeper:
        """Takes the steps."""
        return Keeper(self.layer, self.provider, self.host.state, self.host.clock, self.settings)

    def decider(self) -> Decider:
        """The rules, by what the layer and the definitions say now."""
        assets = self.host.assets
        models = self.provider.models_by_asset(assets)
        return Decider(self.host.plugin, models, assets, tuple(self.settings.stages))


def desk_of(hooks: Iterable[HookRegistration]) -> Desk:
    """The desk of the hooks that `semantic_hooks` gave."""
    (found,) = (hook for hook in hooks if hook.hook_name == REFRESH)
    desk: Desk = cast(Any, found.handler).__self__
    return desk


def _followed(settings: RefreshSettings) -> tuple[str, ...]:
    return (
        *(f"{stage}.end" for stage in settings.stages),
        "quality.*",
        "run.success",
        "run.failure",
        "run.canceled",
        "backfill.end",
        "schema.changed",
    )


def _is_of_use(event: HookEvent) -> bool:
    """Of checks, only those that block decide anything."""
    return not isinstance(event, QualityResultEvent) or bool(event.blocking)


def _due(event: SemanticEvent) -> datetime | None:
    return event.due
