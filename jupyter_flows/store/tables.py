"""The tables: the log of events, which is the truth, its projections, which are for lists; and the
schedules, the webhooks on their way, the registered flows, their versions and what is kept for
flows, which are no part of the log; and what servers on one database tell one another.
"""

import sqlalchemy as sa

from jupyter_flows.store.texts import WholeName, WholeText

metadata = sa.MetaData()

events = sa.Table(
    "events",
    metadata,
    sa.Column("run_id", WholeName(64), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", WholeName(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", WholeName(64), nullable=False),
)

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("digest", WholeName(80), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", WholeName(64), primary_key=True),
    sa.Column("status", WholeName(16), nullable=False),
    sa.Column("path", WholeText, nullable=False),
    sa.Column("name", WholeText),
    sa.Column("owner", WholeText, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Float),
    sa.Column("due_at", sa.Float),
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
    sa.Column("server", WholeName(64)),
    sa.Column("idempotency_key", WholeText),
    sa.Column("flow", WholeText),
    sa.Column("started_by", WholeName(64)),
    sa.Column("queue", WholeName(64)),
    sa.Column("in_place", sa.Boolean),
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
    sa.Column("run_id", WholeName(64), primary_key=True),
    sa.Column("step", WholeName(64), primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("status", WholeName(16), nullable=False),
    sa.Column("opened_at", sa.Float, nullable=False),
    sa.Column("deadline", sa.Float, nullable=False),
    sa.Column("path", WholeText, nullable=False),
    sa.Index("gates_by_status", "status", "opened_at"),
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("id", WholeName(64), primary_key=True),
    sa.Column("run_id", WholeName(64), nullable=False),
    sa.Column("gate", WholeName(64)),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("approver", WholeText),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float),
    sa.Column("revoked_at", sa.Float),
    sa.Index("links_by_run", "run_id", "created_at"),
    sa.Index("links_by_age", "created_at"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", WholeName(64), primary_key=True),
    sa.Column("name", WholeText),
    sa.Column("cron", WholeText, nullable=False),
    sa.Column("zone", WholeText, nullable=False),
    sa.Column("path", WholeText, nullable=False),
    sa.Column("folder", WholeText, nullable=False),
    sa.Column("owner", WholeText, nullable=False),
    sa.Column("parameters", WholeText, nullable=False),
    sa.Column("kernel_name", WholeText),
    sa.Column("output", WholeText),
    sa.Column("catch_up", WholeName(16), nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float),
    sa.Column("last_due", sa.Float),
    sa.Column("last_run", WholeName(64)),
    sa.Column("last_error", WholeText),
    sa.Index("schedules_due", "due_at"),
)

flows = sa.Table(
    "flows",
    metadata,
    sa.Column("name", WholeName(200), primary_key=True),
    sa.Column("path", WholeText, nullable=False),
    sa.Column("owner", WholeText, nullable=False),
    sa.Column("registered_at", sa.Float, nullable=False),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("hash", WholeName(16), primary_key=True),
    sa.Column("name", WholeName(200), nullable=False),
    sa.Column("path", WholeText, nullable=False),
    sa.Column("notebook", sa.LargeBinary, nullable=False),
)

variables = sa.Table(
    "variables",
    metadata,
    sa.Column("path", WholeText, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("is_secret", sa.Boolean, nullable=False),
    sa.Column("description", WholeText, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

resources = sa.Table(
    "resources",
    metadata,
    sa.Column("path", WholeText, primary_key=True),
    sa.Column("value", WholeText, nullable=False),
    sa.Column("resource_type", WholeText, nullable=False),
    sa.Column("description", WholeText, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

user_states = sa.Table(
    "user_states",
    metadata,
    sa.Column("root", WholeName(64), primary_key=True),
    sa.Column("key", WholeText, primary_key=True),
    sa.Column("value", WholeText, nullable=False),
)

progress = sa.Table(
    "progress",
    metadata,
    sa.Column("job", WholeText, primary_key=True),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("message", WholeText),
    sa.Column("at", sa.Float, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
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
    sa.Index("deliveries_due", "due_at"),
    sa.Index("deliveries_by_run", "run_id"),
    sa.Index("deliveries_by_url", "url", "status"),
    sa.Index("deliveries_by_age", "created_at", "id"),
)

partials = sa.Table(
    "partials",
    metadata,
    sa.Column("run_id", WholeName(64), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", WholeName(16), nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("signs_at", sa.Float, nullable=False),
    sa.Index("keys_by_kind", "kind", "id"),
)

servers = sa.Table(
    "servers",
    metadata,
    sa.Column("id", WholeName(64), primary_key=True),
    sa.Column("url", WholeText, nullable=False),
    sa.Column("public_url", WholeText, nullable=False),
    sa.Column("host", WholeText, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("is_lasting", sa.Boolean, nullable=False),
    sa.Column("queues", WholeText, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("is_draining", sa.Boolean, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("lease_until", sa.Float, nullable=False),
    sa.Index("servers_by_lease", "lease_until"),
)

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("id", WholeName(64), primary_key=True),
    sa.Column("server", WholeName(64), nullable=False),
    sa.Column("run_id", WholeName(64), nullable=False),
    sa.Column("asked", WholeText, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("answer", WholeText),
    sa.Index("questions_by_server", "server"),
)
