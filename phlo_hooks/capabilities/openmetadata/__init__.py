"""OpenMetadata: tables, lineage, quality and pipelines, pushed over its REST API."""
