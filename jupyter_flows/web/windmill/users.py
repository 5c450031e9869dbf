"""Who asks, and what answers: `whoami`, `version` and their like."""

from importlib.metadata import version

from msgspec import Struct

from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door


class Whoami(Struct):
    """Of the logged-in user, or of the owner of the run whose kernel asks. Nobody here is an
    administrator of others, and names stand for addresses.
    """

    email: str
    username: str
    name: str
    workspace_id: str
    groups: list[str] = []
    folders: list[str] = []
    is_admin: bool = False
    is_super_admin: bool = False
    operator: bool = False
    disabled: bool = False


class VersionDoor(WindmillDoor):
    of_workspace = False

    @windmill_door
    async def get(self) -> None:
        self.text(f"jupyter_flows {version('jupyter-flows')}")
