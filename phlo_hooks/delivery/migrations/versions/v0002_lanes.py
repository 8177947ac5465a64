"""Order within lanes, the errors of all attempts, replays; indexes for health at any size."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_IN_LANE = sa.text("next_attempt_at IS NOT NULL AND lane IS NOT NULL")
_DEAD = sa.text("state = 'dead'")


def upgrade() -> None:
    """Add columns and indexes; nothing could be replayed before."""
    with op.batch_alter_table("hook_deliveries", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("errors", sa.Text))
        table.add_column(sa.Column("replays", sa.Integer, nullable=False, server_default="0"))
        table.drop_column("replayed")
    with op.batch_alter_table("hook_deliveries", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("replays", existing_type=sa.Integer, existing_nullable=False, server_default=None)
    _index("ix_hook_deliveries_lane", ["hook", "scope", "lane", "id"], _IN_LANE)
    _index("ix_hook_deliveries_order", ["hook", "scope", "id"], _IN_LANE)
    _index("ix_hook_deliveries_dead", ["state", "hook", "id"], _DEAD)
    _index("ix_hook_deliveries_settled", ["settled_at", "hook", "state"], None)


def downgrade() -> None:
    """Drop them."""
    for name in ("lane", "order", "dead", "settled"):
        op.drop_index(f"ix_hook_deliveries_{name}", "hook_deliveries")
    with op.batch_alter_table("hook_deliveries", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("replayed", sa.Boolean, nullable=False, server_default=sa.false()))
        table.drop_column("replays")
        table.drop_column("errors")


def _index(name: str, columns: list[str], where: sa.TextClause | None) -> None:
    op.create_index(name, "hook_deliveries", columns, sqlite_where=where, postgresql_where=where)
