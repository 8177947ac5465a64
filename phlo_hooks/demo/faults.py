"""Two ways to break the demo on purpose, so that there are failures to hear of."""

from __future__ import annotations

import os
from enum import Enum

import dagster as dg
from pydantic import Field

from phlo_hooks.errors import ConfigurationError

BREAK_VARIABLE = "PHLO_HOOKS_DEMO_BREAK"


class Fault(str, Enum):
    """What goes wrong."""

    LOAD = "load"
    """The source of raw/flights dies in the middle of the year."""
    MODEL = "model"
    """The dbt model marts/carrier_delays casts text to a number."""

    @classmethod
    def parse(cls, text: Fault | str | None) -> Fault | None:
        """The fault of that name, None for none, or a ConfigurationError that lists the names."""
        if not text:
            return None
        try:
            return cls(text)
        except ValueError:
            known = ", ".join(fault.value for fault in cls)
            message = f"The demo knows no fault {text!r}. Set {BREAK_VARIABLE} to one of: {known}."
            raise ConfigurationError(message) from None


class SourceBrokeOff(RuntimeError):
    """The source stopped answering half-way through the load. It is no bug: it was asked for."""


class FaultSwitch(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Which fault is on. The configuration wins over the environment.

    The environment is read when a step runs, so `PHLO_HOOKS_DEMO_BREAK=load dagster dev` works, and so
    does choosing a fault for one run in the Launchpad.
    """

    broken: str | None = Field(default=None, description=f"load or model; when unset, {BREAK_VARIABLE} says.")

    @property
    def active(self) -> Fault | None:
        """The fault to commit now."""
        return Fault.parse(self.broken or os.environ.get(BREAK_VARIABLE))
