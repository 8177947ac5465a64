"""Runs definitions for real, gives what is recorded of them to an OpenMetadataResource, and looks into the server.

The events are those that the bus records of real runs. What they come to is remembered in one place for all runs and
syncs of a test, as in the store of a deployment; `deployment` does it with the relay itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookEvent, with_hooks
from phlo_hooks.capabilities.openmetadata import OpenMetadataResource
from phlo_hooks.capabilities.openmetadata.client import Change
from phlo_hooks.capabilities.openmetadata.lineage.writer import LineageWriter
from phlo_hooks.capabilities.openmetadata.pipelines.writer import PipelineWriter
from phlo_hooks.capabilities.openmetadata.setup import Setup
from phlo_hooks.capabilities.openmetadata.tables.writer import TableWriter
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.memory import MemoryState, memory_host
from phlo_hooks.producers.sensor import tick
from phlo_hooks.state import Host
from phlo_hooks_tests.capabilities.openmetadata.seeds import SCHEMA
from phlo_hooks_tests.capabilities.openmetadata.server import STATUS, EdgeView, OpenMetadataServer
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import ASSET_JOB, Spy, runtime_of

QUIET = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:Property `OpDefinition.version` is deprecated:DeprecationWarning"),
]
PAGE = "https://dagster.example.com"


class Broken(Exception):
    """What an asset raises that is meant to fail."""


def fqn(table: str) -> str:
    """The full name of a table of these scenes."""
    return f"{SCHEMA}.{table}"


def columns(*names: str) -> dg.TableSchema:
    """Whole numbers."""
    return dg.TableSchema([dg.TableColumn(name, "INT") for name in names])


def lineage(**columns: tuple[str, str]) -> dg.TableColumnLineage:
    """Each column with the asset and the column that it comes from."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey.from_user_string(asset), column)]
            for name, (asset, column) in columns.items()
        }
    )


def asset(
    name: str, deps: Iterable[str] = (), *, fails: str = "", table: str | None = None, **options: Any
) -> dg.AssetsDefinition:
    """An asset with a table of the columns id and amount.

    Args:
        table: its name, where it is not that of the asset; empty for none.
        fails: the words that it fails with.
        options: of the asset; `metadata` is added to.
    """
    named = name if table is None else table
    stated = {
        **({"dagster/table_name": f"shop.main.{named}"} if named else {}),
        "dagster/column_schema": columns("id", "amount"),
        **options.pop("metadata", {}),
    }

    @dg.asset(
        name=name, deps=[dg.AssetKey.from_user_string(each) for each in deps], metadata=stated, **options
    )
    def made() -> None:
        if fails:
            raise Broken(fails)

    return made


def definitions(*assets: Any, **options: Any) -> dg.Definitions:
    """Definitions whose jobs run in one process."""
    return dg.Definitions(assets=assets, **{"executor": dg.in_process_executor, **options})


