"""Alembic migrations of the store's tables, run by `phlo_hooks.delivery.upgrade`."""
