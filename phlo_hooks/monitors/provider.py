"""The monitors as a provider of hooks: those alone that somebody listens to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from phlo_hooks.filters import HookFilter
from phlo_hooks.monitors.health import HealthMonitor
from phlo_hooks.monitors.monitor import Monitor
from phlo_hooks.monitors.schema import SchemaMonitor
from phlo_hooks.monitors.watch import Watch, registration
from phlo_hooks.registration import HookRegistration
from phlo_hooks.state import Host

# The plugin whose hooks they are.
PLUGIN = "phlo_hooks"


class Monitors:
    """A `HostedHookProvider`.

    Args:
        listeners: the filters of all other hooks. A monitor has a hook only where one of them names what it
            emits, by name or by a pattern; `*`, and a filter without event types, want what there is anyway.
    """

    def __init__(self, listeners: Iterable[HookFilter | None]) -> None:
        filters = [each for each in listeners if each]
        every: tuple[Monitor[Any], ...] = (SchemaMonitor(), HealthMonitor())
        self._monitors = [m for m in every if any(each.asks_for(m.emits) for each in filters)]

    def get_hooks(self) -> Iterable[HookRegistration]:
        """Their names, filters and policies, without a place to run."""
        return [registration(each, _nowhere) for each in self._monitors]

    def hooks_on(self, host: Host) -> Iterable[HookRegistration]:
        """The same hooks, with the host's memory."""
        return [registration(each, Watch(each, host.state)) for each in self._monitors]

    def check(self, select_assets: Callable[[str], frozenset[str]]) -> None:
        """Nothing about them could be wrong."""


def _nowhere(events: object) -> None:
    """Stands for the handler until it is known where it runs."""
