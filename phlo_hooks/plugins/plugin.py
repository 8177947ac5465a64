"""The base of a plugin, with the names of Phlo's ADR 0033: a Phlo plugin runs with its imports changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from phlo_hooks.registration import HookRegistration


@dataclass
class PluginMetadata:
    """Who a plugin is. `name` is the first part of its hooks' names."""

    name: str
    version: str
    description: str = ""
    author: str = ""
    license: str = ""
    homepage: str = ""
    tags: list[str] = field(default_factory=list)
    dependencies: list[str] = field(default_factory=list)


class Plugin(ABC):
    """Anything that can be installed beside the project."""

    @property
    @abstractmethod
    def metadata(self) -> PluginMetadata:
        """Who it is."""

    def initialize(self, config: dict[str, Any]) -> None:  # noqa: B027  # optional, as in Phlo
        """Called once, when the plugin is loaded."""

    def cleanup(self) -> None:  # noqa: B027  # optional, as in Phlo
        """Called once, when the process ends."""


class HookPlugin(Plugin):
    """A plugin that has hooks."""

    def get_hooks(self) -> Iterable[HookRegistration]:
        """The hooks; none unless you say so."""
        return []
