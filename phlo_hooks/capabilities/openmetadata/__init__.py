"""OpenMetadata: tables, lineage, quality and pipelines, pushed over its REST API."""

from phlo_hooks.capabilities.openmetadata.resource import OpenMetadataResource

__all__ = ["OpenMetadataResource"]
