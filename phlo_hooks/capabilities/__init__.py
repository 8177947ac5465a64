"""Capabilities: Dagster resources that provide hooks. Each is loaded when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phlo_hooks.capabilities.alerting import AlertingResource
    from phlo_hooks.capabilities.console import ConsoleResource
    from phlo_hooks.capabilities.cube import CubeSemanticLayerResource
    from phlo_hooks.capabilities.dbt_semantic_layer import DbtSemanticLayerResource
    from phlo_hooks.capabilities.file import FileResource
    from phlo_hooks.capabilities.lightdash import LightdashResource
    from phlo_hooks.capabilities.openlineage import OpenLineageResource
    from phlo_hooks.capabilities.openmetadata import OpenMetadataResource
    from phlo_hooks.capabilities.webhook import WebhookEndpoint, WebhookResource

__all__ = [
    "AlertingResource",
    "ConsoleResource",
    "CubeSemanticLayerResource",
    "DbtSemanticLayerResource",
    "FileResource",
    "LightdashResource",
    "OpenLineageResource",
    "OpenMetadataResource",
    "WebhookEndpoint",
    "WebhookResource",
]

_HOMES = {
    "AlertingResource": "phlo_hooks.capabilities.alerting",
    "ConsoleResource": "phlo_hooks.capabilities.console",
    "CubeSemanticLayerResource": "phlo_hooks.capabilities.cube",
    "DbtSemanticLayerResource": "phlo_hooks.capabilities.dbt_semantic_layer",
    "FileResource": "phlo_hooks.capabilities.file",
    "LightdashResource": "phlo_hooks.capabilities.lightdash",
    "OpenLineageResource": "phlo_hooks.capabilities.openlineage",
    "OpenMetadataResource": "phlo_hooks.capabilities.openmetadata",
    "WebhookEndpoint": "phlo_hooks.capabilities.webhook",
    "WebhookResource": "phlo_hooks.capabilities.webhook",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
