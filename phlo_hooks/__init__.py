"""phlo-hooks: a Hook Bus for Dagster.

Names that need Dagster, and the event catalogue, are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phlo_hooks.bus import HookBus
    from phlo_hooks.circuit import CircuitBreaker
    from phlo_hooks.dispatch import Delivery, Outcome
    from phlo_hooks.events import (
        AlertEvent,
        AssetHealthEvent,
        BackfillEvent,
        DefinitionsEvent,
        DeploymentEvent,
        DriftEvent,
        ErrorInfo,
        ExternalEvent,
        FreshnessEvent,
        HookCorrelation,
        HookEvent,
        HookStatusEvent,
        IngestionEvent,
        LineageEvent,
        ProfilingEvent,
        PublishEvent,
        QualityResultEvent,
        RunEvent,
        SchemaChangeEvent,
        SemanticEvent,
        ServiceLifecycleEvent,
        TelemetryEvent,
        TickEvent,
        TransformEvent,
    )
    from phlo_hooks.filters import HookFilter
    from phlo_hooks.producers.decorators import ingestion, publish, quality, transform
    from phlo_hooks.producers.emit import emit
    from phlo_hooks.producers.with_hooks import with_hooks
    from phlo_hooks.registration import (
        AsyncHookHandler,
        DeliveryMode,
        FailurePolicy,
        HookHandler,
        HookProvider,
        HookRegistration,
        Ordering,
    )
    from phlo_hooks.resources import HookBusResource
    from phlo_hooks.retry import RetryPolicy

__version__ = "0.1.0"

_HOMES = {
    "phlo_hooks.bus": ("HookBus",),
    "phlo_hooks.circuit": ("CircuitBreaker",),
    "phlo_hooks.dispatch": ("Delivery", "Outcome"),
    "phlo_hooks.events": (
        "AlertEvent",
        "AssetHealthEvent",
        "BackfillEvent",
        "DefinitionsEvent",
        "DeploymentEvent",
        "DriftEvent",
        "ErrorInfo",
        "ExternalEvent",
        "FreshnessEvent",
        "HookCorrelation",
        "HookEvent",
        "HookStatusEvent",
        "IngestionEvent",
        "LineageEvent",
        "ProfilingEvent",
        "PublishEvent",
        "QualityResultEvent",
        "RunEvent",
        "SchemaChangeEvent",
        "SemanticEvent",
        "ServiceLifecycleEvent",
        "TelemetryEvent",
        "TickEvent",
        "TransformEvent",
    ),
    "phlo_hooks.filters": ("HookFilter",),
    "phlo_hooks.producers.decorators": ("ingestion", "publish", "quality", "transform"),
    "phlo_hooks.producers.emit": ("emit",),
    "phlo_hooks.producers.with_hooks": ("with_hooks",),
    "phlo_hooks.registration": (
        "AsyncHookHandler",
        "DeliveryMode",
        "FailurePolicy",
        "HookHandler",
        "HookProvider",
        "HookRegistration",
        "Ordering",
    ),
    "phlo_hooks.resources": ("HookBusResource",),
    "phlo_hooks.retry": ("RetryPolicy",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AlertEvent",
    "AssetHealthEvent",
    "AsyncHookHandler",
    "BackfillEvent",
    "CircuitBreaker",
    "DefinitionsEvent",
    "Delivery",
    "DeliveryMode",
    "DeploymentEvent",
    "DriftEvent",
    "ErrorInfo",
    "ExternalEvent",
    "FailurePolicy",
    "FreshnessEvent",
    "HookBus",
    "HookBusResource",
    "HookCorrelation",
    "HookEvent",
    "HookFilter",
    "HookHandler",
    "HookProvider",
    "HookRegistration",
    "HookStatusEvent",
    "IngestionEvent",
    "LineageEvent",
    "Ordering",
    "Outcome",
    "ProfilingEvent",
    "PublishEvent",
    "QualityResultEvent",
    "RetryPolicy",
    "RunEvent",
    "SchemaChangeEvent",
    "SemanticEvent",
    "ServiceLifecycleEvent",
    "TelemetryEvent",
    "TickEvent",
    "TransformEvent",
    "emit",
    "ingestion",
    "publish",
    "quality",
    "transform",
    "with_hooks",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
