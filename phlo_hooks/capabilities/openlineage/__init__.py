"""OpenLineage: every run, asset and check as OpenLineage events, through any of the client's transports."""

from phlo_hooks.capabilities.openlineage.resource import OpenLineageResource

__all__ = ["OpenLineageResource"]
