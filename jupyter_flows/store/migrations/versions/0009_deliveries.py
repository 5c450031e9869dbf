"""Webhooks on their way."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("tries_before", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("last_at", sa.Float),
        sa.Column("done_at", sa.Float),
    )
    op.create_index("deliveries_due", "deliveries", ["due_at"])
    op.create_index("deliveries_by_run", "deliveries", ["run_id"])
    op.create_index("deliveries_by_url", "deliveries", ["url", "status"])
    op.create_index("deliveries_by_age", "deliveries", ["created_at", "id"])
