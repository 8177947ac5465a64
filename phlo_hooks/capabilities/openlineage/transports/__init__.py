"""Where OpenLineage events go: any transport of the client, with an end that tells the truth."""

from __future__ import annotations

from phlo_hooks.capabilities.openlineage.transports.outlet import Outlet
from phlo_hooks.capabilities.openlineage.transports.settings import TransportSettings

__all__ = ["Outlet", "TransportSettings"]
