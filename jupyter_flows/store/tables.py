"""The tables: the log of events, which is the truth, its projections, which are for lists; and the
schedules, the registered flows, their versions and what is kept for flows, which are no part of the
log.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

events = sa.Table(
    "events",
    metadata,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sqlite_with_rowid=False,
)

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
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
    sa.Column("flow", sa.Text),
    sa.Column("started_by", sa.String(64)),
    sa.Index("runs_by_starter", "started_by", "status"),
    sa.Index("runs_by_flow", "flow", "status"),
    sa.Index("runs_by_status", "status"),
    sa.Index("runs_by_age", "created_at", "id"),
    sa.Index("runs_due", "due_at"),
    sa.Index("runs_by_key", "owner", "idempotency_key", unique=True),
)

gates = sa.Table(
    "gates",
    metadata,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("step", sa.String(64), primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("opened_at", sa.Float, nullable=False),
    sa.Column("deadline", sa.Float, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Index("gates_by_status", "status", "opened_at"),
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("gate", sa.String(64)),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("approver", sa.Text),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float),
    sa.Column("revoked_at", sa.Float),
    sa.Index("links_by_run", "run_id", "created_at"),
    sa.Index("links_by_age", "created_at"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("cron", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("kernel_name", sa.Text),
    sa.Column("output", sa.Text),
    sa.Column("catch_up", sa.String(16), nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float),
    sa.Column("last_due", sa.Float),
    sa.Column("last_run", sa.String(64)),
    sa.Column("last_error", sa.Text),
    sa.Index("schedules_due", "due_at"),
)

flows = sa.Table(
    "flows",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("registered_at", sa.Float, nullable=False),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("hash", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("notebook", sa.LargeBinary, nullable=False),
)

variables = sa.Table(
    "variables",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("is_secret", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

resources = sa.Table(
    "resources",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("resource_type", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

user_states = sa.Table(
    "user_states",
    metadata,
    sa.Column("root", sa.String(64), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

progress = sa.Table(
    "progress",
    metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("at", sa.Float, nullable=False),
)
