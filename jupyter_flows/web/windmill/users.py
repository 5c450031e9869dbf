"""Who asks, and what answers: `whoami`, `version` and their like."""

from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version

from msgspec import Struct

from jupyter_flows.core.errors import NotOffered
from jupyter_flows.core.windmill import WORKSPACE
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


class CreateToken(Struct):
    """`expiration`: when it ends; left out, with the run."""

    label: str | None = None
    expiration: datetime | None = None


class VersionDoor(WindmillDoor):
    of_workspace = False

    @windmill_door
    async def get(self) -> None:
        self.text(f"jupyter_flows {version('jupyter-flows')}")


class WhoamiDoor(WindmillDoor):
    def initialize(self, of_workspace: bool = True, **kwargs: object) -> None:  # type: ignore[override]
        super().initialize(**kwargs)  # type: ignore[arg-type]
        self.of_workspace = of_workspace

    @windmill_door
    async def get(self) -> None:
        name = self.caller.user
        groups = () if self.caller.run is not None else self.voter.groups
        self.answer(Whoami(address_of(name), name, name, WORKSPACE, list(groups)))


class AddressDoor(WindmillDoor):
    @windmill_door
    async def get(self, name: str) -> None:
        self.text(address_of(name))


class CreateTokenDoor(WindmillDoor):
    of_workspace = False

    @windmill_door
    async def post(self) -> None:
        if self.caller.run is None:
            raise NotOffered(
                "This server's own tokens are Jupyter's: get one from the hub's token page, or set"
                " IdentityProvider.token. Here a token is made for the kernel of a run alone."
            )
        ends = self.read_json(CreateToken).expiration
        expires_at = None if ends is None else _in_seconds(ends)
        self.text(self.engine.links.shorter(self.bearer(), expires_at), HTTPStatus.CREATED)


class DrainingDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        await self.job(job)
        self.answer(self.doors.stopping())


def address_of(name: str) -> str:
    """No addresses are known here: the name itself."""
    return name


def _in_seconds(moment: datetime) -> float:
    """Since 1970; one without a zone is in UTC, as Windmill has them."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
