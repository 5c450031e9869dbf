"""The log of events, and the lists of runs, gates and links."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float),
        sa.Column("due_at", sa.Float),
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("server", sa.String(64)),
        sa.Column("idempotency_key", sa.Text),
    )
    op.create_index("runs_by_status", "runs", ["status"])
    op.create_index("runs_by_age", "runs", ["created_at", "id"])
    op.create_index("runs_due", "runs", ["due_at"])
    op.create_index("runs_by_key", "runs", ["owner", "idempotency_key"], unique=True)
    op.create_table(
        "gates",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("step", sa.String(64), primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("deadline", sa.Float, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
    )
    op.create_index("gates_by_status", "gates", ["status", "opened_at"])
    op.create_table(
        "links",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("gate", sa.String(64)),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("approver", sa.Text),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
    )
    op.create_index("links_by_run", "links", ["run_id", "created_at"])
    op.create_index("links_by_age", "links", ["created_at"])
