"""The contract between a semantic layer and what keeps it up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from phlo_hooks.assets import AssetGraph, TimeWindow
from phlo_hooks.events import HookEvent
from phlo_hooks.semantics.models import Metric, SemanticModel


@dataclass(frozen=True)
class DateRange:
    """From `start` to before `end`, both aware, and in the partitions' own zone.

    Args:
        timezone: IANA name of the zone.
    """

    start: datetime
    end: datetime
    timezone: str = "UTC"

    @staticmethod
    def of(window: TimeWindow) -> DateRange:
        """The time that a partition is about."""
        zone = ZoneInfo(window.timezone)
        return DateRange(window.start.astimezone(zone), window.end.astimezone(zone), window.timezone)


@dataclass(frozen=True)
class ModelWork:
    """What is new for one model.

    Args:
        assets: keys of the published assets that it depends on.
        date_range: the smallest one with all that is new; None for all of the model.
    """

    model: str
    assets: tuple[str, ...] = ()
    date_range: DateRange | None = None


@dataclass(frozen=True)
class Work:
    """One refresh: as many publications as came together, and no more than they need.

    Args:
        models: what is to be refreshed, by name.
        recompile: whether a schema has changed: first the layer's own model has to be built anew.
        causes: ids of the events, the first few.
        publications: how many there were.
    """

    models: tuple[ModelWork, ...]
    recompile: bool = False
    causes: tuple[str, ...] = ()
    publications: int = 1


@dataclass(frozen=True)
class Progress:
    """How far a refresh is.

    Args:
        state: `running`, `done` or `failed`.
        jobs: what is needed to look again, in JSON's own types.
        refreshed: the models that were; where it is done and says none, all that were to be.
        metrics: the metrics that these feed, where the layer knows.
        details: worth knowing afterwards, such as job ids and counts; no secrets.
        error: why it failed.
    """

    state: Literal["running", "done", "failed"]
    jobs: Any = None
    refreshed: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class QueryResult:
    """What a metric query has given.

    Args:
        columns: their names, in order.
        rows: one tuple each.
        sql: the statement that was run.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    sql: str


@runtime_checkable
class SemanticLayerProvider(Protocol):
    """A semantic layer that follows what is published."""

    def list_models(self) -> Sequence[SemanticModel]:
        """All models, by name.

        Raises:
            ConfigurationError: they cannot be read, or do not fit together.
            DeliveryError: the layer cannot be asked.
        """

    def get_model(self, name: str) -> SemanticModel:
        """One model.

        Raises:
            ConfigurationError: there is none of this name; the message names those that are alike.
        """

    def list_metrics(self) -> Sequence[Metric]:
        """All metrics, by name."""

    def refresh(self, event: HookEvent) -> Progress:
        """Bring up to date, now, what depends on what an event says was published, and wait for it.

        Args:
            event: a `PublishEvent`, or a `SchemaChangeEvent`.
        """

    def models_by_asset(self, assets: AssetGraph) -> Mapping[str, tuple[str, ...]]:
        """The models that each asset feeds, by asset key; without asking the layer over a network."""

    def begin(self, work: Work) -> Progress:
        """Start a refresh; `done` at once where nothing is left to wait for.

        Raises:
            DeliveryError: it did not begin; whether to try again is said as for any hook.
        """

    def look(self, work: Work, jobs: Any) -> Progress:
        """See how far it is.

        Args:
            work: as it was begun.
            jobs: as the last `Progress` gave them.
        """
