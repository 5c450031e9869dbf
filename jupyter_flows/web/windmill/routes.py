"""The table of Windmill's API (api.md, section 6): each part's routes stand with its doors' table.

A segment written `{path+}` may hold slashes.
"""

from collections.abc import Sequence

from jupyter_flows.web.route import Access, Route
from jupyter_flows.web.windmill import users
from jupyter_flows.web.windmill.routes_jobs import JOBS

K = Access.KERNEL
W = "api/w/{workspace}"

USERS: Sequence[Route] = (
    Route(
        "GET",
        "api/version",
        users.VersionDoor,
        K,
        "The version of this server",
        answers={200: None},
    ),
)

WINDMILL: Sequence[Route] = (*USERS, *JOBS)