@dataclass
class World:
    """A server, and what a deployment remembers of it.

    Args:
        location: the code location.
        fields: of the resource, besides those that are always the same.
    """

    server: OpenMetadataServer
    location: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    state: MemoryState = field(default_factory=MemoryState)
    shared: MemoryState = field(default_factory=MemoryState)

    def resource(self, **fields: Any) -> OpenMetadataResource:
        """That of the deployment."""
        given = {"services": {"*": "warehouse"}, "quality": False, "webserver_url": PAGE, "timeout": 5.0}
        return OpenMetadataResource(
            url=self.server.url, token=self.server.token, **{**given, **self.fields, **fields}
        )

    def run(
        self,
        defs: dg.Definitions,
        job: str = ASSET_JOB,
        *,
        fields: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> list[HookEvent]:
        """Run a job, and tell the hooks what is recorded of it; all its events.

        Args:
            defs: not yet on the bus.
            fields: of the resource.
            options: of `execute_in_process`.
        """
        with recorded(defs) as (hooked, instance, spy):
            run = hooked.resolve_job_def(job).execute_in_process
            run(**{"instance": instance, "raise_on_error": False, **options})
            self.tell(hooked, instance, spy.events, **(fields or {}))
            return spy.events

    def tell(
        self, hooked: dg.Definitions, instance: dg.DagsterInstance, events: Iterable[HookEvent], **fields: Any
    ) -> None:
        """Give events to the hooks that want them, as a relay does."""
        hooks = list(self.resource(**fields).hooks_on(self.host(hooked, instance)))
        for event in events:
            for hook in hooks:
                if hook.filters is None or hook.filters.matches(event):
                    hook.handler(event)  # type: ignore[operator]

    def sync(self, defs: dg.Definitions, *, dry: bool = False, **fields: Any) -> list[Change]:
        """Bring everything up to date that definitions say; the writes."""
        with recorded(defs) as (hooked, instance, _):
            setup = self.setup(hooked, instance, dry=dry, **fields)
            for writer in (TableWriter(setup), LineageWriter(setup), PipelineWriter(setup)):
                writer.sync()
            return list(setup.client.changes)

    def setup(
        self, hooked: dg.Definitions, instance: dg.DagsterInstance, *, dry: bool = False, **fields: Any
    ) -> Setup:
        """What the writers share."""
        return self.resource(**fields).setup(self.host(hooked, instance), dry=dry)

    def host(self, hooked: dg.Definitions, instance: dg.DagsterInstance) -> Host:
        """Where the hooks are called."""
        runtime = runtime_of(hooked)
        return memory_host(
            self.state,
            select_assets=runtime.catalog.select,
            location=self.location,
            assets=runtime.assets(instance),
            shared=self.shared,
        )


@pytest.fixture
def world(server: OpenMetadataServer) -> World:
    """In which nothing has happened yet."""
    return World(server)


@contextmanager
def recorded(defs: dg.Definitions) -> Iterator[tuple[dg.Definitions, dg.DagsterInstance, Spy]]:
    """Definitions on the bus, an instance for their runs, and what is delivered of them."""
    spy = Spy()
    hooked = with_hooks(defs, hooks=[spy.hook()], plugins=False)
    with dg.DagsterInstance.ephemeral() as instance:
        yield hooked, instance, spy


@dataclass
class Deployment:
    """Definitions with the resource, on an instance that remembers."""

    hooked: dg.Definitions
    instance: dg.DagsterInstance

    def run(self, job: str = ASSET_JOB, **options: Any) -> dg.ExecuteInProcessResult:
        """Run a job."""
        return self.hooked.resolve_job_def(job).execute_in_process(
            instance=self.instance, raise_on_error=False, **options
        )

    def tick(self) -> list[str]:
        """What the daemon does; what is not delivered then, and why."""
        tick(self.instance, runtime_of(self.hooked), "")
        return [
            f"{each.event_type} {each.hook} {each.state.value}: {each.last_error}"
            for each in runtime_of(self.hooked).store(self.instance).deliveries()
            if each.state is not DeliveryState.DELIVERED
        ]

    def settle(self, seconds: float = 30.0) -> list[str]:
        """Tick until all is delivered, or so many seconds are over: a retry waits for as long as chance has it."""
        ends = time.monotonic() + seconds
        while (left := self.tick()) and time.monotonic() < ends:
            time.sleep(0.1)
        return left


@contextmanager
def deployment(world: World, defs: dg.Definitions, folder: Path) -> Iterator[Deployment]:
    """Definitions with the resource, with a relay that delivers."""
    both = dg.Definitions.merge(defs, dg.Definitions(resources={"openmetadata": world.resource()}))
    with no_fsync(), dg.instance_for_test(temp_dir=str(folder)) as instance:
        yield Deployment(with_hooks(both, plugins=False), instance)


def edges(server: OpenMetadataServer) -> dict[tuple[str, str], EdgeView]:
    """The lineage between tables, by their names without the schema."""
    return {
        (each.from_fqn.removeprefix(f"{SCHEMA}."), each.to_fqn.removeprefix(f"{SCHEMA}.")): each
        for each in server.edges()
    }


def pairs(edge: EdgeView) -> set[tuple[str, str]]:
    """Its columns: `orders.id` to `report.id`."""
    return {
        (source.removeprefix(f"{SCHEMA}."), entry["toColumn"].removeprefix(f"{SCHEMA}."))
        for entry in edge.details.get("columnsLineage") or []
        for source in entry["fromColumns"]
    }


def runs(server: OpenMetadataServer, pipeline: str) -> list[dict[str, Any]]:
    """The runs of a pipeline, the newest first."""
    return server.series(STATUS, f"dagster.{pipeline}")


def states(run: Mapping[str, Any]) -> dict[str, str]:
    """The state of each task of a run."""
    return {task["name"]: task["executionStatus"] for task in run["taskStatus"]}
