"""Hook plugins: what one is, and where those that are installed are found."""

from phlo_hooks.filters import HookFilter
from phlo_hooks.plugins.discovery import ENTRY_POINT_GROUPS, installed_plugins
from phlo_hooks.plugins.plugin import HookPlugin, Plugin, PluginMetadata
from phlo_hooks.registration import (
    AsyncHookHandler,
    DeliveryMode,
    FailurePolicy,
    HookHandler,
    HookProvider,
    HookRegistration,
)

__all__ = [
    "ENTRY_POINT_GROUPS",
    "AsyncHookHandler",
    "DeliveryMode",
    "FailurePolicy",
    "HookFilter",
    "HookHandler",
    "HookPlugin",
    "HookProvider",
    "HookRegistration",
    "Plugin",
    "PluginMetadata",
    "installed_plugins",
]
