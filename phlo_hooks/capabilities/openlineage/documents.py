"""OpenLineage events as JSON documents."""

from __future__ import annotations

from typing import Any

from openlineage.client.serde import Serde

from phlo_hooks.capabilities.openlineage.compose import AnyEvent


def document(event: AnyEvent) -> dict[str, Any]:
    """What goes over the wire."""
    return Serde.to_dict(event)
