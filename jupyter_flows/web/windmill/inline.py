"""Pieces of code that are run at once, for their result: `run_inline_script_preview`, and with it
the data tables and ducklakes of the client package.
"""

from msgspec import Struct

from jupyter_flows.core.model import Json
from jupyter_flows.engine.inline import Piece
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door


class Preview(Struct):
    """`args` are the values of what the code takes."""

    content: str
    language: str
    args: dict[str, Json] = {}


class PreviewDoor(WindmillDoor):
    @windmill_door
    async def post(self) -> None:
        asked = self.read_json(Preview)
        piece = Piece(self.caller.user, self.caller.run, asked.content, asked.args)
        self.answer(await self.doors.inline.run(asked.language, piece))
