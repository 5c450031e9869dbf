"""Versions of flows, longer names, and which run has started another."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("runs", sa.Column("started_by", sa.String(64)))
    op.create_index("runs_by_starter", "runs", ["started_by", "status"])
    with op.batch_alter_table("flows") as flows:
        flows.alter_column("name", existing_type=sa.String(100), type_=sa.String(200))
    op.create_table(
        "versions",
        sa.Column("hash", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("notebook", sa.LargeBinary, nullable=False),
    )
