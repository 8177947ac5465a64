"""OpenMetadataResource: a hook each for tables, lineage, quality and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import quote

import dagster as dg
from pydantic import ConfigDict, Field

from phlo_hooks.capabilities.openmetadata.checks import (
    api_url,
    bearer,
    check_fields,
    check_page,
    check_pipeline_service,
    looked_up,
    resolved,
    table_mapping,
)
from phlo_hooks.capabilities.openmetadata.known_tables import KnownTables
from phlo_hooks.capabilities.openmetadata.mapping import mapped
from phlo_hooks.errors import ConfigurationError, DeliveryError
from phlo_hooks.events import DefinitionsEvent, HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.memory import memory_host
from phlo_hooks.registration import HookRegistration, Ordering
from phlo_hooks.retry import RetryPolicy
from phlo_hooks.state import Host

if TYPE_CHECKING:
    from phlo_hooks.assets import AssetGraph
    from phlo_hooks.capabilities.openmetadata.mapping import MappedAsset, TableMapping
    from phlo_hooks.capabilities.openmetadata.setup import Setup
    from phlo_hooks.rest import RestClient

TABLES, LINEAGE, QUALITY, PIPELINES = "tables", "lineage", "quality", "pipelines"
_STAGES = ("ingestion", "transform", "publish")
_STARTS = tuple(f"{stage}.start" for stage in _STAGES)
_ENDS = tuple(f"{stage}.end" for stage in _STAGES)
_CHANGED = DefinitionsEvent.event_types
EVENT_TYPES = {
    TABLES: (*_CHANGED, *_ENDS),
    LINEAGE: (*_CHANGED, *_ENDS, "lineage.edges"),
    QUALITY: (*_CHANGED, "quality.*"),
    PIPELINES: (
        *(*_CHANGED, *_STARTS, *_ENDS),
        *("run.start", "run.success", "run.failure", "run.canceled", "quality.*"),
    ),
}
# A catalog may be down over a weekend, and is behind until it has everything.
_RETRY = RetryPolicy(schedule=(1, 5, 15, 60, 300, 900, *([3600] * 72)))
# Requests that one event may need, one after the other, each as slow as it may be.
_REQUESTS = 4
_MARGIN = 60.0


class OpenMetadataResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Tables, lineage, quality and pipelines in OpenMetadata 1.9 to 2.x, as they are in Dagster.

    What people wrote in OpenMetadata stays; what is the same already is not written again.

    Raises:
        ConfigurationError: a field that cannot work, named with what to do about it.
    """

    url: str = Field(description="Of the server, such as http://openmetadata:8585.")
    token: str = Field(repr=False, description="The JWT of a bot. Use dg.EnvVar.")
    services: dict[str, str] = Field(
        default={},
        description="The database service by storage kind: {'snowflake': 'warehouse', '*': 'lakehouse'}; "
        "with a database, and a schema, for tables that do not say theirs: 'warehouse.shop.public'.",
    )
    mapping: dict[str, str | None] = Field(
        default={},
        description="A table's name by pattern of asset keys, {'raw/*': 'lake.main.{group}.{name}'}; None to "
        "ignore. The first that fits counts.",
    )
    include: str | None = Field(default=None, description="Asset selection: only these are told.")
    exclude: str | None = Field(default=None, description="Asset selection: these are not.")
    create: bool = Field(
        default=True, description="Create services, databases, schemas and tables that are missing."
    )
    service_type: str | None = Field(
        default=None,
        description="Of database services that are created; by default what the storage kind says, else "
        "CustomDatabase.",
    )
    pipeline_service: str = Field(default="dagster", description="The service under which pipelines are.")
    webserver_url: str | None = Field(default=None, description="Of the Dagster UI, for links.")
    lineage: bool = Field(default=True, description="Write table and column lineage.")
    quality: bool = Field(default=True, description="Write checks as test cases, with their results.")
    profiles: bool = Field(default=True, description="Write row counts and column profiles.")
    pipelines: bool = Field(default=True, description="Write jobs as pipelines, with their runs.")
    remove_stale_edges: bool = Field(
        default=False, description="Remove lineage that Dagster wrote and that is no longer so."
    )
    timeout: float = Field(default=10.0, description="Seconds that one request may take.")
    ca_file: str | None = Field(default=None, description="PEM file of a private certificate authority.")

    # A validator's message would come with the values that it looked at. A field that is
    # misspelt would be no more than left at its default.
    model_config: ClassVar[ConfigDict] = {"hide_input_in_errors": True, "extra": "forbid"}

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        check_fields(self)

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """Refuse selections of assets that there are not; see `HostedHookProvider`."""
        for field in ("include", "exclude"):
            selection = getattr(self, field)
            if selection and not isinstance(selection, dg.EnvVar):
                select_assets(selection)

    def get_hooks(self) -> Iterable[HookRegistration]:
        """`tables`, and `lineage`, `quality` and `pipelines` where they are wanted."""
        return self.hooks_on(memory_host())

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, with what they remember kept by `host`."""
        handlers = LazyHandlers(self, host)
        for name in self._wanted():
            yield HookRegistration(
                name,
                getattr(handlers, name),
                filters=HookFilter(event_types=EVENT_TYPES[name]),
                retry=_RETRY,
                timeout=self.timeout * _REQUESTS + _MARGIN,
                ordering=Ordering.RUN if name == PIPELINES else Ordering.ASSET,
            )

    def _wanted(self) -> Iterator[str]:
        yield TABLES
        yield from (name for name in (LINEAGE, QUALITY, PIPELINES) if getattr(self, name))

    def takes(self, select_assets: Callable[[str], frozenset[str]]) -> Callable[[str], bool]:
        """Whether anything is told of an asset."""
        include, exclude = looked_up(self.include, "include"), looked_up(self.exclude, "exclude")
        included = select_assets(include) if include else None
        excluded = select_assets(exclude) if exclude else frozenset()
        return lambda key: (included is None or key in included) and key not in excluded

    def table_mapping(self, host: Host) -> TableMapping:
        """From assets to tables; needs neither the server nor the token.

        Raises:
            DeliveryError: a variable is not set.
            ConfigurationError: what is in it can never be a name.
        """
        known = KnownTables(host.shared or host.state)
        return table_mapping(
            resolved(self.mapping, "mapping"), resolved(self.services, "services"), remembered=known.told
        )

    def mapped(self, host: Host) -> list[MappedAsset]:
        """What each asset of the definitions is mapped to, by key; errors as of `table_mapping`."""
        mapping, takes = self.table_mapping(host), self.takes(host.select_assets)
        return [mapped(key, host.assets, mapping, takes) for key in host.assets.keys()]  # noqa: SIM118  # no mapping

    def annotations(self, assets: AssetGraph) -> Mapping[str, str]:
        """The table of each asset, for its page in Dagster's UI; see `AssetAnnotator`."""
        mapping, page = self.table_mapping(memory_host(assets=assets)), self._pages()
        found = {key: mapping.of(key, assets).fqn for key in assets.keys()}  # noqa: SIM118  # no mapping
        return {key: page(fqn) for key, fqn in found.items() if fqn}

    def _pages(self) -> Callable[[str], str]:
        """A table's name as a link; without one, while the variable that has the address is not set."""
        try:
            base = api_url(looked_up(self.url, "url") or "").removesuffix("/api/v1")
        except (ConfigurationError, DeliveryError):
            return lambda fqn: f"**{fqn}**"
        return lambda fqn: f"[{fqn}]({base}/table/{quote(fqn, safe='')})"

    def setup(self, host: Host, *, dry: bool = False) -> Setup:
        """What the fields come to, in the place where the hooks are called.

        Args:
            host: that place.
            dry: no write is sent, and all of them are noted in `client.changes`.

        Raises:
            DeliveryError: a variable is not set: nothing is lost until it is.
            ConfigurationError: what is in it cannot work.
        """
        from phlo_hooks.capabilities.openmetadata.client import OpenMetadataClient
        from phlo_hooks.capabilities.openmetadata.setup import Setup

        return Setup(
            client=OpenMetadataClient(self._rest(), dry),
            mapping=self.table_mapping(host),
            assets=host.assets,
            state=host.state,
            shared=host.shared or host.state,
            takes=self.takes(host.select_assets),
            pipeline_service=self._pipeline_service(),
            webserver_url=self._page(),
            location=host.location,
            create=self.create,
            remove_stale_edges=self.remove_stale_edges,
            service_type=looked_up(self.service_type, "service_type"),
            profiles=self.profiles,
            pipelines=self.pipelines,
        )

    def _rest(self) -> RestClient:
        from phlo_hooks.rest import RestClient

        return RestClient(
            api_url(looked_up(self.url, "url") or ""),
            "OpenMetadata",
            {"authorization": bearer(looked_up(self.token, "token") or "")},
            self.timeout,
            looked_up(self.ca_file, "ca_file"),
            extra="openmetadata",
        )

    def _pipeline_service(self) -> str:
        name = looked_up(self.pipeline_service, "pipeline_service") or ""
        check_pipeline_service(name)
        return name

    def _page(self) -> str | None:
        url = looked_up(self.webserver_url, "webserver_url")
        check_page(url)
        return url.rstrip("/") if url else None


