"""The settings of flows under the hub: of the service and of every user's server alike."""

import os
from urllib.parse import urljoin

c = get_config()  # noqa: F821

# Links lead to the service, so that they open while their run's server is stopped.
c.FlowsApp.public_url = urljoin(os.environ["JUPYTERHUB_PUBLIC_HUB_URL"], "../services/flows/")

# A user's server drives that user's runs and nobody else's; the service drives none.
if user := os.environ.get("JUPYTERHUB_USER"):
    c.FlowsApp.owners = [user]
    c.FlowsApp.queue = f"user-{user}"
    c.FlowsApp.queues = [c.FlowsApp.queue]
