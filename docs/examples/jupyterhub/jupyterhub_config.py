"""A JupyterHub whose users' notebooks run as flows: start it with `jupyterhub` in this folder.

The service `flows` holds the links, the approval pages and the inbox, and runs nobody's cells. Each
user's own server runs that user's flows.
"""

import os
from pathlib import Path

HERE = Path(__file__).parent.absolute()
DATA = Path(os.environ.get("HUB_DATA", HERE / "data"))
PUBLIC_URL = os.environ.get("HUB_PUBLIC_URL", "http://127.0.0.1:8000/")
ROOT = ["--allow-root"] if os.getuid() == 0 else []

c = get_config()  # noqa: F821
DATA.mkdir(mode=0o700, exist_ok=True)

# The hub itself. To try it only: put in the authenticator and the spawner of your site.
c.JupyterHub.bind_url = PUBLIC_URL
c.JupyterHub.public_url = PUBLIC_URL
c.JupyterHub.db_url = f"sqlite:///{DATA}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{DATA}/jupyterhub_cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{DATA}/jupyterhub-proxy.pid"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ["HUB_PASSWORD"]
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{DATA}/homes/{{username}}"

# What the gates of flows ask for. Many authenticators bring the groups of your directory instead.
c.JupyterHub.load_groups = {"finance": {"users": ["bob"]}}

# Flows: the same settings for the service and for each user's server.
FLOWS = {
    "JUPYTER_CONFIG_PATH": str(HERE),  # has jupyter_flows_config.py
    "JUPYTER_FLOWS_DATA_DIR": f"{DATA}/flows",
}
# One folder serves where all servers run on one machine as one account, as here. Elsewhere they
# share a PostgreSQL database: set these two where the hub is started.
for name in ("JUPYTER_FLOWS_DATABASE_URL", "JUPYTER_FLOWS_DEPLOYMENT_KEY"):
    if name in os.environ:
        FLOWS[name] = os.environ[name]
c.Spawner.environment = FLOWS
c.Spawner.args = ROOT
c.JupyterHub.services = [
    {
        "name": "flows",
        "url": os.environ.get("FLOWS_SERVICE_URL", "http://127.0.0.1:10101"),
        "command": ["jupyter-flows", "serve", *ROOT],
        "environment": FLOWS,
        "cwd": str(DATA),
        "oauth_no_confirm": True,
    }
]

# Who may log in at the service: here every user. Links need no login.
c.JupyterHub.load_roles = [
    {"name": "user", "scopes": ["self", "access:services!service=flows"]},
]
