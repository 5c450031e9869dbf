"""The REST of schedules (G84), for logged-in users."""

from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from msgspec import Struct
from tornado import web

from jupyter_flows.core.errors import NotAllowed
from jupyter_flows.core.model import Json
from jupyter_flows.core.schedules import CatchUp, ScheduleId
from jupyter_flows.engine.asked import NewSchedule
from jupyter_flows.web.contents import file_of_notebook
from jupyter_flows.web.doors import ApiDoor, Doors, PeerDoor
from jupyter_flows.web.schedule_views import ScheduleList, schedule_view


class AddSchedule(Struct, forbid_unknown_fields=True):
    """`path` is the notebook's, as the contents API writes it; it is read anew at each start."""

    path: str
    cron: str
    zone: str = "UTC"
    name: str | None = None
    parameters: dict[str, Json] = {}
    kernel_name: str | None = None
    catch_up: CatchUp = CatchUp.SKIP


class SchedulesDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        schedules = self.doors.schedules
        shown = [schedule_view(schedules, each) for each in await schedules.schedules()]
        self.answer(ScheduleList(shown))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        asked = self.read_json(AddSchedule)
        file = await file_of_notebook(self.contents_manager, asked.path)
        schedule = await self.doors.schedules.add(
            NewSchedule(
                cron=asked.cron,
                zone=asked.zone,
                path=str(file),
                folder=str(file.parent),
                owner=self.user,
                name=asked.name,
                parameters=asked.parameters,
                kernel_name=asked.kernel_name,
                catch_up=asked.catch_up,
            )
        )
        self.set_header("Location", f"schedules/{schedule.id}")
        self.answer(schedule_view(self.doors.schedules, schedule), HTTPStatus.CREATED)


class _OneSchedule(ApiDoor):
    async def check_schedule_is_mine(self, schedule: str) -> None:
        """Raises UnknownSchedule, NotAllowed."""
        owner = (await self.doors.schedules.schedule(ScheduleId(schedule))).owner
        if owner != self.user:
            raise NotAllowed(f"Only {owner}, whose schedule this is, may do this.")


class ScheduleDoor(_OneSchedule):
    @web.authenticated
    @authorized
    async def get(self, schedule: str) -> None:
        found = await self.doors.schedules.schedule(ScheduleId(schedule))
        self.answer(schedule_view(self.doors.schedules, found))

    @web.authenticated
    @authorized
    async def delete(self, schedule: str) -> None:
        await self.check_schedule_is_mine(schedule)
        await self.doors.schedules.remove(ScheduleId(schedule))
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()


class PauseSchedule(Struct, forbid_unknown_fields=True):
    pass


class PauseDoor(_OneSchedule):
    """`paused` says which of the two this door does."""

    def initialize(self, doors: Doors, *, paused: bool, **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(doors, **kwargs)
        self._pauses = paused

    @web.authenticated
    @authorized
    async def post(self, schedule: str) -> None:
        await self.check_schedule_is_mine(schedule)
        self.read_json(PauseSchedule)
        schedules = self.doors.schedules
        change = schedules.pause if self._pauses else schedules.unpause
        self.answer(schedule_view(schedules, await change(ScheduleId(schedule))))


class PeerSchedulesDoor(PeerDoor):
    """Another process has changed the schedules: look at them."""

    @allow_unauthenticated
    async def post(self) -> None:
        self.check_peer()
        self.doors.schedules.look()
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()
