"""A resource for the Cube of the tests, and refreshes that are waited for."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from phlo_hooks.capabilities import CubeSemanticLayerResource
from phlo_hooks.semantics import DateRange, ModelWork, Progress, Work
from phlo_hooks_tests.capabilities.cube.server import SECRET, CubeServer

MODELS = {"orders": ["marts/orders"], "customers": ["marts/customers", "raw/*"], "sales": ["marts/*"]}


def layer(server: CubeServer, **fields: Any) -> CubeSemanticLayerResource:
    """Asks this server."""
    known = {"url": server.url, "secret": SECRET, "models": MODELS, "timeout": 20.0}
    return CubeSemanticLayerResource(**{**known, **fields})


def days(start: str, end: str, timezone: str = "UTC") -> DateRange:
    """From the midnight of one day to that of another, in a time zone."""
    first, last = (datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(timezone)) for day in (start, end))
    return DateRange(first, last, timezone)


def work(*models: str | tuple[str, DateRange | None], recompile: bool = False) -> Work:
    """What is new for these models."""
    named = [(each, None) if isinstance(each, str) else each for each in models]
    return Work(tuple(ModelWork(name, ("marts/orders",), window) for name, window in named), recompile)


def refreshed(resource: CubeSemanticLayerResource, todo: Work, looks: int = 9) -> Progress:
    """A refresh to its end; what is kept goes through JSON, as it does in the store."""
    import json

    progress = resource.begin(todo)
    while progress.state == "running" and looks > 0:
        progress, looks = resource.look(todo, json.loads(json.dumps(progress.jobs))), looks - 1
    return progress
