"""OpenLineageResource: one hook for what happens, and one for what the definitions say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from pydantic import ConfigDict, Field, PrivateAttr

from phlo_hooks.capabilities.openlineage.activity import is_told
from phlo_hooks.capabilities.openlineage.checks import check_fields, check_page, longest, looked_up, resolved
from phlo_hooks.capabilities.openlineage.namespaces import NamespaceTemplate
from phlo_hooks.errors import MissingExtraError
from phlo_hooks.events import DefinitionsEvent, HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.memory import memory_host
from phlo_hooks.registration import HookRegistration, Ordering
from phlo_hooks.retry import RetryPolicy
from phlo_hooks.state import Host

if TYPE_CHECKING:
    from phlo_hooks.capabilities.openlineage.documents import Documents
    from phlo_hooks.capabilities.openlineage.settings import Settings
    from phlo_hooks.capabilities.openlineage.transports import Outlet, TransportSettings

EVENTS = "events"
DEFINITIONS = "definitions"
EVENT_TYPES = (
    "run.start",
    "run.success",
    "run.failure",
    "run.canceled",
    *(f"{stage}.{phase}" for stage in ("ingestion", "transform", "publish") for phase in ("start", "end")),
    "quality.*",
    "lineage.edges",
    "telemetry.metric",
    "backfill.*",
)
# A backend may be down over a weekend, and lineage is worth waiting for.
_RETRY = RetryPolicy(schedule=(1, 5, 15, 60, 300, 900, *([3600] * 72)))
_MARGIN = 20.0
# Not one for each resource: a lock can be neither copied nor pickled.
_BUILDING = threading.Lock()


class OpenLineageResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Every run, asset attempt and check as OpenLineage events (spec 2-0-2), for any backend.

    They go through the transports of openlineage-python, one after the other for each Dagster run, and are
    queued in the store before: a backend that is down costs neither time nor events.

    Raises:
        ConfigurationError: a field that cannot work, named with what to do about it.
        MissingExtraError: `pip install 'phlo-hooks[openlineage]'`.
    """

    url: str | None = Field(default=None, description="Of the backend, such as http://marquez:5000.")
    endpoint: str | None = Field(default=None, description="Path there; api/v1/lineage by default.")
    api_key: str | None = Field(
        default=None, repr=False, description="Sent as a bearer token. Use dg.EnvVar."
    )
    transport: dict[str, Any] | None = Field(
        default=None,
        repr=False,
        description="As under `transport:` in openlineage.yml; instead of `url`.",
    )
    config_file: str | None = Field(default=None, description="Path of an openlineage.yml.")
    timeout: float = Field(default=10.0, description="Seconds that one request may take.")
    job_namespace: str = Field(
        default="dagster", description="Of jobs; may hold {location}, {group} and {tag:KEY}."
    )
    dataset_namespace: str = Field(
        default="dagster", description="Of datasets whose physical place is not known; the same tokens."
    )
    data_sources: dict[str, str] = Field(
        default={},
        description="Where tables are, by storage kind: {'postgres': 'postgres://db:5432/shop'}.",
    )
    include: str | None = Field(default=None, description="Asset selection: only these are told.")
    exclude: str | None = Field(default=None, description="Asset selection: these are not.")
    runless: str = Field(
        default="run",
        description="What a materialization from outside of a run becomes: a `run`, or a `dataset` event.",
    )
    static_lineage: bool = Field(
        default=False, description="Tell the whole asset graph when the definitions change."
    )
    webserver_url: str | None = Field(default=None, description="Of the Dagster UI, for links.")

    # A validator's message would come with the values that it looked at. A field that is
    # misspelt would be no more than left at its default.
    model_config: ClassVar[ConfigDict] = {"hide_input_in_errors": True, "extra": "forbid"}

    _kept: list[tuple[TransportSettings, Outlet]] = PrivateAttr(default_factory=list)

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        if find_spec("openlineage") is None:
            raise MissingExtraError("openlineage-python", "openlineage")
        check_fields(self)

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """Refuse selections of assets that there are not; see `HostedHookProvider`."""
        for field in ("include", "exclude"):
            selection = getattr(self, field)
            if selection and not isinstance(selection, dg.EnvVar):
                select_assets(selection)

    def get_hooks(self) -> Iterable[HookRegistration]:
        """`events`, and `definitions` where static lineage is wanted."""
        return self.hooks_on(memory_host())

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, with what they remember kept by `host`."""
        handlers = LazyHandlers(self, host)
        yield HookRegistration(
            EVENTS,
            handlers.event,
            filters=HookFilter(event_types=EVENT_TYPES, when=is_told),
            retry=_RETRY,
            timeout=self._patience() + _MARGIN,
            ordering=Ordering.RUN,
        )
        if self.static_lineage:
            yield HookRegistration(
                DEFINITIONS,
                handlers.definitions,
                filters=HookFilter(event_types=DefinitionsEvent.event_types),
                retry=_RETRY,
                timeout=self._patience() + _MARGIN * 2,
            )

    def _patience(self) -> float:
        """Seconds that one event may take: its start and its end, to each transport."""
        return 2 * longest(self.transport or {}, self.timeout)

    def takes(self, select_assets: Callable[[str], frozenset[str]]) -> Callable[[str], bool]:
        """Whether anything is told of an asset."""
        include, exclude = looked_up(self.include, "include"), looked_up(self.exclude, "exclude")
        included = select_assets(include) if include else None
        excluded = select_assets(exclude) if exclude else frozenset()
        return lambda key: (included is None or key in included) and key not in excluded

    def settings(self, host: Host) -> Settings:
        """What the fields come to, in the place where the hooks are called."""
        from phlo_hooks.capabilities.openlineage.datasets import DatasetNaming
        from phlo_hooks.capabilities.openlineage.settings import Settings

        jobs, datasets = self._namespace("job_namespace"), self._namespace("dataset_namespace")
        return Settings(
            jobs,
            DatasetNaming(datasets, resolved(self.data_sources, "data_sources"), host.location),
            host.location,
            self.takes(host.select_assets),
            self.runless,
            self._page(),
            jobs.tag_keys | datasets.tag_keys,
            lambda key: host.assets.asset(key) is not None,
        )

    def _namespace(self, field: str) -> NamespaceTemplate:
        return NamespaceTemplate(looked_up(getattr(self, field), field) or "", field)

    def _page(self) -> str | None:
        url = looked_up(self.webserver_url, "webserver_url")
        check_page(url)
        return url

    def documents(self) -> Documents:
        """What would go out, for who wants to see it; needs no transport."""
        from phlo_hooks.capabilities.openlineage.documents import Documents

        return Documents(looked_up(self.config_file, "config_file"))

    def outlet(self) -> Outlet:
        """Where events go, by what the environment says now. Kept, since it keeps its connections.

        Raises:
            DeliveryError: a variable is not set: nothing is lost until it is.
            ConfigurationError: no transport can be made of what the fields, files and variables say.
        """
        from phlo_hooks.capabilities.openlineage.transports import Outlet, TransportSettings

        settings = TransportSettings(
            url=looked_up(self.url, "url"),
            endpoint=looked_up(self.endpoint, "endpoint"),
            api_key=looked_up(self.api_key, "api_key"),
            transport=resolved(self.transport, "transport"),
            config_file=looked_up(self.config_file, "config_file"),
            timeout=self.timeout,
        )
        with _BUILDING:
            if not self._kept or self._kept[0][0] != settings:
                # What it takes the place of is not closed: another thread may be sending.
                self._kept[:] = [(settings, Outlet(settings))]
            return self._kept[0][1]


class LazyHandlers:
    """The handlers, made when one is first called: until then the client is not imported.

    Args:
        resource: whose they are.
        host: where they are called.
    """

    def __init__(self, resource: OpenLineageResource, host: Host) -> None:
        self._resource, self._host = resource, host

    def event(self, event: HookEvent) -> None:
        """Send what an event comes to."""
        self._sender(event)

    def definitions(self, event: DefinitionsEvent) -> None:
        """Send what has changed in the asset graph."""
        self._graph_sender(event)

    @cached_property
    def _sender(self) -> Callable[[HookEvent], None]:
        from phlo_hooks.capabilities.openlineage.compose import Composer
        from phlo_hooks.capabilities.openlineage.ledger import Ledger
        from phlo_hooks.capabilities.openlineage.sender import Sender

        host = self._host
        composer = Composer(self._resource.settings(host), host.assets)
        return Sender(composer, Ledger.of(host), self._resource.outlet)

    @cached_property
    def _graph_sender(self) -> Callable[[DefinitionsEvent], None]:
        from phlo_hooks.capabilities.openlineage.ledger import Ledger
        from phlo_hooks.capabilities.openlineage.static import Graph, GraphSender

        host = self._host
        ledger = Ledger.of(host)
        graph = Graph(self._resource.settings(host), host.assets, ledger)
        return GraphSender(graph, host.state, self._resource.outlet)
