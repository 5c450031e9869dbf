"""Which flow a run belongs to, where its flow limits how many runs are at work."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("runs", sa.Column("flow", sa.Text))
    op.create_index("runs_by_flow", "runs", ["flow", "status"])
