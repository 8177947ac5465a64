"""A cluster that takes every run and finds a place for none."""

from __future__ import annotations

from typing import Any

from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._serdes import ConfigurableClass, ConfigurableClassData


class NeverBegins(RunLauncher, ConfigurableClass):
    """Says that it will launch the run, as Kubernetes does of a pod that no node has room for."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """As Dagster wants it."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It has none."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> NeverBegins:  # noqa: ARG003
        """As Dagster wants it."""
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Do nothing."""

    def terminate(self, run_id: str) -> bool:
        """There is nothing to end."""
        return False
