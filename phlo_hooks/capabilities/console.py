"""Events as readable lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Literal

import dagster as dg
from pydantic import Field

from phlo_hooks.describe import describe
from phlo_hooks.events import HookEvent
from phlo_hooks.filters import HookFilter
from phlo_hooks.registration import DeliveryMode, HookRegistration


class ConsoleResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Prints one line for each event: time, event, asset, outcome.

    Queued, all lines come out of the process that relays (with `dagster dev`: your terminal). Inline, each
    comes out of the process that emits, and so in the step's own output in the UI.
    """

    event_types: list[str] = Field(
        default=["*"], description="Event types or patterns, such as ingestion.*; all by default."
    )
    stream: Literal["stdout", "stderr"] = Field(default="stdout", description="Where lines go.")
    delivery: Literal["queued", "inline"] = Field(
        default="queued", description="Print from the relay, or from the process that emits."
    )

    def get_hooks(self) -> Iterable[HookRegistration]:
        """One hook, `print`."""
        yield HookRegistration(
            "print",
            self._print,
            filters=HookFilter(event_types=set(self.event_types)),
            delivery=DeliveryMode(self.delivery),
        )

    def _print(self, event: HookEvent) -> None:
        # Looked up each time: whoever captures output replaces the stream.
        print(line(event), file=getattr(sys, self.stream), flush=True)


def line(event: HookEvent) -> str:
    """The event with its local time of day."""
    return f"{event.timestamp.astimezone():%H:%M:%S} {describe(event)}"