class Writer(Protocol):
    """One part of what is told: tables, lineage, quality, or pipelines."""

    def handle(self, event: HookEvent) -> None:
        """Deliver one event."""

    def sync(self) -> None:
        """Bring everything up to date that the definitions say."""


class LazyHandlers:
    """The handlers, made when one is first called: until then nothing of them is imported.

    Args:
        resource: whose they are.
        host: where they are called.
    """

    def __init__(self, resource: OpenMetadataResource, host: Host) -> None:
        self._resource, self._host = resource, host
        self._known = KnownTables(host.shared or host.state)

    def tables(self, event: HookEvent) -> None:
        """Write the table that an event is about, or all of them."""
        self._deliver(event, self._tables)

    def lineage(self, event: HookEvent) -> None:
        """Write the lineage that an event is about, or all of it."""
        self._deliver(event, self._lineage)

    def quality(self, event: HookEvent) -> None:
        """Write the check that an event is about, or all of them."""
        self._deliver(event, self._quality)

    def pipelines(self, event: HookEvent) -> None:
        """Write the pipeline that an event is about, or all of them."""
        self._deliver(event, self._pipelines)

    def _deliver(self, event: HookEvent, writer: Writer) -> None:
        self._known.learn(event)
        try:
            writer.handle(event)
        finally:
            # Nobody looks at them here, and a relay lives for weeks.
            self._setup.client.changes.clear()

    @cached_property
    def _setup(self) -> Setup:
        return self._resource.setup(self._host)

    @cached_property
    def _tables(self) -> Writer:
        from phlo_hooks.capabilities.openmetadata.tables.writer import TableWriter

        return TableWriter(self._setup)

    @cached_property
    def _lineage(self) -> Writer:
        from phlo_hooks.capabilities.openmetadata.lineage.writer import LineageWriter

        return LineageWriter(self._setup)

    @cached_property
    def _quality(self) -> Writer:
        from phlo_hooks.capabilities.openmetadata.quality.writer import QualityWriter

        return QualityWriter(self._setup)

    @cached_property
    def _pipelines(self) -> Writer:
        from phlo_hooks.capabilities.openmetadata.pipelines.writer import PipelineWriter

        return PipelineWriter(self._setup)
