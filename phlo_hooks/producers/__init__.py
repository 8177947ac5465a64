"""Producers: what turns Dagster activity into events."""
