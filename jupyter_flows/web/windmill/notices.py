"""Messages by Slack and Teams: the way to an approval page, never a vote (G32)."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from jupyter_flows.core import notices
from jupyter_flows.core.errors import BadInput, NotAllowed
from jupyter_flows.core.model import Json, StepId
from jupyter_flows.web.urls import link_urls
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door

MOST_NAME = 200


class Sent(Struct):
    sent: bool = True


class TeamsActivity(Struct):
    """`success` gives the text its colour; `card_block` is an Adaptive Card, or a part of one."""

    conversation_id: Annotated[str, Meta(min_length=1)]
    text: str
    success: bool = True
    card_block: dict[str, Json] | None = None


class SlackDoor(WindmillDoor):
    """A GET, because the client sends one; so it must show a token in a header, which no other
    site's page can make a browser do.
    """

    @windmill_door
    async def get(self, job: str) -> None:
        if "Authorization" not in self.request.headers:
            raise NotAllowed("Show a token in the Authorization header: a cookie is not enough.")
        run, step = await self.job(job)
        self._check_fixed("default_args_json")
        self._check_fixed("dynamic_enums_json")
        channel = self._needed("channel_id", MOST_NAME)
        path = self._needed("slack_resource_path", MOST_NAME)
        text = self._said("message", notices.MOST_TEXT // 2) or notices.ASKED
        approver = self._said("approver", MOST_NAME)
        gate = self._said("flow_step_id", MOST_NAME) or step
        if gate is None or gate not in run.steps:
            raise BadInput(
                f"flow_step_id must be a step of run {run.id}; it is {str(gate or '')[:100]!r}"
            )
        token = await self.doors.notices.slack_token(self.caller.user, path)
        run, link = await self.engine.links.mint(run.id, StepId(gate), approver)
        page = link_urls(self.engine, self.doors.public_url, run, link)["approvalPage"]
        await self.doors.notices.slack(token, channel, text, page)
        self.answer(Sent())

    def _said(self, name: str, most: int) -> str | None:
        said = self.query(name)
        if said is not None and len(said) > most:
            raise BadInput(f"{name} has at most {most} characters; it has {len(said)}.")
        return said

    def _needed(self, name: str, most: int) -> str:
        said = self._said(name, most)
        if said is None:
            raise BadInput(f"{name} is missing.")
        return said

    def _check_fixed(self, name: str) -> None:
        """Raises BadInput for what would change the gate's form: its options alone make it."""
        said = self.query(name)
        if said is None:
            return
        try:
            found = msgspec.json.decode(said)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadInput(f"{name} is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise BadInput(f"{name} must be a JSON object.")
        if found:
            raise BadInput(
                f"{name} can't change the form of a gate from here: let the gate's cell return"
                " `default_args` and `enums` beside `resume`, or put them into its options."
            )


class TeamsDoor(WindmillDoor):
    of_workspace = False

    @windmill_door
    async def post(self) -> None:
        asked = self.read_json(TeamsActivity)
        await self.doors.notices.teams(
            asked.conversation_id, asked.text, success=asked.success, card=asked.card_block
        )
        self.answer(Sent())
