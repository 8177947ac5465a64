"""The Hook Bus as a Dagster resource."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from phlo_hooks.dispatch import Delivery
from phlo_hooks.events import HookEvent
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.emit import emit
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.secrets import resolved
from phlo_hooks.producers.session import RunSession
from phlo_hooks.producers.watching.limits import Limits, setting

logger = logging.getLogger("phlo_hooks.resources")


class HookBusResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The bus that `with_hooks` puts under the key `hooks`.

    Pass one of your own under that key to change its settings, or to use the bus in an op:

        @dg.op
        def notify(context: dg.OpExecutionContext, hooks: HookBusResource):
            hooks.emit(context, TelemetryEvent(event_type="telemetry.metric", name="rows", value=3))
    """

    store_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the store; left out, it is beside the Dagster instance's own storage.",
    )
    deliver_in_run: bool = Field(
        default=False,
        description="Deliver in the run's process, too, when a step has ended, and a few seconds at the end.",
    )
    retention_days: float | None = Field(
        default=30.0,
        gt=0,
        description="After so many days the tail sensor deletes what is delivered; null keeps it.",
    )
    long_running_after: str | None = Field(
        default="24h",
        description="A run that executes for longer is told as run.long_running: 2h, 90m, or seconds; null: "
        "never. A job's tag phlo/long_running, or else dagster/max_runtime, says it for its own runs.",
    )
    stuck_queued_after: str | None = Field(
        default="30m",
        description="A run that waits in the queue for longer is told as run.stuck, unless it is one of a "
        "backfill's. Null for never.",
    )
    stuck_starting_after: str | None = Field(
        default="10m",
        description="A run whose process does not begin for longer is told as run.stuck. Null for never.",
    )
    _runtime: Runtime | None = PrivateAttr(default=None)

    @field_validator("long_running_after", "stuck_queued_after", "stuck_starting_after", mode="before")
    @classmethod
    def _is_duration(cls, value: Any, info: ValidationInfo) -> Any:
        # What the environment will say, nobody knows yet.
        return value if isinstance(value, dg.EnvVar) else setting(value, info.field_name or "a limit")

    @property
    def limits(self) -> Limits:
        """How long runs may take.

        Raises:
            ConfigurationError: an environment variable that one is to be in has no duration.
        """
        names = ("long_running_after", "stuck_queued_after", "stuck_starting_after")
        return Limits.stated(*((resolved(getattr(self, name)), name) for name in names))

    def emit(self, context: Any, event: HookEvent) -> Sequence[Delivery]:
        """Emit `event` from within a step; see `phlo_hooks.emit`."""
        return emit(context, event)

    def session(self, instance: dg.DagsterInstance, run_id: str) -> RunSession | None:
        """The session of a run that executes in this process; None when there is no such run."""
        return self.runtime.session(instance, run_id)

    @property
    def runtime(self) -> Runtime:
        """What the definitions gave it; on its own, in a test, a bus without hooks."""
        if self._runtime is None:
            self._runtime = Runtime(Catalog(), lambda bus, instance: None, store_url=lambda: self.store_url)
        return self._runtime


@dataclass(frozen=True)
class Options:
    """The arguments of `with_hooks`; see there."""

    hooks: tuple[Any, ...] = ()
    stages: Mapping[str, str] = field(default_factory=dict)
    sensors: bool = True
    step_hooks: bool = True
    plugins: bool = True
    health_check: bool = False
    since: datetime | None = None


class BoundHooks(dg.ResourceDefinition):
    """A `HookBusResource` that knows the definitions it belongs to.

    Args:
        settings: the user's resource, or a default one.
        runtime: the catalogue, hooks and store of the definitions.
        options: what `with_hooks` was told, so that doing it again adds to it.
    """

    def __init__(self, settings: HookBusResource, runtime: Runtime, options: Options) -> None:
        self.settings = settings
        self.runtime = runtime
        self.options = options
        super().__init__(resource_fn=self._start, description="The Hook Bus: records events and calls hooks.")

    def _start(self, context: dg.InitResourceContext) -> HookBusResource:
        bus = self.settings.model_copy()
        bus._runtime = self.runtime  # noqa: SLF001  # the attribute is ours
        self._open_session(context)
        return bus

    def _open_session(self, context: dg.InitResourceContext) -> None:
        """Have the session ready for decorators and `emit`; trouble with it must not fail the run."""
        if context.run is None or context.instance is None:
            return
        run_id = context.run.run_id
        try:
            self.runtime.session(context.instance, run_id)
        except Exception:
            logger.exception("no Hook Bus in run %s: its events are left to the tail sensor", run_id)
