"""The first tables: events, deliveries, state.

Written out, not taken from `schema.py`: a migration must not change when the schema moves on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from phlo_hooks.delivery.schema import LongText

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_NUMBERED: dict[str, Any] = {"sqlite_autoincrement": True, **_OPTIONS}


def upgrade() -> None:
    """Create the three tables."""
    _create_events()
    _create_deliveries()
    _create_state()


def downgrade() -> None:
    """Drop them."""
    op.drop_table("hook_state")
    op.drop_table("hook_deliveries")
    op.drop_table("hook_events")


def _create_events() -> None:
    op.create_table(
        "hook_events",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(255), nullable=False),
        sa.Column("event_type", sa.String(128), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("timestamp", sa.Double, nullable=False),
        sa.Column("recorded_at", sa.Double, nullable=False),
        sa.Column("run_id", sa.String(255)),
        sa.Column("job_name", sa.String(255)),
        sa.Column("step_key", sa.String(255)),
        sa.Column("asset_key", sa.String(255)),
        sa.Column("partition_key", sa.String(255)),
        sa.Column("check_name", sa.String(255)),
        sa.Column("body", LongText, nullable=False),
        sa.UniqueConstraint("event_id", name="uq_hook_events_event_id"),
        **_NUMBERED,
    )
    op.create_index("ix_hook_events_run_id", "hook_events", ["run_id"])


def _create_deliveries() -> None:
    op.create_table(
        "hook_deliveries",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("event_row", _ROW_ID, sa.ForeignKey("hook_events.id"), nullable=False),
        sa.Column("hook", sa.String(255), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.Double),
        sa.Column("lease_owner", sa.String(255)),
        sa.Column("last_error", sa.Text),
        sa.Column("lane", sa.String(255)),
        sa.Column("replayed", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("settled_at", sa.Double),
        sa.UniqueConstraint("event_row", "hook", "scope", name="uq_hook_deliveries_event_row"),
        **_NUMBERED,
    )
    still_open = sa.text("next_attempt_at IS NOT NULL")
    op.create_index(
        "ix_hook_deliveries_due",
        "hook_deliveries",
        ["hook", "scope", "next_attempt_at", "id"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def _create_state() -> None:
    op.create_table(
        "hook_state",
        sa.Column("namespace", sa.String(255), primary_key=True),
        sa.Column("key", sa.String(512), primary_key=True),
        sa.Column("value", LongText, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        **_OPTIONS,
    )
