"""Find the plugins that are installed: one try for each, so that a broken one takes no other with it."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from phlo_hooks.plugins.plugin import Plugin
from phlo_hooks.registration import HookProvider

logger = logging.getLogger("phlo_hooks.plugins")

# Ours, and Phlo's own, whose plugins need nothing but other imports.
ENTRY_POINT_GROUPS = ("phlo_hooks.plugins", "phlo.plugins.hooks")


@cache
def installed_plugins() -> tuple[HookProvider, ...]:
    """Every installed plugin that could be loaded, by name; the others are named in the log."""
    found = (point for group in ENTRY_POINT_GROUPS for point in entry_points(group=group))
    loaded = (_load(point) for point in _by_name(found))
    return tuple(plugin for plugin in loaded if plugin is not None)


def _by_name(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    return sorted(points, key=lambda point: point.name)


def _load(point: EntryPoint) -> HookProvider | None:
    try:
        loaded = point.load()
        plugin = loaded() if isinstance(loaded, type) else loaded
        if isinstance(plugin, Plugin):
            plugin.initialize({})
            atexit.register(plugin.cleanup)
    except Exception:
        logger.exception("plugin %s (%s) cannot be loaded; its hooks are left out", point.name, point.value)
        return None
    if not isinstance(plugin, HookProvider):
        logger.error("plugin %s (%s) has no get_hooks(); its hooks are left out", point.name, point.value)
        return None
    return plugin
