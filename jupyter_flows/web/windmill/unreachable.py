"""What Windmill has and this server can't have: refused, with what to do instead."""

from typing import Any

from jupyter_flows.core.errors import NotOffered
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door

OIDC = (
    "This server is no identity provider, so nobody would trust a token of its own: keep a key of"
    " the service in a secret variable, and read it with get_variable."
)
KAFKA = (
    "This server has no Kafka triggers, so there are no offsets to commit: consume the topic in a"
    " cell with a Kafka client, which commits its own offsets."
)
ASSETS = (
    "This server keeps no record of materialized partitions, and does not pretend to: the data"
    " itself was written all the same."
)


class UnreachableDoor(WindmillDoor):
    def initialize(self, why: str, **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(**kwargs)
        self._why = why

    @windmill_door
    async def post(self, *_: str) -> None:
        raise NotOffered(self._why)
