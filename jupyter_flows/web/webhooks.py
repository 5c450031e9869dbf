"""The REST of webhooks on their way, for the owners of their runs."""

from http import HTTPStatus

from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from tornado import web

from jupyter_flows.core.errors import UnknownDelivery
from jupyter_flows.core.model import RunId
from jupyter_flows.core.webhooks import Delivery, DeliveryId
from jupyter_flows.web.doors import ApiDoor
from jupyter_flows.web.webhook_views import DeliveryList, delivery_view


class DeliveriesDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        run = self.get_query_argument("run", None)
        found = await self.doors.webhooks.deliveries(
            self.limit(), owner=self.user, run=None if run is None else RunId(run)
        )
        self.answer(DeliveryList(list(map(delivery_view, found))))


class _OneDelivery(ApiDoor):
    async def mine(self, delivery: str) -> Delivery:
        """Raises UnknownDelivery, also for one of somebody else's run: an address is its owner's
        affair.
        """
        found = await self.doors.webhooks.delivery(DeliveryId(delivery))
        if found.owner != self.user:
            raise UnknownDelivery(f"There is no delivery {delivery!r}.")
        return found


class DeliveryDoor(_OneDelivery):
    @web.authenticated
    @authorized
    async def get(self, delivery: str) -> None:
        self.answer(delivery_view(await self.mine(delivery)))


class SendAgain(Struct, forbid_unknown_fields=True):
    pass


class SendDoor(_OneDelivery):
    @web.authenticated
    @authorized
    async def post(self, delivery: str) -> None:
        found = await self.mine(delivery)
        self.read_json(SendAgain)
        sent = await self.doors.webhooks.again(found.id)
        self.answer(delivery_view(sent), HTTPStatus.ACCEPTED)
