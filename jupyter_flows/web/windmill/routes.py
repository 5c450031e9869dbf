"""The table of Windmill's API (api.md, section 6): each part's routes stand in a file of their own.

A segment written `{path+}` may hold slashes.
"""

from collections.abc import Sequence

from jupyter_flows.web.route import Route
from jupyter_flows.web.windmill.routes_inner import INNER
from jupyter_flows.web.windmill.routes_jobs import JOBS
from jupyter_flows.web.windmill.routes_objects import OBJECTS
from jupyter_flows.web.windmill.routes_things import THINGS

WINDMILL: Sequence[Route] = (
    *THINGS,
    *OBJECTS,
    *INNER,
    *JOBS,
)
