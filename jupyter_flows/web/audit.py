"""The doors of audit: the trail with its verdict, the receipt, and the key that checks it (G71)."""

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_flows.core.errors import BadInput, NotFound
from jupyter_flows.core.model import RunId
from jupyter_flows.core.receipt import file_name
from jupyter_flows.web.audit_views import audit_view
from jupyter_flows.web.doors import ApiDoor


class AuditDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        await self.check_reader(run)
        self.answer(audit_view(RunId(run), await self.engine.audit.verdict(RunId(run))))


class ReceiptDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        await self.check_reader(run)
        said = self.get_query_argument("payloads", "true")
        if said not in ("true", "false"):
            raise BadInput(f"payloads must be true or false; it is {said[:40]!r}")
        content = await self.engine.audit.receipt(RunId(run), payloads=said == "true")
        self.set_header("Content-Type", "application/json")
        self.set_header("Content-Disposition", f'attachment; filename="{file_name(RunId(run))}"')
        self.set_header("Cache-Control", "no-store")
        self.finish(content)


class AuditKeyDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        keys = self.engine.audit.public_keys()
        key_id = self.get_query_argument("id", next(iter(keys)))
        if key_id not in keys:
            raise NotFound(f"No key here has the id {key_id[:40]!r}; there are: {', '.join(keys)}.")
        self.set_header("Content-Type", "application/x-pem-file")
        self.finish(keys[key_id])
